//! A watch that dies silently cannot be told from a quiet one before it is due to end.

use std::time::Duration;

use super::{ANNOTATED, BILLING, ORDERS, Said, UP, Webhook, annotation, role, shop, skip};
use crate::support::fake_api::{Fault, Route};

#[tokio::test]
async fn a_watch_that_is_dead_is_noticed_and_does_no_harm_until_then() {
    let api = shop().await;
    let webhook = Webhook::start(&api).await;
    api.freeze_watches();
    api.set_fault(Route::Watch, Fault::Hang);
    api.put("shop", "gains", &annotation(BILLING));
    api.put("shop", "made", &annotation(BILLING));
    for _ in 0..4 {
        assert_eq!(webhook.admit("shop", "orders").await, role(ORDERS));
        assert_eq!(webhook.admit("shop", "made").await, role(BILLING));
        assert_eq!(webhook.admit("shop", "nobody").await, Said::Missing);
        assert!(webhook.is_ready().await);
        skip(Duration::from_secs(7)).await;
    }
    // The time for it is over already: only the news may still be on its way.
    webhook.wait_for_metric(UP, 0.0).await;
    assert_eq!(webhook.admit("shop", "gains").await, role(BILLING));
    assert_eq!(webhook.admit("shop", "orders").await, role(ORDERS));
    assert_eq!(webhook.admit("shop", "made").await, role(BILLING));
    // The rounds take more than a minute in all.
    for _ in 0..3 {
        skip(Duration::from_secs(11)).await;
        assert_eq!(webhook.admit("shop", "gains").await, role(BILLING));
        assert!(webhook.is_ready().await);
    }
    api.set_fault(Route::Get, Fault::Hang);
    assert_eq!(webhook.admit("shop", "orders").await, role(ORDERS));
    assert_eq!(webhook.admit("shop", "nobody").await, Said::Unavailable);
    assert!(webhook.is_ready().await);

    api.set_fault(Route::Get, Fault::None);
    api.set_fault(Route::Watch, Fault::None);
    // One round for the watch that hangs now, and one for the wait before the next.
    for _ in 0..2 {
        skip(Duration::from_secs(11)).await;
        webhook.wait_until_read().await;
    }
    webhook.wait_for_metric(UP, 1.0).await;
    webhook.wait_for_metric(ANNOTATED, 3.0).await;
    api.forget_requests();
    for (account, role_arn) in [("gains", BILLING), ("orders", ORDERS), ("made", BILLING)] {
        assert_eq!(webhook.admit("shop", account).await, role(role_arn));
    }
    assert!(api.traffic().gets.is_empty());
}

#[tokio::test]
async fn a_watch_that_dies_after_an_event_is_noticed_as_soon() {
    let api = shop().await;
    let webhook = Webhook::start(&api).await;
    skip(Duration::from_secs(19)).await;
    api.put("shop", "made", &annotation(BILLING));
    webhook.wait_for_metric(ANNOTATED, 2.0).await;
    api.freeze_watches();
    api.set_fault(Route::Watch, Fault::Hang);
    api.put("shop", "gains", &annotation(BILLING));
    // This is 26 s after the watch began.
    skip(Duration::from_secs(7)).await;
    // The time for it is over already: only the news may still be on its way.
    webhook.wait_for_metric(UP, 0.0).await;
    assert_eq!(webhook.admit("shop", "gains").await, role(BILLING));
}

#[tokio::test]
async fn a_quiet_watch_is_not_taken_for_a_dead_one() {
    let api = shop().await;
    let webhook = Webhook::start(&api).await;
    for watches in 1..=3 {
        skip(Duration::from_secs(15)).await;
        webhook.wait_until_read().await;
        assert_eq!(api.traffic().watches.len(), watches);
        assert!(webhook.metric(UP).await > 0.0);
        assert_eq!(webhook.admit("shop", "gains").await, Said::Nothing);
        assert!(api.traffic().gets.is_empty());
        // The watch's end is due, and is not a failure either.
        skip(Duration::from_secs(5)).await;
        api.wait_for("the next watch", |traffic| traffic.watches.len() == watches + 1).await;
        assert!(webhook.metric(UP).await > 0.0);
    }
    assert_eq!(api.traffic().lists.len(), 1);
}
