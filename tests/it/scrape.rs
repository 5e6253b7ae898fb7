//! The metrics of the Go webhook, by name, type and label: dashboards and alarms are built on them.

use std::collections::BTreeSet;

use http::{Request, StatusCode};
use http_body_util::Full;

use crate::support::client::get;
use crate::support::process::Process;
use crate::support::reviews::{WORLD, body};
use crate::support::server::Server;

async fn server() -> Server {
    Server::on_manifests([WORLD, "--shutdown-delay=0"]).await
}

async fn text(server: &Server) -> String {
    let answer = server.admin("/metrics").await;
    assert_eq!(answer.status, StatusCode::OK);
    assert_eq!(answer.header("content-type"), "text/plain; version=0.0.4; charset=utf-8");
    String::from_utf8(answer.body.to_vec()).unwrap()
}

/// The lines of the metrics with this prefix; what depends on how fast the machine is normalised.
fn lines_of(text: &str, prefix: &str) -> String {
    let is_ours = |line: &&str| {
        let name = line.strip_prefix("# TYPE ").unwrap_or(line);
        name.starts_with(prefix) && !line.starts_with("# HELP")
    };
    let normalised = text.lines().filter(is_ours).map(|line| {
        let (name, _) = line.rsplit_once(' ').unwrap();
        let is_bounded = name.contains("_bucket") && !name.contains("+Inf");
        if name.contains("_sum") {
            format!("{name} <time>")
        } else if is_bounded {
            format!("{name} <n>")
        } else {
            line.to_owned()
        }
    });
    normalised.collect::<Vec<_>>().join("\n")
}

#[tokio::test]
async fn serves_the_metrics_of_the_go_webhook() {
    let server = server().await;
    for account in ["orders", "orders", "cart", "plain", "nobody"] {
        assert_eq!(server.client.post("/mutate", body(account)).await.status, StatusCode::OK);
    }
    assert_eq!(server.client.post("/mutate", "{").await.status, StatusCode::BAD_REQUEST);
    assert_eq!(server.client.send(get("/mutate")).await.status, StatusCode::METHOD_NOT_ALLOWED);
    let text = text(&server).await;
    insta::assert_snapshot!(lines_of(&text, "http_"), @r#"
    # TYPE http_request_count counter
    http_request_count{code="200",path="/mutate",verb="POST"} 5
    http_request_count{code="400",path="/mutate",verb="POST"} 1
    http_request_count{code="405",path="/mutate",verb="GET"} 1
    # TYPE http_request_duration_microseconds summary
    http_request_duration_microseconds_sum{path="/mutate",verb="GET"} <time>
    http_request_duration_microseconds_count{path="/mutate",verb="GET"} 1
    http_request_duration_microseconds_sum{path="/mutate",verb="POST"} <time>
    http_request_duration_microseconds_count{path="/mutate",verb="POST"} 6
    # TYPE http_request_latencies histogram
    http_request_latencies_bucket{path="/mutate",verb="GET",le="125000"} <n>
    http_request_latencies_bucket{path="/mutate",verb="GET",le="250000"} <n>
    http_request_latencies_bucket{path="/mutate",verb="GET",le="500000"} <n>
    http_request_latencies_bucket{path="/mutate",verb="GET",le="1e+06"} <n>
    http_request_latencies_bucket{path="/mutate",verb="GET",le="2e+06"} <n>
    http_request_latencies_bucket{path="/mutate",verb="GET",le="4e+06"} <n>
    http_request_latencies_bucket{path="/mutate",verb="GET",le="8e+06"} <n>
    http_request_latencies_bucket{path="/mutate",verb="GET",le="+Inf"} 1
    http_request_latencies_sum{path="/mutate",verb="GET"} <time>
    http_request_latencies_count{path="/mutate",verb="GET"} 1
    http_request_latencies_bucket{path="/mutate",verb="POST",le="125000"} <n>
    http_request_latencies_bucket{path="/mutate",verb="POST",le="250000"} <n>
    http_request_latencies_bucket{path="/mutate",verb="POST",le="500000"} <n>
    http_request_latencies_bucket{path="/mutate",verb="POST",le="1e+06"} <n>
    http_request_latencies_bucket{path="/mutate",verb="POST",le="2e+06"} <n>
    http_request_latencies_bucket{path="/mutate",verb="POST",le="4e+06"} <n>
    http_request_latencies_bucket{path="/mutate",verb="POST",le="8e+06"} <n>
    http_request_latencies_bucket{path="/mutate",verb="POST",le="+Inf"} 6
    http_request_latencies_sum{path="/mutate",verb="POST"} <time>
    http_request_latencies_count{path="/mutate",verb="POST"} 6
    "#);
    insta::assert_snapshot!(lines_of(&text, "pod_identity_webhook_pod_count"), @r#"
    # TYPE pod_identity_webhook_pod_count counter
    pod_identity_webhook_pod_count{method="container_credentials"} 1
    pod_identity_webhook_pod_count{method="sts_web_identity"} 2
    "#);
    insta::assert_snapshot!(lines_of(&text, "pod_identity_webhook_missing_sa_count"), @r#"
    # TYPE pod_identity_webhook_missing_sa_count counter
    pod_identity_webhook_missing_sa_count 1
    "#);
    insta::assert_snapshot!(lines_of(&text, "pod_identity_webhook_used"), @r#"
    # TYPE pod_identity_webhook_used gauge
    pod_identity_webhook_used 1
    "#);
    server.stop().await;
}

#[tokio::test]
async fn every_metric_has_one_help_and_one_type() {
    let server = server().await;
    server.client.post("/mutate", body("orders")).await;
    let text = text(&server).await;
    let named = |what: &str| -> Vec<_> {
        text.lines().filter_map(|line| line.strip_prefix(what)?.split(' ').next()).collect()
    };
    let types = named("# TYPE ");
    assert_eq!(types, named("# HELP "));
    assert_eq!(types.iter().collect::<BTreeSet<_>>().len(), types.len(), "{types:?}");
    // Which metrics of the process there are depends on the system.
    let types: Vec<_> = types.into_iter().filter(|name| !name.starts_with("process_")).collect();
    insta::assert_snapshot!(types.join("\n"), @r#"
    http_request_count
    http_request_duration_microseconds
    http_request_latencies
    pod_identity_webhook_admission_duration_seconds
    pod_identity_webhook_build_info
    pod_identity_webhook_certificate_expiry_timestamp_seconds
    pod_identity_webhook_certificate_reload_errors_total
    pod_identity_webhook_connections
    pod_identity_webhook_log_lines_dropped_total
    pod_identity_webhook_missing_sa_count
    pod_identity_webhook_pod_count
    pod_identity_webhook_refused_clients_total
    pod_identity_webhook_used
    pod_identity_webhook_watch_up
    "#);
    server.stop().await;
}

#[tokio::test]
async fn starts_at_zero_and_counts_the_first_role_as_use() {
    let server = server().await;
    let zeros = [
        "pod_identity_webhook_pod_count{method=\"sts_web_identity\"}",
        "pod_identity_webhook_pod_count{method=\"container_credentials\"}",
        "pod_identity_webhook_missing_sa_count",
        "pod_identity_webhook_used",
        "pod_identity_webhook_connections",
        "pod_identity_webhook_certificate_reload_errors_total",
    ];
    for name in zeros {
        assert_eq!(server.metric(name).await, Some(0.0), "{name}");
    }
    let used = async || server.metric("pod_identity_webhook_used").await;
    for account in ["plain", "nobody"] {
        server.client.post("/mutate", body(account)).await;
        assert_eq!(used().await, Some(0.0), "{account}");
    }
    server.client.post("/mutate", body("orders")).await;
    assert_eq!(used().await, Some(1.0));
    server.stop().await;
}

#[tokio::test]
async fn admission_duration_resolves_microseconds() {
    let server = server().await;
    server.client.post("/mutate", body("orders")).await;
    let text = text(&server).await;
    let prefix = "pod_identity_webhook_admission_duration_seconds_bucket{outcome=\"injected\",le=\"";
    let bounds: Vec<_> = text
        .lines()
        .filter_map(|line| line.strip_prefix(prefix)?.split('"').next())
        .map(|bound| bound.parse::<f64>().unwrap())
        .collect();
    let [first, .., last] = bounds.as_slice() else { panic!("{bounds:?}") };
    assert_eq!((*first, *last), (5e-5, f64::INFINITY));
    assert!(bounds.is_sorted());
    let count = "pod_identity_webhook_admission_duration_seconds_count";
    assert_eq!(server.metric(&format!("{count}{{outcome=\"injected\"}}")).await, Some(1.0));
    assert_eq!(server.metric(&format!("{count}{{outcome=\"no_identity\"}}")).await, Some(0.0));
    server.stop().await;
}

#[tokio::test]
async fn only_mutate_is_counted() {
    let server = server().await;
    for path in ["/healthz", "/readyz", "/livez", "/nowhere"] {
        server.client.send(get(path)).await;
        server.admin(path).await;
    }
    let text = text(&server).await;
    assert!(!text.contains("http_request_count{"), "{text}");
    assert!(!text.contains("http_request_latencies_count{"), "{text}");
    server.stop().await;
}

#[tokio::test]
async fn methods_that_are_made_up_make_no_labels() {
    let server = server().await;
    for method in ["BREW", "PROPFIND", "post"] {
        let request = Request::builder().method(method).uri("/mutate").header("Host", "localhost");
        let answer = server.client.send(request.body(Full::default()).unwrap()).await;
        answer.assert_status(405, "MethodNotAllowed");
    }
    let counted = server.metric("http_request_count{code=\"405\",path=\"/mutate\",verb=\"OTHER\"}").await;
    assert_eq!(counted, Some(3.0));
    server.stop().await;
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn says_what_the_process_takes() {
    let process = Process::start(&[]).await;
    let metrics = [
        "cpu_seconds_total",
        "open_fds",
        "max_fds",
        "resident_memory_bytes",
        "start_time_seconds",
        "threads",
    ];
    for name in metrics {
        let value = process.metric(&format!("process_{name}")).await;
        assert!(value.is_some_and(|value| value >= 0.0), "{name}: {value:?}");
    }
    let open = process.metric("process_open_fds").await.unwrap();
    assert!((open - f64::from(u32::try_from(process.descriptors()).unwrap())).abs() < 5.0, "{open}");
}
