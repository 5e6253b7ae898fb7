//! An API server, or what stands before it, that says wrong things of the keys that sign tokens. What is trouble leaves
//! the keys that were there; what is an answer counts.

use std::time::Duration;

use serde_json::{Value, json};

use super::assert_served;
use crate::accounts::skip;
use crate::agent::Node;
use crate::agent::issuer::{self, Issuer};
use crate::support::fake_api::{Fault, Route};
use crate::support::wait::until;

/// Longer than keys are not asked for again.
const PAUSE: Duration = Duration::from_secs(11);

/// Has the keys read, by a token whose key nobody has; what is said of that token.
async fn read_again(node: &Node) {
    skip(PAUSE).await;
    let read = node.api.traffic().documents.len();
    let unknown = Issuer::new("key-unknown").sign(&issuer::claims("orders", "p9"));
    until("the keys are asked for", async || {
        assert_eq!(node.ask(&unknown).await.status, 400);
        (node.api.traffic().documents.len() >= read + 2).then_some(())
    })
    .await;
}

/// Keys of other uses than a cluster's, and none that could verify.
fn unsupported(issuer: &Issuer) -> Value {
    let with = |member: &str, value: Value| {
        let mut key = issuer.key();
        key[member] = value;
        key
    };
    json!({ "keys": [
        with("kty", json!("OKP")),
        with("kty", json!("oct")),
        with("crv", json!("secp256k1")),
        with("use", json!("enc")),
        with("alg", json!("HS256")),
        with("x", json!("AAAA")),
        { "kty": "oct", "kid": "key-1", "k": "c2VjcmV0" },
        { "kty": "RSA", "kid": "key-1", "n": "AQAB", "e": "AQAB" },
        null,
    ] })
}

#[tokio::test]
async fn key_sets_that_are_none_leave_the_keys_that_were_there() {
    let node = Node::start(&[]).await;
    assert_served(&node, &node.token("p0")).await;
    let huge = json!({ "keys": [node.issuer.key()], "filler": "x".repeat(2 << 20) });
    let many = json!({ "keys": vec![Issuer::new("key-1").key(); 1001] });
    let sets = [
        json!({ "keys": [] }),
        json!({ "keys": null }),
        json!({}),
        json!([]),
        json!("keys"),
        unsupported(&node.issuer),
        huge,
        many,
    ];
    for (number, set) in sets.iter().enumerate() {
        node.api.sign_tokens(issuer::URL, set);
        read_again(&node).await;
        assert_served(&node, &node.token(&format!("p{number}"))).await;
    }
    node.api.sign_tokens(issuer::URL, &node.issuer.keys());
    for (number, fault) in [Fault::Garbage, Fault::CloseMidway, Fault::Flood, Fault::Hang].iter().enumerate()
    {
        node.api.set_fault_of_tokens(Route::Document, *fault);
        read_again(&node).await;
        assert_served(&node, &node.token(&format!("q{number}"))).await;
    }
}

#[tokio::test]
async fn keys_that_cannot_verify_or_share_an_id_do_not_hide_those_that_can() {
    let node = Node::start(&[]).await;
    let (next, other) = (Issuer::new("key-2"), Issuer::new("key-1"));
    let mut private = next.key();
    // A cluster that publishes what only it should have has other troubles; it is not read.
    private["d"] = json!("AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAE");
    let mut keys = unsupported(&node.issuer)["keys"].as_array().unwrap().clone();
    keys.extend([other.key(), node.issuer.key(), private]);
    node.api.sign_tokens(issuer::URL, &json!({ "keys": keys }));
    read_again(&node).await;
    assert_served(&node, &node.token("p1")).await;
    let token = next.sign(&issuer::claims("orders", "p2"));
    node.api.confirm_token(&token, "account-orders", "p2");
    assert_served(&node, &token).await;
}

#[tokio::test]
async fn a_key_that_is_withdrawn_and_an_issuer_that_changes_count_once_they_are_read() {
    let node = Node::start(&[]).await;
    assert_served(&node, &node.token("p1")).await;
    let next = Issuer::new("key-2");
    node.api.sign_tokens(issuer::URL, &next.keys());
    read_again(&node).await;
    assert_eq!(node.ask(&node.token("p2")).await.status, 400);
    let token = next.sign(&issuer::claims("orders", "p3"));
    node.api.confirm_token(&token, "account-orders", "p3");
    assert_served(&node, &token).await;
    node.api.sign_tokens("https://other.example.com", &next.keys());
    read_again(&node).await;
    let token = next.sign(&issuer::claims("orders", "p4"));
    node.api.confirm_token(&token, "account-orders", "p4");
    let answer = node.ask(&token).await;
    assert_eq!(answer.status, 400, "{answer:?}");
    assert!(answer.body.contains("another issuer"), "{answer:?}");
}

/// Reviews that say less than that the API server knows the token, for us, as this account's and this pod's.
const REVIEWS: [&str; 5] = [
    "{}",
    r#"{"apiVersion":"authentication.k8s.io/v1","kind":"TokenReview","status":{"authenticated":true}}"#,
    // Of no pod.
    r#"{"apiVersion":"authentication.k8s.io/v1","kind":"TokenReview","status":{"authenticated":true,
        "audiences":["pods.eks.amazonaws.com"],"user":{"uid":"account-orders"}}}"#,
    // For others.
    r#"{"apiVersion":"authentication.k8s.io/v1","kind":"TokenReview","status":{"authenticated":true,
        "audiences":["sts.amazonaws.com"],"user":{"uid":"account-orders",
        "extra":{"authentication.kubernetes.io/pod-uid":["pod"]}}}}"#,
    // Not known.
    r#"{"apiVersion":"authentication.k8s.io/v1","kind":"TokenReview","status":{"authenticated":false,
        "audiences":["pods.eks.amazonaws.com"],"user":{"uid":"account-orders",
        "extra":{"authentication.kubernetes.io/pod-uid":["pod"]}}}}"#,
];

#[tokio::test]
async fn a_review_that_says_wrong_things_confirms_nobody() {
    let node = Node::start(&[]).await;
    let lies = REVIEWS.map(Fault::Says).into_iter();
    for fault in lies.chain([Fault::Garbage, Fault::Flood, Fault::CloseMidway]) {
        node.api.set_fault_of_tokens(Route::Review, fault);
        let answer = node.ask(&node.token("pod")).await;
        assert!([400, 503].contains(&answer.status), "{fault:?}: {answer:?}");
    }
    assert_eq!(node.upstream.calls(), 0);
    node.api.set_fault_of_tokens(Route::Review, Fault::None);
    assert_served(&node, &node.token("pod")).await;
}

#[tokio::test]
async fn an_api_server_that_is_slow_in_all_it_says_keeps_no_sdk_waiting_longer_than_it_waits() {
    let node = Node::start(&[]).await;
    let known = node.token("p1");
    assert_served(&node, &known).await;
    let next = Issuer::new("key-2");
    node.api.sign_tokens(issuer::URL, &json!({ "keys": [node.issuer.key(), next.key()] }));
    node.api.set_fault_of_tokens(Route::Document, Fault::Delay(Duration::from_millis(750)));
    node.api.set_fault_of_tokens(Route::Review, Fault::Hang);
    // Keys in less than a second, and then a review in another, are more than an SDK waits.
    let token = next.sign(&issuer::claims("orders", "p2"));
    until("the keys come in time", async || {
        skip(PAUSE).await;
        let answer = node.ask(&token).await;
        answer.body.starts_with("The API server takes too long").then(|| assert_eq!(answer.status, 503))
    })
    .await;
    assert_served(&node, &known).await;
    // What was read meanwhile is there for the next try.
    node.api.set_fault_of_tokens(Route::Review, Fault::None);
    node.api.set_fault_of_tokens(Route::Document, Fault::Hang);
    node.api.confirm_token(&token, "account-orders", "p2");
    assert_served(&node, &token).await;
}
