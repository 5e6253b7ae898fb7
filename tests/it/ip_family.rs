//! `--ip-family=auto`: the family of the cluster's Service `kubernetes`, or no start.

use clap::Parser;
use injection::agent::Agent;
use pod_identity_webhook::cli::Cli;
use pod_identity_webhook::kubernetes::Cluster;
use pod_identity_webhook::webhook::Settings;
use pod_identity_webhook::webhook::discovery;
use pod_identity_webhook::webhook::settings::AccountSource;

use crate::support::fake_api::{FakeApi, Fault, Route};
use crate::support::process::Starting;
use crate::support::wait::until;

/// Where a server at this API server says that the agent is.
async fn complete(url: &str, args: &[&str]) -> Result<Agent, String> {
    let api = format!("--kube-api={url}");
    let fixed = ["pod-identity-webhook", "--in-cluster=false", "--ip-family=auto", &api];
    let args = Cli::try_parse_from(fixed.iter().chain(args)).unwrap();
    let settings = Settings::new(&args.webhook).unwrap();
    let AccountSource::Cluster(cluster) = &settings.sources.accounts else { panic!("a cluster") };
    let cluster = Cluster::new(cluster.clone());
    let defaults = discovery::complete(settings.defaults, Some(&cluster), None).await;
    defaults.map(|defaults| defaults.agent).map_err(|error| error.to_string())
}

async fn cluster(families: &[&'static str]) -> FakeApi {
    let api = FakeApi::start().await;
    api.set_ip_families(families);
    api
}

#[tokio::test]
async fn auto_is_the_first_family_of_the_service_kubernetes() {
    for (families, uri, mode) in [
        (&["IPv4"][..], "http://169.254.170.23/v1/credentials", None),
        (&["IPv6"], "http://[fd00:ec2::23]/v1/credentials", Some("IPv6")),
        (&["IPv4", "IPv6"], "http://169.254.170.23/v1/credentials", None),
        (&["IPv6", "IPv4"], "http://[fd00:ec2::23]/v1/credentials", Some("IPv6")),
    ] {
        let api = cluster(families).await;
        let agent = complete(&api.url(), &[]).await.unwrap();
        assert_eq!((agent.full_uri(), agent.endpoint_mode()), (uri, mode), "{families:?}");
        assert_eq!(api.traffic().services, 1);
    }
}

#[tokio::test]
async fn a_uri_that_is_given_stays_whatever_the_cluster_s_family() {
    for (uri, mode) in [("http://169.254.170.23/x", None), ("http://[fd00:ec2::23]/x", Some("IPv6"))] {
        let api = cluster(&["IPv6"]).await;
        let flag = format!("--container-credentials-full-uri={uri}");
        let agent = complete(&api.url(), &[&flag]).await.unwrap();
        assert_eq!((agent.full_uri(), agent.endpoint_mode()), (uri, mode));
    }
}

/// The error that says why the family is not known.
async fn reason(api: &FakeApi) -> String {
    let error = complete(&api.url(), &[]).await.unwrap_err();
    let reason =
        error.strip_prefix("failed to read Service default/kubernetes for --ip-family=auto: ").unwrap();
    reason.strip_suffix("; allow `get` on it, or give --ip-family=ipv4 or ipv6").unwrap().to_owned()
}

#[tokio::test]
async fn a_family_that_cannot_be_found_out_is_no_family() {
    let api = cluster(&["IPv6"]).await;
    for (fault, expected) in [
        (Fault::Status(403), "403 Forbidden: the test wants it so"),
        (Fault::Status(404), "404 NotFound: the test wants it so"),
        (Fault::Status(503), "503 ServiceUnavailable: the test wants it so"),
        (Fault::Garbage, "the API server's answer could not be read: not JSON at line 1 column 11"),
        (Fault::Hang, "no answer within 3s"),
        (Fault::Says("{}"), "the answer is an object without a kind, not Service of v1"),
        (
            Fault::Says(
                r#"{"kind":"Service","apiVersion":"v1","metadata":{"namespace":"shop","name":"kubernetes"},
                    "spec":{"ipFamilies":["IPv4"]}}"#,
            ),
            "the answer is another Service",
        ),
    ] {
        api.set_fault(Route::Service, fault);
        assert_eq!(reason(&api).await, expected);
    }
    assert_eq!(api.traffic().services, 7 * 3);
    api.set_fault(Route::Service, Fault::None);
    for families in [&[][..], &["IPv5"]] {
        api.set_ip_families(families);
        assert_eq!(reason(&api).await, "its spec.ipFamilies begins with neither IPv4 nor IPv6");
    }
    api.stop().await;
    assert!(reason(&api).await.contains("Connection refused"));
}

#[tokio::test]
async fn an_api_server_that_comes_up_late_is_asked_again() {
    let api = cluster(&["IPv6"]).await;
    api.set_fault(Route::Service, Fault::Status(503));
    let url = api.url();
    let starting = tokio::spawn(async move { complete(&url, &[]).await });
    until("the Service is asked for", async || (api.traffic().services > 0).then_some(())).await;
    api.set_fault(Route::Service, Fault::None);
    let agent = starting.await.unwrap().unwrap();
    assert_eq!(agent.endpoint_mode(), Some("IPv6"));
}

#[tokio::test]
async fn a_start_that_cannot_find_the_family_out_ends_in_one_line() {
    let api = cluster(&[]).await;
    let url = format!("--kube-api={}", api.url());
    let mut starting = Starting::spawn(&["--in-cluster=false", "--ip-family=auto", &url]);
    assert_eq!(starting.ended().await.code(), Some(1));
    let log: Vec<_> = starting.log().into_iter().filter(|line| !line.is_empty()).collect();
    assert_eq!(
        log,
        ["pod-identity-webhook: failed to read Service default/kubernetes for --ip-family=auto: its \
          spec.ipFamilies begins with neither IPv4 nor IPv6; allow `get` on it, or give --ip-family=ipv4 or ipv6"]
    );
}
