//! Associations beside a cluster's accounts: a known grant is used, whatever the API server says; but nothing
//! is answered before all sources are read.

use std::path::PathBuf;

use pod_identity_webhook::webhook::Settings;

use super::{BILLING, ORDERS, ROLE_ARN, Said, UP, Webhook, role};
use crate::support::fake_api::{FakeApi, Fault, Route};
use crate::support::mounted::Files;

const LIFETIME: &str = "eks.amazonaws.com/token-expiration";

/// A file that names these accounts of `shop`.
fn file(accounts: &[&str]) -> Files {
    let entries = accounts.iter().map(|name| format!(r#"{{"namespace":"shop","serviceAccount":"{name}"}}"#));
    let text = format!(r#"{{"identities":[{}]}}"#, entries.collect::<Vec<_>>().join(","));
    Files::plain(&[("identities.json", &text)])
}

fn followed(path: PathBuf) -> impl FnOnce(&mut Settings) {
    move |settings| settings.sources.association_file = Some(path)
}

async fn start(api: &FakeApi, file: &Files) -> Webhook {
    Webhook::start_with(api, followed(file.path("identities.json"))).await
}

/// Whether the pod gets an association with the default lifetime, which is spread by the request's uid.
async fn has_default_association(webhook: &Webhook, account: &str) -> bool {
    matches!(webhook.admit("shop", account).await, Said::Association(79_200..=86_400))
}

#[tokio::test]
async fn association_wins_over_the_role_and_takes_the_accounts_lifetime() {
    let api = FakeApi::start().await;
    api.put("shop", "orders", &[(ROLE_ARN, ORDERS), (LIFETIME, "900")]);
    api.put("shop", "billing", &[(ROLE_ARN, BILLING)]);
    let file = file(&["orders", "cart"]);
    let webhook = start(&api, &file).await;
    assert_eq!(webhook.admit("shop", "orders").await, Said::Association(900));
    assert_eq!(webhook.admit("shop", "billing").await, role(BILLING));
    assert!(webhook.is_ready().await);
    // The watch announces this account later; it is looked up live.
    api.put_unannounced("shop", "cart", &[(LIFETIME, "1200")]);
    assert_eq!(webhook.admit("shop", "cart").await, Said::Association(1200));
    api.delete_unannounced("shop", "cart");
    assert!(has_default_association(&webhook, "cart").await);
}

#[tokio::test]
async fn association_is_used_though_the_account_cannot_be_looked_up() {
    let api = FakeApi::start().await;
    let file = file(&["orders"]);
    let webhook = start(&api, &file).await;
    for fault in [Fault::Status(500), Fault::Status(403), Fault::Garbage, Fault::CloseMidway, Fault::Hang] {
        api.set_fault(Route::Get, fault);
        assert!(has_default_association(&webhook, "orders").await, "{fault:?}");
        assert_eq!(webhook.admit("shop", "nobody").await, Said::Unavailable, "{fault:?}");
    }
}

#[tokio::test]
async fn association_keeps_the_lifetime_that_was_known_while_the_watch_is_down() {
    let api = FakeApi::start().await;
    api.put("shop", "orders", &[(LIFETIME, "900")]);
    api.put("shop", "plain", &[(LIFETIME, "900")]);
    let file = file(&["orders"]);
    let webhook = start(&api, &file).await;
    api.set_fault(Route::Watch, Fault::Status(500));
    api.set_fault(Route::List, Fault::Status(500));
    api.set_fault(Route::Get, Fault::Status(500));
    api.drop_watches();
    webhook.wait_for_metric(UP, 0.0).await;
    assert_eq!(webhook.admit("shop", "orders").await, Said::Association(900));
    assert_eq!(webhook.admit("shop", "plain").await, Said::Unavailable);
}

#[tokio::test]
async fn association_is_no_answer_before_the_accounts_are_read() {
    let api = FakeApi::start().await;
    api.set_fault(Route::List, Fault::Status(500));
    let file = file(&["orders"]);
    let webhook = Webhook::start_cold(&api.url(), followed(file.path("identities.json"))).await;
    let entries = r#"pod_identity_webhook_source_entries{source="association-file"}"#;
    webhook.wait_for_metric(entries, 1.0).await;
    assert_eq!(webhook.admit("shop", "orders").await, Said::Unavailable);
    assert!(!webhook.is_ready().await);
}

#[tokio::test]
async fn accounts_are_no_answer_before_the_file_is_read() {
    let api = FakeApi::start().await;
    api.put("shop", "billing", &[(ROLE_ARN, BILLING)]);
    let file = Files::plain(&[("identities.json", "{")]);
    let webhook = Webhook::start_cold(&api.url(), followed(file.path("identities.json"))).await;
    webhook.wait_for_metric(UP, 1.0).await;
    let errors = r#"pod_identity_webhook_source_errors_total{source="association-file"}"#;
    webhook.wait_for_metric(errors, 1.0).await;
    assert_eq!(webhook.admit("shop", "billing").await, Said::Unavailable);
    let report = webhook.server.admin("/readyz").await;
    assert_eq!(report.status, 503);
    let text = String::from_utf8(report.body.to_vec()).unwrap();
    assert!(text.contains("[-]association-file not read yet; the log says why\n"), "{text}");
    let text = webhook.readiness();
    assert!(text.contains("[-]association-file not read yet: failed to read "), "{text}");
    file.rewrite("identities.json", "{}");
    webhook.wait_until_ready().await;
    assert_eq!(webhook.admit("shop", "billing").await, role(BILLING));
}
