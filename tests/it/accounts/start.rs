//! The first list: nothing is decided before it is complete, and nothing else is waited for.

use std::time::{Duration, Instant};

use super::{ORDERS, Said, Webhook, annotation, role, skip};
use crate::support::fake_api::{FakeApi, Fault, Route, reserve_port};

/// Longer than the webhook waits for a page, or between two attempts.
const LONG: Duration = Duration::from_secs(31);

#[tokio::test]
async fn kube_api_alone_is_enough_outside_a_cluster() {
    let api = FakeApi::start().await;
    api.put("shop", "orders", &annotation(ORDERS));
    let webhook = Webhook::start(&api).await;
    assert_eq!(webhook.admit("shop", "orders").await, role(ORDERS));
    assert!(api.traffic().gets.is_empty());
    assert!(api.traffic().others.is_empty());
}

/// Starts while lists fail with this fault, and ends it once `attempts` were seen.
async fn is_cold_until_lists_are_right(fault: Fault, attempts: usize) {
    let api = FakeApi::start().await;
    api.put("shop", "orders", &annotation(ORDERS));
    api.set_fault(Route::List, fault);
    let webhook = Webhook::start_cold(&api.url(), |_| {}).await;
    api.wait_for("attempts to list", |traffic| traffic.lists.len() >= attempts).await;
    assert_cold(&api, &webhook).await;

    api.set_fault(Route::List, Fault::None);
    skip(LONG).await;
    webhook.wait_until_ready().await;
    assert_eq!(webhook.admit("shop", "orders").await, role(ORDERS));
    assert_eq!(webhook.admit("shop", "nobody").await, Said::Missing);
}

async fn assert_cold(api: &FakeApi, webhook: &Webhook) {
    for account in ["orders", "nobody", "orders"] {
        assert_eq!(webhook.admit("shop", account).await, Said::Unavailable);
    }
    let answer = webhook.server.admin("/readyz").await;
    assert_eq!(answer.status, 503);
    let report = std::str::from_utf8(&answer.body).unwrap();
    assert!(report.contains("[-]service-accounts not all read yet\n"), "{report}");
    assert_eq!(webhook.server.admin("/livez").await.status, 200);
    // A live look-up would be right about its account, and wrong about the rest of the sources.
    assert!(api.traffic().gets.is_empty());
    assert!(api.traffic().watches.is_empty());
}

#[tokio::test]
async fn is_cold_while_the_first_list_hangs() {
    is_cold_until_lists_are_right(Fault::Hang, 1).await;
}

#[tokio::test]
async fn is_cold_while_the_first_list_is_forbidden() {
    is_cold_until_lists_are_right(Fault::Status(403), 3).await;
}

#[tokio::test]
async fn is_cold_while_the_first_list_fails() {
    is_cold_until_lists_are_right(Fault::Status(500), 3).await;
}

#[tokio::test]
async fn is_cold_while_the_first_list_is_throttled() {
    is_cold_until_lists_are_right(Fault::Status(429), 3).await;
}

#[tokio::test]
async fn is_cold_while_the_first_list_is_garbage() {
    is_cold_until_lists_are_right(Fault::Garbage, 3).await;
}

#[tokio::test]
async fn is_cold_while_the_first_list_is_cut_midway() {
    is_cold_until_lists_are_right(Fault::CloseMidway, 3).await;
}

#[tokio::test]
async fn is_cold_while_the_first_list_is_late() {
    let api = FakeApi::start().await;
    api.put("shop", "orders", &annotation(ORDERS));
    let late = Duration::from_secs(20);
    api.set_fault(Route::List, Fault::Delay(late));
    let webhook = Webhook::start_cold(&api.url(), |_| {}).await;
    api.wait_for("the list", |traffic| traffic.lists.len() == 1).await;
    assert_cold(&api, &webhook).await;
    skip(late).await;
    webhook.wait_until_ready().await;
    assert_eq!(webhook.admit("shop", "orders").await, role(ORDERS));
    assert_eq!(api.traffic().lists.len(), 1);
}

#[tokio::test]
async fn is_cold_while_the_second_page_fails() {
    let api = FakeApi::start().await;
    for number in 0..5001 {
        api.put("shop", &format!("account-{number:04}"), &annotation(ORDERS));
    }
    // Time enough to set another fault for the pages after the first.
    let late = Duration::from_secs(20);
    api.set_fault(Route::List, Fault::Delay(late));
    let webhook = Webhook::start_cold(&api.url(), |_| {}).await;
    api.wait_for("the first page", |traffic| traffic.lists.len() == 1).await;
    api.set_fault(Route::List, Fault::Status(500));
    skip(late).await;
    let traffic = api.wait_for("attempts to list", |traffic| traffic.lists.len() >= 3).await;
    assert!(traffic.lists[1].continue_token.is_some());
    assert!(traffic.lists[2].continue_token.is_none());
    for account in ["account-0000", "account-5000"] {
        assert_eq!(webhook.admit("shop", account).await, Said::Unavailable);
    }
    assert!(!webhook.is_ready().await);

    api.set_fault(Route::List, Fault::None);
    skip(LONG).await;
    webhook.wait_until_ready().await;
    assert_eq!(webhook.admit("shop", "account-5000").await, role(ORDERS));
}

#[tokio::test]
async fn an_api_server_that_starts_late_is_waited_for() {
    let port = reserve_port();
    let webhook = Webhook::start_cold(&port.url(), |_| {}).await;
    for _ in 0..3 {
        skip(LONG).await;
        assert_eq!(webhook.admit("shop", "orders").await, Said::Unavailable);
        assert!(!webhook.is_ready().await);
        assert_eq!(webhook.server.admin("/livez").await.status, 200);
    }
    let api = FakeApi::start_on(port).await;
    api.put("shop", "orders", &annotation(ORDERS));
    webhook.wait_until_ready().await;
    assert_eq!(webhook.admit("shop", "orders").await, role(ORDERS));
}

#[tokio::test]
async fn a_peer_that_refuses_every_list_is_not_asked_in_a_hot_loop() {
    let api = FakeApi::start().await;
    api.set_fault(Route::List, Fault::Status(500));
    let _webhook = Webhook::start_cold(&api.url(), |_| {}).await;
    let first = api.wait_for("attempts", |traffic| traffic.lists.len() >= 2).await.lists.len();
    let began = Instant::now();
    api.wait_for("attempts", |traffic| traffic.lists.len() >= first + 2).await;
    // The waits are at least half of 400 and of 800 ms.
    assert!(began.elapsed() > Duration::from_millis(550), "{:?}", began.elapsed());
}
