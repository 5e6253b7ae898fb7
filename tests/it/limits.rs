//! What one client may take of the server: bytes, time, connections, memory.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use http::{Request, StatusCode};
use http_body_util::{BodyExt, StreamBody};
use hyper::body::{Bytes, Frame};
use hyper_util::rt::TokioIo;
use pod_identity_webhook::identities::Identities;
use pod_identity_webhook::identities::offline::Manifests;
use pod_identity_webhook::identities::sources::association_resources::Namespaces;
use pod_identity_webhook::webhook::Metrics;
use pod_identity_webhook::webhook::Settings;
use pod_identity_webhook::webhook::admission::Admission;
use serde_json::Value;
use tokio::io::AsyncReadExt;
use tokio::net::TcpStream;
use tokio::runtime::Handle;
use tokio::time::Instant;
use tower::ServiceExt;

use crate::support::client::{Client, get};
use crate::support::process::Process;
use crate::support::raw::{Raw, head};
use crate::support::reviews::{WORLD, body, of_size};
use crate::support::server::{Server, settings};
use crate::support::wait::{until, within};

const MIB: usize = 1 << 20;
const CONNECTIONS: &str = "pod_identity_webhook_connections";

/// Short enough to be waited for, and long enough for a handshake on a machine that does much else.
const SHORT: Duration = Duration::from_secs(1);

async fn server(change: impl FnOnce(&mut Settings)) -> Server {
    Server::with([WORLD, "--shutdown-delay=0"], |settings| change(settings)).await
}

/// Posts in chunks; the answer's status.
async fn post_chunked(client: &Client, body: &[u8]) -> hyper::Result<StatusCode> {
    let stream = client.stream().await.unwrap();
    let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await?;
    tokio::spawn(connection);
    let chunks: Vec<_> = body.chunks(64 << 10).map(Bytes::copy_from_slice).collect();
    let chunks = chunks.into_iter().map(|chunk| Ok::<_, std::io::Error>(Frame::data(chunk)));
    let body = StreamBody::new(futures_util::stream::iter(chunks)).boxed_unsync();
    let request = Request::post("/mutate").header("Host", "localhost");
    let request = request.header("Content-Type", "application/json").body(body).unwrap();
    Ok(sender.send_request(request).await?.status())
}

#[tokio::test]
async fn body_over_the_limit_is_refused_by_its_announcement() {
    let server = server(|_| ()).await;
    let mut connection = Raw::connect(&server.client).await;
    let headers = format!("Content-Length: {}\r\n", 7 * MIB + 1);
    // Nothing of the body is ever sent: waiting for it would never end.
    connection.write(head("/mutate", &headers)).await.unwrap();
    let answer = connection.rest().await;
    assert!(answer.starts_with("HTTP/1.1 413 "), "{answer}");
    assert!(answer.contains("RequestEntityTooLarge"), "{answer}");
    server.stop().await;
}

#[tokio::test]
async fn client_that_sends_a_body_over_the_limit_reads_why() {
    let server = server(|_| ()).await;
    for _ in 0..3 {
        let mut connection = server.client.connect().await.unwrap();
        let answer = connection.post("/mutate", of_size(12 * MIB)).await.expect("an answer");
        answer.assert_status(413, "RequestEntityTooLarge");
        assert_eq!(answer.header("connection"), "close");
        assert_eq!(post_chunked(&server.client, &of_size(12 * MIB)).await.unwrap(), 413);
    }
    server.stop().await;
}

#[tokio::test]
async fn body_of_exactly_the_limit_is_read() {
    let server = server(|_| ()).await;
    let answer = server.client.post("/mutate", of_size(7 * MIB)).await;
    assert_eq!(answer.status, StatusCode::OK);
    assert!(answer.json()["response"]["patch"].is_string());
    assert_eq!(post_chunked(&server.client, &of_size(7 * MIB)).await.unwrap(), StatusCode::OK);
    assert_eq!(post_chunked(&server.client, &of_size(7 * MIB + 1)).await.unwrap(), 413);
    server.stop().await;
}

#[tokio::test]
async fn half_the_headers_are_not_waited_for() {
    let server = server(|settings| settings.server.limits.first_request = SHORT).await;
    let began = Instant::now();
    let mut connection = Raw::connect(&server.client).await;
    connection.write("POST /mutate HTTP/1.1\r\nHost: local").await.unwrap();
    assert_eq!(connection.rest().await, "");
    assert!(began.elapsed() >= SHORT, "{:?}", began.elapsed());
    server.stop().await;
}

#[tokio::test]
async fn half_the_headers_of_a_later_request_are_not_waited_for() {
    let server = server(|settings| settings.server.limits.idle = SHORT).await;
    let mut connection = Raw::connect(&server.client).await;
    let review = body("orders");
    let began = Instant::now();
    connection.write(head("/mutate", &format!("Content-Length: {}\r\n", review.len()))).await.unwrap();
    connection.write(review).await.unwrap();
    assert!(connection.head().await.starts_with("HTTP/1.1 200 "));
    connection.write("POST /mutate HTTP/1.1\r\nHost: local").await.unwrap();
    // The first answer comes, and nothing else.
    serde_json::from_str::<Value>(&connection.rest().await).unwrap();
    assert!(began.elapsed() >= SHORT, "{:?}", began.elapsed());
    server.stop().await;
}

#[tokio::test]
async fn half_a_body_is_to_be_sent_again_on_another_connection() {
    let server = server(|settings| settings.admission.request = SHORT).await;
    let review = body("orders");
    let mut connection = Raw::connect(&server.client).await;
    connection.announce("/mutate", review.len()).await;
    connection.write(&review[..review.len() / 2]).await.unwrap();
    let answer = connection.rest().await;
    assert!(answer.starts_with("HTTP/1.1 503 "), "{answer}");
    let answer = answer.to_lowercase();
    assert!(answer.contains("connection: close\r\n") && answer.contains("retry-after: 1\r\n"), "{answer}");
    server.stop().await;
}

#[tokio::test]
async fn client_that_never_speaks_is_closed() {
    let server = server(|settings| settings.server.limits.first_request = SHORT).await;
    let mut silent_tcp = TcpStream::connect(server.address).await.unwrap();
    let mut silent_tls = Raw::connect(&server.client).await;
    assert_eq!(within("the close", silent_tcp.read(&mut [0])).await.unwrap(), 0);
    silent_tls.rest().await;
    let timeouts = "pod_identity_webhook_tls_handshake_errors_total{reason=\"timeout\"}";
    assert_eq!(server.metric(timeouts).await, Some(1.0));
    server.stop().await;
}

#[tokio::test]
async fn client_that_never_reads_is_closed() {
    let server = server(|settings| settings.server.limits.request = SHORT).await;
    let mut deaf = Raw::connect(&server.client).await;
    let calls = "GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n".repeat(1000);
    // This writes until both sides' buffers are full of answers that are not read, and then until the end.
    let end = within("the close", async { while deaf.write(&calls).await.is_ok() {} });
    end.await;
    until("no connection", async || server.metric(CONNECTIONS).await.filter(|open| *open == 0.0)).await;
    server.stop().await;
}

#[tokio::test]
async fn headers_beyond_the_limit_are_refused() {
    let server = server(|_| ()).await;
    let mut greedy = Raw::connect(&server.client).await;
    let long = format!("X-Long: {}\r\n", "x".repeat(100 << 10));
    drop(greedy.write(head("/mutate", &long)).await);
    assert!(greedy.head().await.starts_with("HTTP/1.1 431 "));
    server.stop().await;
}

#[tokio::test]
async fn body_beyond_the_common_memory_waits_for_another_to_end() {
    // A body of a MiB, and what every call gets beside its body.
    let server = server(|settings| settings.admission.memory = MIB + (32 << 10)).await;
    let large = of_size(MIB);
    let (most, last) = large.split_at(MIB - 1);
    let mut first = Raw::connect(&server.client).await;
    first.announce("/mutate", large.len()).await;
    first.write(most).await.unwrap();

    // Once the whole body has come, no memory is left for another call.
    until("the memory to be full", async || {
        let refused = server.client.post("/mutate?timeout=200ms", body("orders")).await;
        (refused.status == StatusCode::SERVICE_UNAVAILABLE).then(|| {
            refused.assert_status(503, "ServiceUnavailable");
            assert_eq!(refused.header("retry-after"), "1");
            assert_eq!(refused.header("connection"), "close");
        })
    })
    .await;

    let client = server.client.clone();
    let waiting = tokio::spawn(async move { client.post("/mutate", body("orders")).await });
    for _ in 0..50 {
        server.admin("/livez").await;
    }
    assert!(!waiting.is_finished());
    first.write(last).await.unwrap();
    assert!(first.head().await.starts_with("HTTP/1.1 200 "));
    assert_eq!(within("the second body", waiting).await.unwrap().status, StatusCode::OK);
    server.stop().await;
}

#[tokio::test]
async fn bodies_that_are_announced_and_do_not_come_keep_nobody_out() {
    let server = server(|settings| settings.admission.memory = MIB).await;
    let mut idlers = Vec::new();
    for _ in 0..10 {
        let mut idler = Raw::connect(&server.client).await;
        idler.announce("/mutate", MIB).await;
        idlers.push(idler);
    }
    assert_eq!(server.client.post("/mutate", body("orders")).await.status, StatusCode::OK);
    drop(idlers);
    server.stop().await;
}

#[tokio::test(start_paused = true)]
async fn refuses_before_the_api_server_gives_up() {
    let manifests = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/support/world.yaml");
    let Settings { defaults, admission, .. } = settings([WORLD]);
    let defaults = defaults.offline().unwrap();
    let identities = Identities::of_manifests(
        Manifests::read(&[manifests], "default", &defaults.annotation_prefix, Namespaces::default()).unwrap(),
    );
    let metrics = Metrics::new().unwrap().admission;
    let admission = Admission::new(identities, defaults, None, admission, metrics);
    let router = Arc::new(admission).routes();
    for seconds in [1, 5, 10] {
        let never = StreamBody::new(futures_util::stream::pending::<std::io::Result<Frame<Bytes>>>());
        let request = Request::post(format!("/mutate?timeout={seconds}s"));
        let request = request.header("Content-Type", "application/json").body(Body::new(never)).unwrap();
        let asked = Instant::now();
        assert_eq!(router.clone().oneshot(request).await.unwrap().status(), StatusCode::SERVICE_UNAVAILABLE);
        let took = asked.elapsed();
        let patience = Duration::from_secs(seconds);
        assert!(took < patience && took > patience / 2, "{took:?} of {patience:?}");
    }
}

#[tokio::test]
async fn dropped_connections_leave_no_descriptor_behind() {
    let process = Process::start(&[]).await;
    // One call of every kind first: what the process opens once stays open.
    assert_eq!(process.client.post("/mutate", body("orders")).await.status, StatusCode::OK);
    until("no connection", async || (process.metric(CONNECTIONS).await? == 0.0).then_some(())).await;
    let before = process.descriptors();
    for _ in 0..100 {
        drop(TcpStream::connect(process.address).await.unwrap());
        let mut connection = process.client.connect().await.unwrap();
        assert_eq!(connection.post("/mutate", body("orders")).await.unwrap().status, StatusCode::OK);
    }
    until("the descriptors are closed", async || (process.descriptors() <= before).then_some(())).await;
    until("no connection", async || (process.metric(CONNECTIONS).await? == 0.0).then_some(())).await;
}

#[tokio::test]
async fn dropped_connections_leave_no_task_behind() {
    let server = server(|_| ()).await;
    let tasks = || Handle::current().metrics().num_alive_tasks();
    assert_eq!(server.client.send(get("/healthz")).await.status, StatusCode::OK);
    let count = async || {
        let before = tasks();
        tokio::task::yield_now().await;
        (tasks() == before && server.metric(CONNECTIONS).await? == 0.0).then_some(before)
    };
    let before = until("rest", count).await;
    let mut kept = Vec::new();
    for _ in 0..100 {
        kept.push(TcpStream::connect(server.address).await.unwrap());
        server.client.post("/mutate", body("orders")).await;
    }
    until("connections", async || (server.metric(CONNECTIONS).await? >= 100.0).then_some(())).await;
    assert!(tasks() >= before + 100);
    drop(kept);
    until("the tasks have ended", async || (tasks() <= before).then_some(())).await;
    server.stop().await;
}
