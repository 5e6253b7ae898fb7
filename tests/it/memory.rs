//! All that calls hold counts: their bodies, what is read of them, and their answers until these are sent.

mod burst;
mod chart;

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes};
use futures_util::{StreamExt, stream};
use http::{Request, StatusCode};
use http_body_util::StreamBody;
use hyper::body::Frame;
use pod_identity_webhook::identities::Identities;
use pod_identity_webhook::identities::offline::Manifests;
use pod_identity_webhook::identities::sources::association_resources::Namespaces;
use pod_identity_webhook::webhook::Metrics;
use pod_identity_webhook::webhook::Settings;
use pod_identity_webhook::webhook::admission::{Admission, Limits};
use serde_json::{Value, json};
use tokio::task::JoinHandle;
use tokio::time::Instant;
use tower::ServiceExt;

use crate::support::raw::{Raw, head};
use crate::support::reviews::{WORLD, body, review};
use crate::support::server::{Server, settings};
use crate::support::wait::until;

const KIB: usize = 1 << 10;

/// What every call gets beside its body.
const WORK: usize = 32 * KIB;

/// The webhook without a server, with this many bytes for all calls.
fn webhook(memory: usize) -> Router {
    let settings = settings([WORLD]);
    let defaults = settings.defaults.offline().unwrap();
    let world = WORLD.strip_prefix("--manifests=").unwrap().into();
    let manifests =
        Manifests::read(&[world], "default", &defaults.annotation_prefix, Namespaces::Own).unwrap();
    let limits = Limits { memory, ..settings.admission };
    let identities = Identities::of_manifests(manifests);
    let metrics = Metrics::new().unwrap().admission;
    Arc::new(Admission::new(identities, defaults, None, limits, metrics)).routes()
}

async fn post(webhook: &Router, review: Vec<u8>) -> http::Response<Body> {
    post_within(webhook, review, "1s").await
}

async fn post_within(webhook: &Router, review: Vec<u8>, time: &str) -> http::Response<Body> {
    let request = Request::post(format!("/mutate?timeout={time}")).header("content-type", "application/json");
    webhook.clone().oneshot(request.body(Body::from(review)).unwrap()).await.unwrap()
}

/// A pod with this many containers, whose answer is longer than the pod itself.
fn containers(count: usize) -> Vec<u8> {
    let mut review = review("orders");
    let containers: Value = (0..count).map(|number| json!({"name": format!("c{number}")})).collect();
    review["request"]["object"]["spec"]["containers"] = containers;
    serde_json::to_vec(&review).unwrap()
}

#[tokio::test]
async fn answer_counts_until_the_last_of_it_is_gone() {
    let webhook = webhook(900 * KIB);
    let large = containers(800);
    let answer = post(&webhook, large.clone()).await;
    assert_eq!(answer.status(), StatusCode::OK);
    // Most of the memory belongs to the first answer, which was not read.
    assert_eq!(post(&webhook, large.clone()).await.status(), StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(post(&webhook, body("orders")).await.status(), StatusCode::OK);
    let bytes = axum::body::to_bytes(answer.into_body(), usize::MAX).await.unwrap();
    assert!(bytes.len() > 400 * KIB, "{}", bytes.len());
    assert_eq!(post(&webhook, large.clone()).await.status(), StatusCode::SERVICE_UNAVAILABLE);
    drop(bytes);
    assert_eq!(post(&webhook, large).await.status(), StatusCode::OK);
}

#[tokio::test]
async fn what_is_read_of_a_review_counts() {
    let mut review = review("orders");
    let path = "/\u{1}".repeat(40 * KIB);
    review["request"]["object"]["spec"]["containers"][0]["volumeMounts"] =
        json!([{"name": "v", "mountPath": path}]);
    let escaped = serde_json::to_vec(&review).unwrap();
    let plain = String::from_utf8(escaped.clone()).unwrap().replace("\\u0001", "/xxxxx").into_bytes();
    let webhook = webhook(escaped.len() + WORK + KIB);
    assert_eq!(post(&webhook, plain).await.status(), StatusCode::OK);
    // Escaped text cannot be borrowed from the body, so it takes memory beside it.
    assert_eq!(post(&webhook, escaped).await.status(), StatusCode::SERVICE_UNAVAILABLE);
}

/// The webhook with its default limits.
fn usual() -> Router {
    webhook(Limits::default().memory)
}

/// A call whose body begins with these bytes, and never ends.
fn stalled(webhook: &Router, announced: usize, begin: Vec<u8>) -> JoinHandle<StatusCode> {
    let begin = stream::once(async { Ok::<_, std::io::Error>(Frame::data(Bytes::from(begin))) });
    let body = Body::new(StreamBody::new(begin.chain(stream::pending())));
    let request = Request::post("/mutate?timeout=10s").header("content-type", "application/json");
    let request = request.header("content-length", announced).body(body).unwrap();
    let webhook = webhook.clone();
    tokio::spawn(async move { webhook.oneshot(request).await.unwrap().status() })
}

#[tokio::test(start_paused = true)]
async fn as_many_bodies_that_do_not_come_as_there_are_connections_keep_nobody_waiting() {
    let webhook = usual();
    let stalled: Vec<_> = (0..1000).map(|_| stalled(&webhook, 1 << 20, b"{".to_vec())).collect();
    // Each of them waits for the rest of its body.
    for _ in 0..10 {
        tokio::task::yield_now().await;
    }
    let asked = Instant::now();
    assert_eq!(post(&webhook, body("orders")).await.status(), StatusCode::OK);
    assert!(asked.elapsed() < Duration::from_millis(1), "{:?}", asked.elapsed());
    assert!(stalled.iter().all(|call| !call.is_finished()));
}

#[tokio::test(start_paused = true)]
async fn large_bodies_that_stall_give_way_to_whoever_needs_their_memory() {
    let webhook = usual();
    let most = 7 << 20;
    let stalled: Vec<_> = (0..12).map(|_| stalled(&webhook, most, vec![b' '; most - 1])).collect();
    for _ in 0..10 {
        tokio::task::yield_now().await;
    }
    let asked = Instant::now();
    let answer = post_within(&webhook, body("orders"), "10s").await;
    assert_eq!(answer.status(), StatusCode::OK);
    let took = asked.elapsed();
    assert!(took > Duration::from_millis(500) && took < Duration::from_millis(1500), "{took:?}");
    for call in stalled {
        assert_eq!(call.await.unwrap(), StatusCode::SERVICE_UNAVAILABLE);
    }
}

/// A thousand containers get an answer of half a megabyte; many that are not read hold all memory.
#[tokio::test]
async fn answers_that_nobody_reads_give_way_to_whoever_needs_their_memory() {
    let change = |settings: &mut Settings| settings.admission.memory = 4 << 20;
    let server = Server::with([WORLD, "--shutdown-delay=0"], change).await;
    let large = containers(1000);
    let mut deaf = Vec::new();
    for _ in 0..12 {
        let mut connection = Raw::connect_deaf(&server.client).await;
        let head = head("/mutate", &format!("Content-Length: {}\r\n", large.len()));
        connection.write([head.as_bytes(), &large].concat()).await.unwrap();
        deaf.push(connection);
    }
    let closed = "pod_identity_webhook_connections_closed_total{port=\"webhook\",reason=\"slow_reader\"}";
    let admits = async || {
        let answer = server.client.post("/mutate?timeout=1s", large.clone()).await;
        (answer.status == StatusCode::OK && server.metric(closed).await? > 0.0).then_some(())
    };
    // Without the pressure they would be closed after ten seconds.
    tokio::time::timeout(Duration::from_secs(6), until("a place", admits)).await.unwrap();
    server.stop().await;
}
