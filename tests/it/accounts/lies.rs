//! Answers of 200 that are not what was asked for: they do not come from the API server, and nothing is
//! decided by them.

use std::time::Duration;

use pod_identity_webhook::webhook::Settings;

use super::{BILLING, ORDERS, Said, UP, Webhook, annotation, role, shop, skip};
use crate::support::fake_api::{CONFIG_MAPS, FakeApi, Fault, Route};

/// Answers that a look-up of shop/orders must not take for the account.
const OTHERS: [&str; 10] = [
    "{}",
    "[]",
    "null",
    r#"{"metadata":{"name":"orders","namespace":"shop"}}"#,
    r#"{"kind":"Status","apiVersion":"v1","metadata":{},"status":"Success","code":200}"#,
    r#"{"kind":"Secret","apiVersion":"v1","metadata":{"name":"orders","namespace":"shop"}}"#,
    r#"{"kind":"PartialObjectMetadata","apiVersion":"v1","metadata":{"name":"orders","namespace":"shop"}}"#,
    r#"{"kind":"PartialObjectMetadata","apiVersion":"meta.k8s.io/v1","metadata":{"name":"other","namespace":"shop",
        "annotations":{"eks.amazonaws.com/role-arn":"arn:aws:iam::123456789012:role/billing"}}}"#,
    r#"{"kind":"PartialObjectMetadata","apiVersion":"meta.k8s.io/v1","metadata":{"name":"orders","namespace":"bank",
        "annotations":{"eks.amazonaws.com/role-arn":"arn:aws:iam::123456789012:role/billing"}}}"#,
    r#"{"kind":"PartialObjectMetadataList","apiVersion":"meta.k8s.io/v1","metadata":{},"items":[]}"#,
];

#[tokio::test]
async fn a_look_up_believes_nothing_but_the_account_that_it_asked_for() {
    let api = FakeApi::start().await;
    let webhook = Webhook::start(&api).await;
    api.put_unannounced("shop", "orders", &annotation(ORDERS));
    for answer in OTHERS {
        api.set_fault(Route::Get, Fault::Says(answer));
        assert_eq!(webhook.admit("shop", "orders").await, Said::Unavailable, "{answer}");
    }
    // An API server has either form for this.
    for answer in [
        r#"{"kind":"ServiceAccount","apiVersion":"v1","metadata":{"name":"orders","namespace":"shop",
            "annotations":{"eks.amazonaws.com/role-arn":"arn:aws:iam::123456789012:role/billing"}}}"#,
        r#"{"kind":"PartialObjectMetadata","apiVersion":"meta.k8s.io/v1","metadata":{"name":"orders","namespace":"shop",
            "annotations":{"eks.amazonaws.com/role-arn":"arn:aws:iam::123456789012:role/billing"}}}"#,
    ] {
        api.set_fault(Route::Get, Fault::Says(answer));
        assert_eq!(webhook.admit("shop", "orders").await, role(BILLING), "{answer}");
    }
}

#[tokio::test]
async fn a_list_believes_nothing_but_a_list_of_accounts() {
    for answer in [
        "{}",
        r#"{"metadata":{"resourceVersion":"7"},"items":[]}"#,
        r#"{"kind":"Status","apiVersion":"v1","metadata":{},"status":"Success","code":200}"#,
        r#"{"kind":"SecretList","apiVersion":"v1","metadata":{"resourceVersion":"7"},"items":[]}"#,
        r#"{"kind":"PartialObjectMetadata","apiVersion":"meta.k8s.io/v1","metadata":{"resourceVersion":"7"}}"#,
        r#"{"kind":"PartialObjectMetadataList","apiVersion":"meta.k8s.io/v1","metadata":{"resourceVersion":"7"},
            "items":[{"kind":"Secret","apiVersion":"v1","metadata":{"name":"a","namespace":"b"}}]}"#,
    ] {
        let api = FakeApi::start().await;
        api.put("shop", "orders", &annotation(ORDERS));
        api.set_fault(Route::List, Fault::Says(answer));
        let webhook = Webhook::start_cold(&api.url(), |_| {}).await;
        api.wait_for("attempts to list", |traffic| traffic.lists.len() >= 2).await;
        assert!(!webhook.is_ready().await, "{answer}");
        assert_eq!(webhook.admit("shop", "orders").await, Said::Unavailable, "{answer}");
        api.set_fault(Route::List, Fault::None);
        skip(super::LONG).await;
        webhook.wait_until_ready().await;
        assert_eq!(webhook.admit("shop", "orders").await, role(ORDERS));
    }
}

#[tokio::test]
async fn a_watch_believes_nothing_but_events_of_accounts() {
    let api = shop().await;
    let webhook = Webhook::start(&api).await;
    for line in [
        r#"{"type":"ADDED","object":{"kind":"Secret","apiVersion":"v1","metadata":{"name":"orders","namespace":"shop"}}}"#,
        r#"{"type":"DELETED","object":{"metadata":{"name":"orders","namespace":"shop"}}}"#,
        r#"{"type":"RENAMED","object":{}}"#,
        r#"{"object":{}}"#,
        "{}",
    ] {
        // A watch that has lasted ends the waits that have grown.
        skip(Duration::from_secs(2)).await;
        api.forget_requests();
        api.set_fault(Route::Watch, Fault::Says(line));
        api.drop_watches();
        api.wait_for("attempts", |traffic| traffic.watches.len() >= 2).await;
        webhook.wait_for_metric(UP, 0.0).await;
        // What the index has is all there is.
        api.set_fault(Route::Get, Fault::Status(500));
        assert_eq!(webhook.admit("shop", "orders").await, role(ORDERS), "{line}");
        api.set_fault(Route::Get, Fault::None);
        api.set_fault(Route::Watch, Fault::None);
        skip(super::LONG).await;
        webhook.wait_for_metric(UP, 1.0).await;
    }
}

#[tokio::test]
async fn no_other_config_map_gives_roles() {
    let entries =
        r#""data":{"config":"{\"shop/gains\":{\"RoleARN\":\"arn:aws:iam::123456789012:role/billing\"}}"}"#;
    let list = |name: &str, namespace: &str| {
        let text = format!(
            r#"{{"kind":"ConfigMapList","apiVersion":"v1","metadata":{{"resourceVersion":"7"}},
                "items":[{{"metadata":{{"name":"{name}","namespace":"{namespace}"}},{entries}}}]}}"#
        );
        // A fault lives as long as a test may.
        &*text.leak()
    };
    for (name, namespace, said) in [
        ("pod-identity-webhook", "eks", role(BILLING)),
        ("pod-identity-webhook", "shop", Said::Nothing),
        ("other", "eks", Said::Nothing),
    ] {
        let api = shop().await;
        api.set_fault_of(CONFIG_MAPS, Route::List, Fault::Says(list(name, namespace)));
        let follow = |settings: &mut Settings| settings.sources.config_map = Some("eks".to_owned());
        let webhook = Webhook::start_cold(&api.url(), follow).await;
        webhook.wait_until_ready().await;
        webhook.wait_for_metric(UP, 1.0).await;
        assert_eq!(webhook.admit("shop", "gains").await, said, "{namespace}/{name}");
    }
}
