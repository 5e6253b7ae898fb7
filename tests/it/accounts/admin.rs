//! What an operator sees: metrics, and the Go webhook's debug handlers.

use super::{ORDERS, Said, UP, Webhook, annotation, eventually, role};
use crate::support::fake_api::{FakeApi, Fault, Route};
use serde_json::{Value, json};

impl Webhook {
    async fn cache(&self) -> Value {
        let answer = self.server.admin("/debug/alpha/cache").await;
        assert_eq!(answer.status, 200);
        answer.json()
    }
}

#[tokio::test]
async fn the_debug_handler_shows_accounts_and_clears_them() {
    let api = FakeApi::start().await;
    api.put("shop", "orders", &annotation(ORDERS));
    api.put("shop", "plain", &[]);
    let webhook = Webhook::start(&api).await;
    let all = json!({ "shop/orders": { "roleArn": ORDERS } });
    assert_eq!(webhook.cache().await, all);

    api.set_fault(Route::List, Fault::Status(500));
    api.forget_requests();
    assert_eq!(webhook.server.admin("/debug/alpha/cache/clear").await.status, 200);
    assert_eq!(webhook.cache().await, json!({}));
    webhook.wait_for_metric(UP, 0.0).await;
    assert_eq!(webhook.admit("shop", "orders").await, role(ORDERS));
    assert_eq!(webhook.admit("shop", "plain").await, Said::Nothing);
    assert_eq!(webhook.admit("shop", "nobody").await, Said::Missing);
    assert_eq!(api.traffic().gets.len(), 3);
    assert!(webhook.is_ready().await);

    api.set_fault(Route::List, Fault::None);
    eventually("the list", async || {
        let cache = webhook.cache().await;
        (cache == all).then_some(()).ok_or(cache)
    })
    .await;
    webhook.wait_for_metric(UP, 1.0).await;
    api.forget_requests();
    assert_eq!(webhook.admit("shop", "orders").await, role(ORDERS));
    assert_eq!(webhook.admit("shop", "plain").await, Said::Nothing);
    assert!(api.traffic().gets.is_empty());
}

#[tokio::test]
async fn debug_handlers_are_absent_unless_asked_for() {
    let api = FakeApi::start().await;
    api.put("shop", "orders", &annotation(ORDERS));
    let webhook = Webhook::start_with(&api, |settings| settings.debug_handlers = false).await;
    for path in ["/debug/alpha/cache", "/debug/alpha/cache/clear"] {
        assert_eq!(webhook.server.admin(path).await.status, 404);
    }
    assert_eq!(webhook.admit("shop", "orders").await, role(ORDERS));
}

#[tokio::test]
async fn metrics_follow_look_ups_accounts_and_the_watch() {
    let api = FakeApi::start().await;
    api.put("shop", "orders", &annotation(ORDERS));
    api.put("shop", "plain", &[]);
    api.set_fault(Route::List, Fault::Status(500));
    let webhook = Webhook::start_cold(&api.url(), |_| {}).await;
    assert_eq!(webhook.metric(UP).await.to_bits(), 0.0_f64.to_bits());
    api.set_fault(Route::List, Fault::None);
    webhook.wait_for_metric(UP, 1.0).await;
    let accounts = |label: &str| format!("pod_identity_webhook_service_accounts{{annotated={label:?}}}");
    webhook.wait_for_metric(&accounts("true"), 1.0).await;
    webhook.wait_for_metric(&accounts("false"), 1.0).await;
    api.put("shop", "plain", &annotation(ORDERS));
    webhook.wait_for_metric(&accounts("true"), 2.0).await;
    webhook.wait_for_metric(&accounts("false"), 0.0).await;
    api.delete("shop", "orders");
    webhook.wait_for_metric(&accounts("true"), 1.0).await;

    let lookups = |label: &str| format!("pod_identity_webhook_live_lookups_total{{result={label:?}}}");
    api.put_unannounced("shop", "late", &[]);
    assert_eq!(webhook.admit("shop", "late").await, Said::Nothing);
    webhook.wait_for_metric(&lookups("found"), 1.0).await;
    for missing in 1..=2 {
        assert_eq!(webhook.admit("shop", "nobody").await, Said::Missing);
        webhook.wait_for_metric(&lookups("missing"), f64::from(missing)).await;
    }
    for (failures, fault) in [Fault::Status(500), Fault::Hang].into_iter().enumerate() {
        api.set_fault(Route::Get, fault);
        assert_eq!(webhook.admit("shop", "late").await, Said::Unavailable);
        webhook.wait_for_metric(&lookups("error"), f64::from(u8::try_from(failures).unwrap()) + 1.0).await;
    }
    // A known account is neither looked up nor counted.
    assert_eq!(webhook.admit("shop", "plain").await, role(ORDERS));
    webhook.wait_for_metric(&lookups("found"), 1.0).await;
    webhook.wait_for_metric("pod_identity_webhook_missing_sa_count", 2.0).await;
}
