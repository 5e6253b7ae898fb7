//! The ConfigMap beside a cluster's accounts: what it says counts from the moment it is written, the
//! last good one while it cannot be read, and nothing before it was read.

use std::time::Duration;

use pod_identity_webhook::webhook::Settings;
use serde_json::{Map, Value, json};

use super::{BILLING, ORDERS, Said, UP, Webhook, annotation, eventually, role, skip};
use crate::support::fake_api::{CONFIG_MAPS, FakeApi, Fault, Route, reserve_port};

const NAMESPACE: &str = "identities";
const NAME: &str = "pod-identity-webhook";

/// Longer than any wait between two attempts.
const LONG: Duration = Duration::from_secs(11);

/// A metric of the source.
fn metric(name: &str) -> String {
    format!("pod_identity_webhook_source_{name}{{source=\"config-map\"}}")
}

/// Puts the ConfigMap with these fields there.
fn put_fields(api: &FakeApi, fields: Value) {
    let Value::Object(fields) = fields else { panic!("fields are an object") };
    api.put_object(CONFIG_MAPS, NAMESPACE, NAME, fields);
}

/// Puts the ConfigMap with this document there.
fn put(api: &FakeApi, document: &str) {
    put_fields(api, json!({ "data": { "config": document, "other": "{" } }));
}

/// A document that gives each of these keys a role.
fn document(entries: &[(&str, &str)]) -> String {
    let entries: Map<_, _> =
        entries.iter().map(|(key, role)| ((*key).to_owned(), json!({ "RoleARN": role }))).collect();
    Value::from(entries).to_string()
}

fn followed(settings: &mut Settings) {
    settings.sources.config_map = Some(NAMESPACE.to_owned());
}

/// An API server with an account that has a role of its own, and one that has none.
async fn shop() -> FakeApi {
    let api = FakeApi::start().await;
    api.put("shop", "billing", &annotation(BILLING));
    api.put("shop", "plain", &[]);
    api
}

/// A webhook beside this API server, ready and with both watches up.
async fn start(api: &FakeApi) -> Webhook {
    let webhook = Webhook::start_cold(&api.url(), followed).await;
    webhook.wait_until_ready().await;
    api.wait_for_watches(2).await;
    webhook.wait_for_metric(UP, 1.0).await;
    webhook
}

impl Webhook {
    /// What readiness says of the ConfigMap.
    fn note(&self) -> String {
        let report = self.readiness();
        let line = report.lines().find(|line| line[3..].starts_with("config-map "));
        line.unwrap_or_else(|| panic!("{report}")).to_owned()
    }

    async fn wait_for_note(&self, is_meant: impl Fn(&str) -> bool) -> String {
        eventually("a note of readiness", async || {
            let note = self.note();
            if is_meant(&note) { Ok(note) } else { Err(note) }
        })
        .await
    }
}

#[tokio::test]
async fn config_map_counts_from_the_moment_it_is_there_and_until_it_is_gone() {
    let api = shop().await;
    let webhook = start(&api).await;
    assert_eq!(webhook.note(), "[+]config-map ok");
    assert_eq!(webhook.admit("shop", "plain").await, Said::Nothing);

    put(&api, &document(&[("shop/plain", ORDERS), ("shop/billing", ORDERS)]));
    webhook.wait_for_answer("shop", "plain", &role(ORDERS)).await;
    assert_eq!(webhook.admit("shop", "billing").await, role(BILLING));
    assert_eq!(webhook.metric(&metric("entries")).await.to_bits(), 2.0_f64.to_bits());

    put(&api, &document(&[("sh*/pl*", BILLING)]));
    webhook.wait_for_answer("shop", "plain", &role(BILLING)).await;

    api.delete_object(CONFIG_MAPS, NAMESPACE, NAME);
    webhook.wait_for_answer("shop", "plain", &Said::Nothing).await;
    webhook.wait_for_metric(&metric("entries"), 0.0).await;
    assert_eq!(webhook.note(), "[+]config-map ok");
}

#[tokio::test]
async fn config_map_that_is_there_at_the_start_is_read() {
    let api = shop().await;
    put(&api, &document(&[("shop/plain", ORDERS)]));
    let webhook = start(&api).await;
    assert_eq!(webhook.admit("shop", "plain").await, role(ORDERS));
}

#[tokio::test]
async fn key_that_is_taken_away_clears() {
    let api = shop().await;
    let webhook = start(&api).await;
    for fields in [
        json!({ "data": { "other": document(&[("shop/plain", BILLING)]) } }),
        json!({ "data": {} }),
        json!({ "data": null }),
        json!({}),
        json!({ "data": { "config": "" } }),
    ] {
        put(&api, &document(&[("shop/plain", ORDERS)]));
        webhook.wait_for_answer("shop", "plain", &role(ORDERS)).await;
        put_fields(&api, fields);
        webhook.wait_for_answer("shop", "plain", &Said::Nothing).await;
        assert_eq!(webhook.note(), "[+]config-map ok");
    }
}

#[tokio::test]
async fn only_the_one_config_map_is_asked_for_and_heard_of() {
    let api = shop().await;
    let Value::Object(other) = json!({ "data": { "config": document(&[("*/*", BILLING)]) } }) else {
        panic!("an object")
    };
    api.put_object(CONFIG_MAPS, NAMESPACE, "pod-identity-webhook-2", other.clone());
    api.put_object(CONFIG_MAPS, "shop", NAME, other);
    let webhook = start(&api).await;
    assert_eq!(webhook.admit("shop", "plain").await, Said::Nothing);
    let traffic = api.traffic();
    let list = traffic.lists.iter().find(|list| list.of.resource == "configmaps").unwrap();
    let watch = traffic.watches.iter().find(|watch| watch.of.resource == "configmaps").unwrap();
    for (of, selected) in [(&list.of, &list.selected), (&watch.of, &watch.selected)] {
        assert_eq!((of.namespace.as_deref(), selected.as_deref()), (Some(NAMESPACE), Some(NAME)));
    }
    assert!(traffic.others.is_empty(), "{:?}", traffic.others);
}

#[tokio::test]
async fn bad_document_keeps_the_last_good_one_until_the_next_replaces_it_whole() {
    let api = shop().await;
    put(&api, &document(&[("shop/plain", ORDERS)]));
    let webhook = start(&api).await;
    let bad = [
        (
            json!({ "data": { "config": "{\"shop/plain\":\n{" } }),
            "not JSON: EOF while parsing an object at line 2",
        ),
        (json!({ "data": { "config": "[]" } }), "not an object of entries at line 1"),
        (json!({ "data": { "config": "\u{0}" } }), "not JSON: expected value at line 1 column 1"),
        (json!({ "binaryData": { "config": "/w==" } }), "not text: it is under binaryData"),
    ];
    for (failures, (fields, reason)) in bad.into_iter().enumerate() {
        put_fields(&api, fields);
        let failures = f64::from(u32::try_from(failures).unwrap() + 1);
        webhook.wait_for_metric(&metric("errors_total"), failures).await;
        let note = webhook.note();
        assert!(note.starts_with("[+]config-map ok (keeps the set read "), "{note}");
        let reason = format!("s ago: config of ConfigMap {NAMESPACE}/{NAME} is {reason}");
        assert!(note.contains(&reason), "{note}\n{reason}");
        assert_eq!(webhook.admit("shop", "plain").await, role(ORDERS));
        assert!(webhook.is_ready().await);
    }
    put(&api, &document(&[("shop/other", BILLING)]));
    webhook.wait_for_answer("shop", "plain", &Said::Nothing).await;
    assert_eq!(webhook.note(), "[+]config-map ok");
}

/// A bad document stays bad whether a watch proves alive, ends and begins anew, or a list is read.
#[tokio::test]
async fn bad_document_is_told_of_for_as_long_as_it_is_there() {
    let api = shop().await;
    put(&api, &document(&[("shop/plain", ORDERS)]));
    let webhook = start(&api).await;
    put(&api, "{");
    webhook.wait_for_metric(&metric("errors_total"), 1.0).await;
    let watches = |api: &FakeApi| {
        api.traffic().watches.iter().filter(|watch| watch.of.resource == "configmaps").count()
    };
    // The first goes past the watch's proof of life, the second past its end.
    for seconds in [2, 21] {
        let before = watches(&api);
        skip(Duration::from_secs(seconds)).await;
        if seconds > 20 {
            api.wait_for("another watch", |_| watches(&api) > before).await;
        }
        webhook.wait_until_read().await;
        let note = webhook.note();
        assert!(note.contains(" is not JSON: EOF "), "after {seconds} s: {note}");
    }
    api.drop_watches();
    skip(LONG).await;
    api.wait_for_watches(2).await;
    webhook.wait_for_note(|note| note.contains(" is not JSON: EOF ")).await;
    assert_eq!(webhook.admit("shop", "plain").await, role(ORDERS));
}

#[tokio::test]
async fn bad_entries_are_told_of_and_the_rest_serves() {
    let api = shop().await;
    let webhook = start(&api).await;
    put(
        &api,
        &format!("{{\"plain\": {{}},\n\"shop/plain\": {{\"RoleARN\": \"{ORDERS}\"}}, \"shop/x\": null}}"),
    );
    webhook.wait_for_answer("shop", "plain", &role(ORDERS)).await;
    let note = webhook.note();
    assert_eq!(
        note,
        "[+]config-map ok (entries passed over: 2: \"plain\" in line 1: no / between namespace and name; \
         \"shop/x\" in line 2: not an object with RoleARN)"
    );
    webhook.wait_for_metric(&metric("passed_over_entries"), 2.0).await;
    put(&api, &document(&[("shop/plain", ORDERS)]));
    webhook.wait_for_metric(&metric("passed_over_entries"), 0.0).await;
    assert_eq!(webhook.note(), "[+]config-map ok");
}

#[tokio::test]
async fn last_good_document_counts_while_the_watch_is_down_and_the_news_after_it() {
    for fault in [Fault::Status(500), Fault::Garbage, Fault::CloseMidway] {
        let api = shop().await;
        put(&api, &document(&[("shop/plain", ORDERS)]));
        let webhook = start(&api).await;
        api.set_fault_of(CONFIG_MAPS, Route::List, fault);
        api.set_fault_of(CONFIG_MAPS, Route::Watch, fault);
        api.drop_watches();
        let note = webhook.wait_for_note(|note| note.contains("keeps the set read ")).await;
        assert!(note.contains(&format!("ConfigMap {NAMESPACE}/{NAME}")), "{fault:?}: {note}");
        put(&api, &document(&[("shop/plain", BILLING)]));
        skip(LONG).await;
        assert_eq!(webhook.admit("shop", "plain").await, role(ORDERS), "{fault:?}");
        assert!(webhook.is_ready().await);

        api.set_fault_of(CONFIG_MAPS, Route::List, Fault::None);
        api.set_fault_of(CONFIG_MAPS, Route::Watch, Fault::None);
        skip(LONG).await;
        webhook.wait_for_answer("shop", "plain", &role(BILLING)).await;
        webhook.wait_for_note(|note| note == "[+]config-map ok").await;
    }
}

#[tokio::test]
async fn deletion_that_no_watch_told_of_is_seen_by_the_next_list() {
    let api = shop().await;
    put(&api, &document(&[("shop/plain", ORDERS)]));
    let webhook = start(&api).await;
    api.withhold_watch_events(true);
    api.delete_object(CONFIG_MAPS, NAMESPACE, NAME);
    assert_eq!(webhook.admit("shop", "plain").await, role(ORDERS));
    api.expire_watches();
    skip(LONG).await;
    webhook.wait_for_answer("shop", "plain", &Said::Nothing).await;
}

#[tokio::test]
async fn forbidden_config_map_names_the_rule_that_is_missing() {
    let api = shop().await;
    api.set_fault_of(CONFIG_MAPS, Route::List, Fault::Status(403));
    let webhook = Webhook::start_cold(&api.url(), followed).await;
    let note = webhook.wait_for_note(|note| note.contains("403")).await;
    assert!(note.starts_with(
        "[-]config-map not read yet: failed to list ConfigMap identities/pod-identity-webhook: 403"
    ));
    let rule = "; a Role of namespace identities has to allow get, list and watch of configmaps with the resourceName \
                pod-identity-webhook";
    assert!(note.ends_with(rule), "{note}");
    webhook.wait_for_metric(UP, 1.0).await;
    assert_eq!(webhook.admit("shop", "billing").await, Said::Unavailable);

    api.set_fault_of(CONFIG_MAPS, Route::List, Fault::None);
    skip(LONG).await;
    webhook.wait_until_ready().await;
    assert_eq!(webhook.admit("shop", "billing").await, role(BILLING));

    // Taking the Role away later takes nothing back.
    put(&api, &document(&[("shop/plain", ORDERS)]));
    webhook.wait_for_answer("shop", "plain", &role(ORDERS)).await;
    for route in [Route::List, Route::Watch] {
        api.set_fault_of(CONFIG_MAPS, route, Fault::Status(403));
    }
    api.drop_watches();
    webhook.wait_for_note(|note| note.starts_with("[+]config-map ok (keeps ") && note.contains(rule)).await;
    assert_eq!(webhook.admit("shop", "plain").await, role(ORDERS));
}

/// Accounts with an annotation or with nothing are not answered either: what they have is not known yet.
#[tokio::test]
async fn nothing_is_answered_before_the_config_map_is_read() {
    for fault in [Fault::Hang, Fault::Status(500), Fault::Garbage] {
        let api = shop().await;
        put(&api, &document(&[("shop/plain", ORDERS)]));
        api.set_fault_of(CONFIG_MAPS, Route::List, fault);
        let webhook = Webhook::start_cold(&api.url(), followed).await;
        webhook.wait_for_metric(UP, 1.0).await;
        for account in ["billing", "plain", "nobody"] {
            assert_eq!(webhook.admit("shop", account).await, Said::Unavailable, "{fault:?}");
        }
        assert!(webhook.note().starts_with("[-]config-map not read yet"), "{fault:?}");
        assert!(api.traffic().gets.is_empty());

        api.set_fault_of(CONFIG_MAPS, Route::List, Fault::None);
        // Each round is a page that hangs, and the wait after it.
        for _ in 0..4 {
            skip(LONG).await;
            webhook.wait_until_read().await;
        }
        webhook.wait_until_ready().await;
        assert_eq!(webhook.admit("shop", "plain").await, role(ORDERS));
        assert_eq!(webhook.admit("shop", "billing").await, role(BILLING));
    }
}

#[tokio::test]
async fn bad_document_at_the_start_is_waited_for() {
    let api = shop().await;
    put(&api, "shop/plain: {}");
    let webhook = Webhook::start_cold(&api.url(), followed).await;
    webhook.wait_for_metric(UP, 1.0).await;
    let note = webhook.wait_for_note(|note| note.contains("not JSON")).await;
    assert!(note.starts_with("[-]config-map not read yet: config of ConfigMap identities/"), "{note}");
    assert_eq!(webhook.admit("shop", "billing").await, Said::Unavailable);
    put(&api, &document(&[("shop/plain", ORDERS)]));
    webhook.wait_until_ready().await;
    assert_eq!(webhook.admit("shop", "plain").await, role(ORDERS));
}

#[tokio::test]
async fn api_server_that_starts_late_is_waited_for() {
    let port = reserve_port();
    let webhook = Webhook::start_cold(&port.url(), followed).await;
    webhook.wait_for_note(|note| note.contains("failed to list ConfigMap")).await;
    let api = FakeApi::start_on(port).await;
    put(&api, &document(&[("shop/plain", ORDERS)]));
    api.put("shop", "plain", &[]);
    skip(LONG).await;
    webhook.wait_until_ready().await;
    assert_eq!(webhook.admit("shop", "plain").await, role(ORDERS));
}

/// What was last known of an account decides; for one that was never seen, only the API server can.
#[tokio::test]
async fn entry_counts_for_an_account_that_is_known_though_it_cannot_be_looked_up() {
    let api = shop().await;
    put(&api, &document(&[("*/*", ORDERS)]));
    let webhook = start(&api).await;
    for fault in [Fault::Status(500), Fault::Hang] {
        api.set_fault(Route::Get, fault);
        assert_eq!(webhook.admit("shop", "plain").await, role(ORDERS), "{fault:?}");
        assert_eq!(webhook.admit("shop", "new").await, Said::Unavailable, "{fault:?}");
    }
    for route in [Route::List, Route::Watch] {
        api.set_fault(route, Fault::Status(500));
    }
    api.drop_watches();
    webhook.wait_for_metric(UP, 0.0).await;
    for fault in [Fault::Status(500), Fault::Hang] {
        api.set_fault(Route::Get, fault);
        assert_eq!(webhook.admit("shop", "plain").await, role(ORDERS), "{fault:?}");
        assert_eq!(webhook.admit("shop", "billing").await, role(BILLING), "{fault:?}");
        assert_eq!(webhook.admit("shop", "new").await, Said::Unavailable, "{fault:?}");
    }
    // No watch has told of this annotation.
    api.put_unannounced("shop", "plain", &annotation(BILLING));
    api.set_fault(Route::Get, Fault::None);
    assert_eq!(webhook.admit("shop", "plain").await, role(BILLING));
}

#[tokio::test]
async fn entry_counts_for_an_account_that_a_live_look_up_finds_without_a_role_or_not_at_all() {
    let api = shop().await;
    put(&api, &document(&[("*/*", ORDERS)]));
    let webhook = start(&api).await;
    api.put_unannounced("shop", "new", &[]);
    api.put_unannounced("shop", "own", &annotation(BILLING));
    assert_eq!(webhook.admit("shop", "new").await, role(ORDERS));
    assert_eq!(webhook.admit("shop", "own").await, role(BILLING));
    assert_eq!(webhook.admit("shop", "nobody").await, role(ORDERS));
    assert_eq!(api.traffic().gets.len(), 3);
}
