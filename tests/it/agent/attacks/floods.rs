//! One pod that asks without an end, with its own token and with others: what the API server is asked for it, and what
//! is left for the other pods.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use futures_util::future::join_all;
use serde_json::json;
use tokio::time::Instant;

use super::{ATTACKER, GOOD, Pod, assert_served};
use crate::accounts::skip;
use crate::agent::issuer::{self, Issuer};
use crate::agent::{Node, ROLE};
use crate::support::client;
use crate::support::fake_api::{Fault, Route};
use crate::support::wait::until;

/// More tokens than an agent with a small cache remembers.
const MANY: usize = 2500;

/// An agent that refuses no request for its rate, with room for the credentials of ten pods.
async fn hasty() -> Node {
    Node::start(&["--max-requests-per-second=1000000", "--max-cache-size=10"]).await
}

/// The attacker asks with each of these tokens; the answers' statuses.
async fn flood(node: &Node, tokens: impl Iterator<Item = String>) -> Vec<u16> {
    let mut pod = Pod::connect(ATTACKER, node.address).await.unwrap();
    let mut statuses = Vec::new();
    for token in tokens {
        statuses.push(pod.ask(&token).await.unwrap());
    }
    statuses
}

/// How often a token was found to have been verified before.
async fn known(node: &Node) -> f64 {
    client::metric(node.metrics, r#"pod_identity_local_validation{result="skipped"}"#)
        .await
        .unwrap_or_default()
}

#[tokio::test]
async fn a_pod_that_asks_without_an_end_takes_nothing_of_what_others_may_ask() {
    let node = Node::start(&["--max-requests-per-second=500"]).await;
    let (greedy, good) = (node.token("greedy"), node.token("good"));
    let refused = Arc::new(AtomicUsize::new(0));
    let mut pod = Pod::connect(ATTACKER, node.address).await.unwrap();
    let counted = refused.clone();
    let attacker = tokio::spawn(async move {
        loop {
            if pod.ask(&greedy).await.unwrap() == 429 {
                counted.fetch_add(1, Ordering::SeqCst);
            }
        }
    });
    // Each of them on its first try, while the attacker has been refused a hundred more.
    for asked in 0..40 {
        until("the attacker is refused", async || {
            (refused.load(Ordering::SeqCst) > asked * 100).then_some(())
        })
        .await;
        let mut pod = Pod::connect(GOOD, node.address).await.unwrap();
        assert_eq!(pod.ask(&good).await.unwrap(), 200, "{asked}");
    }
    attacker.abort();
    assert_eq!(node.upstream.calls(), 2);
}

#[tokio::test]
async fn forged_tokens_without_number_have_nobody_asked_and_take_no_place() {
    let node = hasty().await;
    let good = node.token("p1");
    node.ask(&good).await.json();
    let stranger = Issuer::new("key-1");
    let forged = (0..MANY).map(|number| stranger.sign(&issuer::claims("orders", &format!("pod-{number}"))));
    let statuses = flood(&node, forged).await;
    assert!(statuses.iter().all(|status| *status == 400), "{statuses:?}");
    let traffic = node.api.traffic();
    assert_eq!((traffic.reviews, traffic.documents.len(), node.upstream.calls()), (1, 2, 1));
    let before = known(&node).await;
    node.ask(&good).await.json();
    assert!(known(&node).await > before);
    assert_eq!((node.api.traffic().reviews, node.upstream.calls()), (1, 1));
}

#[tokio::test]
async fn tokens_that_name_keys_which_do_not_exist_have_keys_read_every_ten_seconds_at_most() {
    let node = hasty().await;
    let good = node.token("p1");
    node.ask(&good).await.json();
    let stranger = Issuer::new("");
    for fault in [Fault::None, Fault::Hang, Fault::Status(500), Fault::Garbage] {
        node.api.set_fault_of_tokens(Route::Document, fault);
        let (began, read) = (Instant::now(), node.api.traffic().documents.len());
        let claims = issuer::claims("orders", "p2");
        let unknown = (0..MANY / 4).map(|number| {
            stranger.sign_under(&json!({ "alg": "ES256", "kid": format!("key-of-{number}") }), &claims)
        });
        let statuses = flood(&node, unknown).await;
        assert!(statuses.iter().all(|status| *status == 400), "{statuses:?}");
        // Two documents each time; kube's client may try one that fails again.
        let times = 2 + began.elapsed().as_secs() / 10;
        let read = node.api.traffic().documents.len() - read;
        assert!(read as u64 <= times * 4, "{read} in {:?}, {fault:?}", began.elapsed());
        assert_served(&node, &good).await;
        assert_served(&node, &node.token(&format!("new-{read}"))).await;
    }
    assert_eq!(node.ask(&good).await.identity(), ("ASIA-p1".to_owned(), ROLE.to_owned()));
}

/// A pod that may make tokens of its account has as many as it likes.
#[tokio::test]
async fn good_tokens_of_one_pod_without_number_take_no_other_pods_place() {
    let node = hasty().await;
    let good = node.token("p1");
    node.ask(&good).await.json();
    let own = (0..MANY).map(|number| {
        let mut claims = issuer::claims("orders", "greedy");
        claims["jti"] = json!(number);
        let token = node.issuer.sign(&claims);
        node.api.confirm_token(&token, "account-orders", "greedy");
        token
    });
    let statuses = flood(&node, own).await;
    assert!(statuses.iter().all(|status| *status == 200), "{statuses:?}");
    // It has one place among credentials, and a few among tokens.
    assert_eq!(node.upstream.calls(), 2);
    let (before, reviews) = (known(&node).await, node.api.traffic().reviews);
    node.ask(&good).await.json();
    assert!(known(&node).await > before);
    assert_eq!((node.api.traffic().reviews, node.upstream.calls()), (reviews, 2));
}

#[tokio::test]
async fn what_a_pod_sends_beside_its_token_gives_it_nobody_elses_credentials() {
    let node = Node::start(&[]).await;
    let (own, other) = (node.token("own"), node.token("other"));
    node.ask(&other).await.json();
    let claims = other.split('.').nth(1).unwrap();
    for line in [
        "X-Pod-Uid: other".to_owned(),
        "X-Forwarded-For: 10.0.0.2".to_owned(),
        "Forwarded: for=10.0.0.2".to_owned(),
        format!("X-Claims: {claims}"),
        "Cookie: pod=other".to_owned(),
        format!("Authorization: {claims}"),
    ] {
        let head = format!(
            "GET /v1/credentials?pod=other&uid=other HTTP/1.1\r\nHost: 169.254.170.23\r\nAuthorization: {own}\r\n{line}\r\n"
        );
        assert_eq!(node.send(&head).await.identity().0, "ASIA-own", "{line}");
    }
    // Another pod's claims under one's own signature.
    let [header, _, signature] = own.split('.').collect::<Vec<_>>()[..] else { panic!("{own}") };
    let answer = node.ask(&format!("{header}.{claims}.{signature}")).await;
    assert_eq!(answer.status, 400, "{answer:?}");
    node.ask(&own).await.json();
}

#[tokio::test]
async fn a_token_that_is_sent_by_many_at_once_is_reviewed_once() {
    let node = hasty().await;
    let token = node.token("p1");
    for (fault, status) in [(Fault::Hang, 503), (Fault::None, 200)] {
        node.api.set_fault_of_tokens(Route::Review, fault);
        let reviews = until("the API server is heard in time", async || {
            let before = node.api.traffic().reviews;
            let answers = join_all((0..50).map(|_| node.ask(&token))).await;
            let reviews = node.api.traffic().reviews - before;
            // Silence is remembered for a moment.
            skip(Duration::from_secs(1)).await;
            // A review has a second, which a busy machine may need for something else: then nobody is answered.
            if status == 200 && answers.iter().all(|answer| answer.status == 503) {
                return None;
            }
            assert!(answers.iter().all(|answer| answer.status == status), "{answers:?}");
            Some(reviews)
        })
        .await;
        // On a busy machine some come after the others were answered.
        assert!((1..10).contains(&reviews), "{reviews}");
    }
}
