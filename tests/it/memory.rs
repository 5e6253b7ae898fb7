//! What calls hold counts: their bodies, what is read of them, and their answers until these are sent.

mod burst;
mod chart;

use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use http::{Request, StatusCode};
use pod_identity_webhook::admission::Admission;
use pod_identity_webhook::identities::Identities;
use pod_identity_webhook::identities::manifests::Manifests;
use pod_identity_webhook::metrics::Metrics;
use pod_identity_webhook::settings::Namespaces;
use serde_json::{Value, json};
use tower::ServiceExt;

use crate::support::reviews::{WORLD, body, review};
use crate::support::server::settings;

const KIB: usize = 1 << 10;

/// What every call gets beside its body.
const WORK: usize = 32 * KIB;

/// The webhook without a server, with so many bytes for all calls.
fn webhook(memory: usize) -> Router {
    let settings = settings([WORLD]);
    let world = WORLD.strip_prefix("--manifests=").unwrap().into();
    let manifests =
        Manifests::read(&[world], "default", &settings.defaults.annotation_prefix, Namespaces::Own).unwrap();
    let limits = pod_identity_webhook::settings::Limits { request_memory: memory, ..settings.limits };
    let identities = Identities::of_manifests(manifests);
    let metrics = Arc::new(Metrics::new().unwrap());
    Arc::new(Admission::new(identities, settings.defaults, None, limits, metrics)).routes(false)
}

async fn post(webhook: &Router, review: Vec<u8>) -> http::Response<Body> {
    let request = Request::post("/mutate?timeout=1s").header("content-type", "application/json");
    webhook.clone().oneshot(request.body(Body::from(review)).unwrap()).await.unwrap()
}

/// A pod with so many containers, which gets a longer answer than it is itself.
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
    // Most of the memory is the first answer's, which nobody has read.
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
    // What is escaped in the body is not borrowed from it, but beside it.
    assert_eq!(post(&webhook, escaped).await.status(), StatusCode::SERVICE_UNAVAILABLE);
}
