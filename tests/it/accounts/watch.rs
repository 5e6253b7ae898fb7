//! The watch: ended, cut, refused and begun again. Whatever happens to it, an account without a role
//! is only believed to have none while a watch is open that would have told.

use std::time::{Duration, Instant};

use super::{ANNOTATED, BILLING, ORDERS, Said, UP, Webhook, annotation, eventually, role, shop, skip};
use crate::support::fake_api::{FakeApi, Fault, Route};

/// Longer than the webhook waits between two attempts, or for a watch to begin.
const LONG: Duration = Duration::from_secs(11);

/// Asserts that no look-up is needed to know that `gains` has gained a role.
async fn assert_followed(api: &FakeApi, webhook: &Webhook) {
    webhook.wait_for_metric(UP, 1.0).await;
    webhook.wait_for_metric(ANNOTATED, 2.0).await;
    assert!(webhook.is_ready().await);
    // Between two watches, accounts are looked up.
    eventually("answers from the index", async || {
        let before = api.traffic().gets.len();
        assert_eq!(webhook.admit("shop", "gains").await, role(BILLING));
        assert_eq!(webhook.admit("shop", "orders").await, role(ORDERS));
        if api.traffic().gets.len() == before { Ok(()) } else { Err("looked up") }
    })
    .await;
}

#[tokio::test]
async fn a_watch_that_is_cut_goes_on_where_it_was() {
    let api = shop().await;
    let webhook = Webhook::start(&api).await;
    let known = api.put("shop", "last", &[]);
    webhook.wait_for_metric(r#"pod_identity_webhook_service_accounts{annotated="false"}"#, 2.0).await;
    api.forget_requests();
    api.drop_watches();
    api.put("shop", "gains", &annotation(BILLING));
    let traffic = api.wait_for_watches(1).await;
    assert_eq!(traffic.watches.len(), 1);
    assert_eq!(traffic.watches[0].resource_version, known);
    assert!(traffic.lists.is_empty());
    assert_followed(&api, &webhook).await;
}

#[tokio::test]
async fn a_watch_that_ends_in_time_goes_on_from_its_bookmark() {
    let api = shop().await;
    let webhook = Webhook::start(&api).await;
    let version = api.put_unannounced("shop", "unheard", &[]);
    api.forget_requests();
    skip(Duration::from_secs(20)).await;
    let traffic = api.wait_for("the next watch", |traffic| traffic.watches.len() == 1).await;
    assert_eq!(traffic.watches[0].resource_version, version);
    api.put("shop", "gains", &annotation(BILLING));
    webhook.wait_for_metric(ANNOTATED, 2.0).await;
    assert!(api.traffic().lists.is_empty());
    assert_followed(&api, &webhook).await;
}

#[tokio::test]
async fn a_watch_that_expires_in_its_stream_is_listed_again() {
    let api = shop().await;
    let webhook = Webhook::start(&api).await;
    api.forget_requests();
    api.put_unannounced("shop", "gains", &annotation(BILLING));
    api.expire_watches();
    let traffic = api.wait_for("the list", |traffic| traffic.lists.len() == 1).await;
    assert!(traffic.watches.len() <= 1, "no watch is asked for from a version that is gone: {traffic:?}");
    assert_followed(&api, &webhook).await;
}

#[tokio::test]
async fn a_watch_that_is_gone_is_listed_again() {
    let api = shop().await;
    let webhook = Webhook::start(&api).await;
    api.forget_requests();
    api.set_fault(Route::Watch, Fault::Status(410));
    api.put_unannounced("shop", "gains", &annotation(BILLING));
    api.drop_watches();
    api.wait_for("the list", |traffic| !traffic.lists.is_empty()).await;
    api.set_fault(Route::Watch, Fault::None);
    skip(LONG).await;
    assert_followed(&api, &webhook).await;
}

/// While watches fail like this, nothing is decided from what the last one told that may be untrue.
async fn decides_from_nothing_old_while_watches_fail(fault: Fault) {
    let api = shop().await;
    let limit = Duration::from_millis(500);
    let webhook = Webhook::start_with(&api, |settings| settings.admission.lookup = limit).await;
    // A watch that has lasted ends; one that is cut sooner has failed.
    skip(Duration::from_secs(1)).await;
    api.forget_requests();
    api.set_fault(Route::Watch, fault);
    api.drop_watches();
    let attempts = if fault == Fault::Hang { 1 } else { 3 };
    api.wait_for("attempts", |traffic| traffic.watches.len() >= attempts).await;
    api.put("shop", "gains", &annotation(BILLING));
    assert_eq!(webhook.admit("shop", "gains").await, role(BILLING));
    assert_eq!(webhook.admit("shop", "orders").await, role(ORDERS));
    assert_eq!(webhook.admit("shop", "nobody").await, Said::Missing);
    skip(LONG).await;
    webhook.wait_for_metric(UP, 0.0).await;

    for get in [Fault::Status(500), Fault::Hang] {
        api.set_fault(Route::Get, get);
        assert_eq!(webhook.admit("shop", "orders").await, role(ORDERS));
        assert_eq!(webhook.admit("shop", "nobody").await, Said::Unavailable);
    }
    api.set_fault(Route::Get, Fault::None);
    api.put("shop", "orders", &annotation(BILLING));
    assert_eq!(webhook.admit("shop", "orders").await, role(BILLING));
    assert!(webhook.is_ready().await);

    api.put("shop", "orders", &annotation(ORDERS));
    api.set_fault(Route::Watch, Fault::None);
    skip(LONG).await;
    api.wait_for("a list: the gap was too long for a watch alone", |traffic| !traffic.lists.is_empty()).await;
    assert_followed(&api, &webhook).await;
}

#[tokio::test]
async fn decides_from_nothing_old_while_watches_are_forbidden() {
    decides_from_nothing_old_while_watches_fail(Fault::Status(403)).await;
}

#[tokio::test]
async fn decides_from_nothing_old_while_watches_fail_with_500() {
    decides_from_nothing_old_while_watches_fail(Fault::Status(500)).await;
}

#[tokio::test]
async fn decides_from_nothing_old_while_watches_are_garbage() {
    decides_from_nothing_old_while_watches_fail(Fault::Garbage).await;
}

#[tokio::test]
async fn decides_from_nothing_old_while_watches_are_cut_at_once() {
    decides_from_nothing_old_while_watches_fail(Fault::CloseMidway).await;
}

#[tokio::test]
async fn decides_from_nothing_old_while_watches_hang() {
    decides_from_nothing_old_while_watches_fail(Fault::Hang).await;
}

#[tokio::test]
async fn decides_from_nothing_old_before_the_first_watch_begins() {
    let api = shop().await;
    api.set_fault(Route::Watch, Fault::Hang);
    let webhook = Webhook::start_cold(&api.url(), |_| {}).await;
    webhook.wait_until_ready().await;
    api.wait_for("the watch", |traffic| traffic.watches.len() == 1).await;
    api.put("shop", "gains", &annotation(BILLING));
    assert_eq!(webhook.admit("shop", "gains").await, role(BILLING));
    api.set_fault(Route::Watch, Fault::None);
    skip(LONG).await;
    api.wait_for("a list: the gap was too long for a watch alone", |traffic| traffic.lists.len() >= 2).await;
    assert_followed(&api, &webhook).await;
}

#[tokio::test]
async fn decides_from_nothing_old_before_missed_events_have_come() {
    let api = shop().await;
    let webhook = Webhook::start(&api).await;
    api.forget_requests();
    api.set_fault(Route::Watch, Fault::Status(500));
    api.drop_watches();
    api.wait_for("attempts", |traffic| traffic.watches.len() >= 2).await;
    api.withhold_watch_events(true);
    api.put("shop", "gains", &annotation(BILLING));
    api.set_fault(Route::Watch, Fault::None);
    skip(Duration::from_secs(2)).await;
    api.wait_for_watches(1).await;
    assert_eq!(webhook.admit("shop", "gains").await, role(BILLING));
    assert_eq!(api.traffic().gets_of("shop", "gains"), 1);
    api.release_watch_events();
    assert_followed(&api, &webhook).await;
}

#[tokio::test]
async fn an_api_server_that_restarts_is_followed_again() {
    let api = shop().await;
    let webhook = Webhook::start(&api).await;
    assert_eq!(webhook.admit("shop", "nobody").await, Said::Missing);
    api.stop().await;
    webhook.wait_for_metric(UP, 0.0).await;
    assert_eq!(webhook.admit("shop", "orders").await, role(ORDERS));
    assert_eq!(webhook.admit("shop", "gains").await, Said::Unavailable);
    assert_eq!(webhook.admit("shop", "nobody").await, Said::Unavailable);
    assert!(webhook.is_ready().await);
    api.put("shop", "gains", &annotation(BILLING));
    api.forget_requests();
    api.restart();
    assert_eq!(webhook.admit("shop", "gains").await, role(BILLING));
    assert_eq!(webhook.admit("shop", "nobody").await, Said::Missing);
    skip(LONG).await;
    assert_followed(&api, &webhook).await;
}

/// A peer that fails every watch like this is asked ever more rarely.
async fn is_not_asked_in_a_hot_loop(fault: Fault) {
    let api = shop().await;
    let webhook = Webhook::start(&api).await;
    api.set_fault(Route::Watch, fault);
    api.forget_requests();
    api.drop_watches();
    let first = api.wait_for("attempts", |traffic| traffic.watches.len() >= 2).await.watches.len();
    let began = Instant::now();
    let traffic = api.wait_for("attempts", |traffic| traffic.watches.len() >= first + 2).await;
    // The waits are at least half of 400 and of 800 ms.
    assert!(began.elapsed() > Duration::from_millis(550), "{:?}", began.elapsed());
    assert!(traffic.lists.len() <= traffic.watches.len());
    assert!(webhook.is_ready().await);
}

#[tokio::test]
async fn a_peer_that_cuts_every_watch_is_not_asked_in_a_hot_loop() {
    is_not_asked_in_a_hot_loop(Fault::CloseMidway).await;
}

#[tokio::test]
async fn a_peer_that_talks_garbage_is_not_asked_in_a_hot_loop() {
    is_not_asked_in_a_hot_loop(Fault::Garbage).await;
}

#[tokio::test]
async fn a_peer_that_refuses_every_watch_is_not_asked_in_a_hot_loop() {
    is_not_asked_in_a_hot_loop(Fault::Status(500)).await;
}

#[tokio::test]
async fn a_peer_that_has_forgotten_every_version_is_not_listed_in_a_hot_loop() {
    is_not_asked_in_a_hot_loop(Fault::Status(410)).await;
}

#[tokio::test]
async fn a_long_gap_is_filled_by_a_list_and_not_by_a_watch_alone() {
    let api = shop().await;
    let webhook = Webhook::start(&api).await;
    api.set_fault(Route::Watch, Fault::Status(500));
    api.drop_watches();
    webhook.wait_for_metric(UP, 0.0).await;
    // A change that no watch will ever tell of.
    api.put_unannounced("shop", "gains", &annotation(BILLING));
    skip(LONG).await;
    api.forget_requests();
    api.set_fault(Route::Watch, Fault::None);
    skip(LONG).await;
    webhook.wait_for_metric(UP, 1.0).await;
    api.forget_requests();
    assert_eq!(webhook.admit("shop", "gains").await, role(BILLING));
    assert_eq!(api.traffic().gets_of("shop", "gains"), 0);
}
