//! How tokens are verified while keys change, pods end, and the API server is away.

use std::time::Duration;

use serde_json::json;

use super::issuer::{self, Issuer};
use super::{NODE, Node, PODS, ROLE};
use crate::accounts::skip;
use crate::association_resources::{OWN, body};
use crate::support::client;
use crate::support::fake_api::{FakeApi, Fault, Route};
use crate::support::wait::until;

/// Longer than a token is taken without being verified again, and than keys are kept without being read.
const LONG: Duration = Duration::from_mins(6);

#[tokio::test]
async fn a_key_that_is_new_is_read_once_a_token_names_it_and_not_for_each() {
    let node = Node::start(&[]).await;
    node.ask(&node.token("p1")).await.json();
    let next = Issuer::new("key-2");
    let both = json!({ "keys": [node.issuer.key(), next.key()] });
    node.api.sign_tokens(issuer::URL, &both);
    node.api.forget_requests();
    let token = next.sign(&issuer::claims("orders", "p2"));
    node.api.confirm_token(&token, "account-orders", "p2");
    // The keys were read a moment ago: an SDK tries again.
    let read = node.api.traffic().documents.len();
    for _ in 0..20 {
        node.ask(&Issuer::new("key-3").sign(&issuer::claims("orders", "p3"))).await;
    }
    assert!(node.api.traffic().documents.len() - read <= 2, "{:?}", node.api.traffic().documents);
    until("the new key is read", async || (node.ask(&token).await.status == 200).then_some(())).await;
}

#[tokio::test]
async fn keys_are_kept_while_the_api_server_has_none() {
    let node = Node::start(&[]).await;
    node.ask(&node.token("p1")).await.json();
    node.api.set_fault_of_tokens(Route::Document, Fault::Status(500));
    assert_eq!(node.ask(&Issuer::new("key-3").sign(&issuer::claims("orders", "p3"))).await.status, 400);
    node.ask(&node.token("p2")).await.json();
    node.api.set_fault_of_tokens(Route::Document, Fault::Garbage);
    node.ask(&Issuer::new("key-3").sign(&issuer::claims("orders", "p3"))).await;
    node.ask(&node.token("p4")).await.json();
}

#[tokio::test]
async fn without_any_keys_nobody_gets_credentials_and_the_next_try_may() {
    let issuer = Issuer::new("key-1");
    let api = FakeApi::start().await;
    api.install(OWN);
    api.install(PODS);
    api.put_object(OWN, "shop", "orders", body(json!({ "spec": { "roleArn": ROLE } })));
    api.sign_tokens(issuer::URL, &issuer.keys());
    api.set_fault_of_tokens(Route::Document, Fault::Status(503));
    let node = Node::start_cold(api, issuer, &[]).await;
    let token = node.token("p1");
    let answer = node.ask(&token).await;
    assert_eq!(answer.status, 503, "{answer:?}");
    let read_at = async || client::metric(node.metrics, "pod_identity_agent_keys_timestamp_seconds").await;
    assert_eq!(read_at().await, Some(0.0));
    node.api.set_fault_of_tokens(Route::Document, Fault::None);
    until("the keys are read", async || (node.ask(&token).await.status == 200).then_some(())).await;
    let now = std::time::UNIX_EPOCH.elapsed().unwrap().as_secs_f64();
    until("that is told", async || read_at().await.filter(|time| (now - 60.0..now + 60.0).contains(time)))
        .await;
}

#[tokio::test]
async fn a_pod_that_the_api_server_does_not_know_gets_nothing_and_asks_it_once() {
    let node = Node::start(&[]).await;
    let token = node.issuer.sign(&issuer::claims("orders", "p1"));
    for _ in 0..5 {
        let answer = node.ask(&token).await;
        assert_eq!(answer.status, 400, "{answer:?}");
        assert!(answer.body.contains("its pod or its ServiceAccount is gone"), "{answer:?}");
    }
    assert_eq!((node.api.traffic().reviews, node.upstream.calls()), (1, 0));
    // An answer for another pod or account is no confirmation.
    for (token, account, pod) in [
        (node.issuer.sign(&issuer::claims("orders", "p2")), "account-orders", "p9"),
        (node.issuer.sign(&issuer::claims("orders", "p3")), "account-made-anew", "p3"),
    ] {
        node.api.confirm_token(&token, account, pod);
        assert_eq!(node.ask(&token).await.status, 400);
    }
}

#[tokio::test]
async fn pods_that_were_confirmed_go_on_without_the_api_server_and_new_ones_wait() {
    let node = Node::start(&[]).await;
    let token = node.token("p1");
    node.ask(&token).await.json();
    node.api.set_fault_of_tokens(Route::Review, Fault::Status(500));
    node.ask(&token).await.json();
    // Kubelet has replaced the token.
    let mut claims = issuer::claims("orders", "p1");
    claims["jti"] = json!("another");
    node.ask(&node.issuer.sign(&claims)).await.json();
    let newcomer = node.token("p2");
    let answer = node.ask(&newcomer).await;
    assert_eq!(answer.status, 503, "{answer:?}");
    // That is remembered for a moment: the API server is not asked for each request.
    let asked = node.api.traffic().reviews;
    for _ in 0..5 {
        node.ask(&newcomer).await;
    }
    assert!(node.api.traffic().reviews <= asked + 1);
    node.api.set_fault_of_tokens(Route::Review, Fault::None);
    until("the newcomer is confirmed", async || (node.ask(&newcomer).await.status == 200).then_some(()))
        .await;
}

#[tokio::test]
async fn an_account_that_is_deleted_and_a_key_that_is_taken_away_count_within_minutes() {
    let node = Node::start(&[]).await;
    let (deleted, kept) = (node.token("p1"), node.token("p2"));
    for token in [&deleted, &kept] {
        node.ask(token).await.json();
    }
    // Nothing tells the agent that the account of one is gone.
    node.api.deny_token(&deleted);
    node.ask(&deleted).await.json();
    skip(LONG).await;
    assert_eq!(node.ask(&deleted).await.status, 400);
    node.ask(&kept).await.json();
    let next = Issuer::new("key-2");
    node.api.sign_tokens(issuer::URL, &next.keys());
    let mut status = 200;
    // Verified in the moment before the keys are read again, it is taken once more.
    for _ in 0..2 {
        node.api.forget_requests();
        skip(LONG).await;
        node.api.wait_for("the keys are read", |traffic| traffic.documents.len() >= 2).await;
        status = node.ask(&kept).await.status;
    }
    assert_eq!(status, 400);
}

#[tokio::test]
async fn a_pod_that_went_is_not_confirmed_again_by_an_answer_that_is_old() {
    let node = Node::start(&[]).await;
    let api = &node.api;
    api.put_object(PODS, "shop", "orders-1", body(json!({})));
    let uid = api.object(PODS, "shop", "orders-1").unwrap()["metadata"]["uid"].as_str().unwrap().to_owned();
    let token = node.token(&uid);
    node.ask(&token).await.json();
    // The API server goes on confirming the token, as it does for some seconds.
    api.delete_object(PODS, "shop", "orders-1");
    until("the pod is forgotten", async || (node.ask(&token).await.status == 400).then_some(())).await;
    let reviews = api.traffic().reviews;
    assert_eq!(node.ask(&token).await.status, 400);
    assert_eq!(api.traffic().reviews, reviews + 1);
}

#[tokio::test]
async fn a_pod_that_is_gone_has_nothing_left() {
    let node = Node::start(&[]).await;
    let api = &node.api;
    api.put_object(PODS, "shop", "orders-1", body(json!({})));
    let uid = api.object(PODS, "shop", "orders-1").unwrap()["metadata"]["uid"].as_str().unwrap().to_owned();
    let token = node.token(&uid);
    assert_eq!(node.ask(&token).await.identity().0, format!("ASIA-{uid}"));
    api.deny_token(&token);
    // The pod is there: its token was confirmed.
    node.ask(&token).await.json();
    api.delete_object(PODS, "shop", "orders-1");
    until("the pod is forgotten", async || (node.ask(&token).await.status == 400).then_some(())).await;
}

#[tokio::test]
async fn tokens_of_other_nodes_are_taken_where_that_is_said() {
    let mut claims = issuer::claims("orders", "p1");
    claims["kubernetes.io"]["node"]["name"] = json!("node-2");
    let node = Node::start(&["--verify-node=false"]).await;
    let token = node.issuer.sign(&claims);
    node.api.confirm_token(&token, "account-orders", "p1");
    node.ask(&token).await.json();
    // Clusters before Kubernetes 1.30 name no node.
    assert_eq!(NODE, "node-1");
    let node = Node::start(&[]).await;
    claims["kubernetes.io"].as_object_mut().unwrap().remove("node");
    let token = node.issuer.sign(&claims);
    node.api.confirm_token(&token, "account-orders", "p1");
    node.ask(&token).await.json();
}
