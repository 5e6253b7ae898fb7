//! Definitions that are installed late, removed, and changed to another version.

use std::time::Duration;

use pod_identity_webhook::identities::sources::association_resources::Controller;

use super::{
    ACK, CROSSPLANE, CROSSPLANE_NAMESPACED, SOON, accounts, any, following, is_associated, ready, shop,
    start, synced, wait_for, wait_for_note,
};
use crate::accounts::{Webhook, skip};
use crate::support::fake_api::{Collection, FakeApi, Fault, Resource, Route};

/// Waits until the kind is watched.
async fn wait_for_watch(api: &FakeApi, resource: Resource) {
    let is_it = |of: &Collection| of.resource == resource.name() && of.version == resource.version;
    api.wait_for("the watch", |traffic| traffic.watches.iter().any(|watch| is_it(&watch.of))).await;
}

#[tokio::test]
async fn a_definition_that_is_installed_late_is_found() {
    let api = accounts().await;
    let webhook = start(&api, &[Controller::Ack, Controller::Crossplane], any()).await;
    wait_for_note(&webhook, "ack", "[+]ack ok").await;
    wait_for_note(&webhook, "crossplane", "[+]crossplane ok").await;
    assert!(!is_associated(&webhook, "orders").await);
    for (resource, members) in
        [(ACK, synced("orders")), (CROSSPLANE, ready("cart")), (CROSSPLANE_NAMESPACED, ready("billing"))]
    {
        api.install(resource);
        api.put_object(resource, "infra", "one", members);
    }
    // Whenever it was last looked for, it is looked for again by then.
    skip(SOON / 2).await;
    wait_for(&webhook, "all three", &["orders", "cart", "billing"]).await;
    let traffic = api.traffic();
    assert!(traffic.others.is_empty(), "{:?}", traffic.others);
}

#[tokio::test]
async fn a_definition_that_is_missing_is_looked_for_about_every_second() {
    let api = accounts().await;
    let webhook = start(&api, &[Controller::Ack], any()).await;
    api.forget_requests();
    for looks in 1..=5 {
        let mut skipped = 0;
        while api.traffic().discoveries.len() < looks {
            assert!(skipped < 3, "none within {skipped} seconds");
            skip(SOON / 2).await;
            // What was asked for has come by then.
            webhook.wait_until_read().await;
            skipped += 1;
        }
    }
    let traffic = api.traffic();
    assert!(traffic.discoveries.iter().all(|path| path == ACK.group), "{:?}", traffic.discoveries);
    // Each second holds two at most, and real time passed beside that which was skipped.
    assert!(traffic.discoveries.len() <= 15, "{}", traffic.discoveries.len());
    assert!(webhook.is_ready().await);
}

#[tokio::test]
async fn a_definition_that_is_removed_takes_its_associations_along_and_may_come_back() {
    let (api, webhook) = shop(any()).await;
    // Whether or not a watch tells that the resources go.
    for withhold in [false, true] {
        api.put_object(ACK, "infra", "one", synced("orders"));
        wait_for(&webhook, "made", &["orders"]).await;
        // A watch that ends sooner is one that was cut.
        skip(SOON).await;
        api.withhold_watch_events(withhold);
        api.uninstall(ACK);
        wait_for(&webhook, "removed", &[]).await;
        wait_for_note(&webhook, "ack", "[+]ack ok").await;
        assert!(webhook.is_ready().await);
        api.release_watch_events();
        api.install(ACK);
        api.put_object(ACK, "infra", "one", synced("cart"));
        skip(SOON / 2).await;
        wait_for(&webhook, "back", &["cart"]).await;
    }
    webhook.wait_for_metric("pod_identity_webhook_source_errors_total{source=\"ack\"}", 0.0).await;
}

async fn followed_in(version: &'static str, others: &[&'static str]) -> (FakeApi, Webhook) {
    let api = accounts().await;
    let of = |version| Resource { version, ..ACK };
    for version in others.iter().chain([&version]) {
        api.install(of(version));
    }
    api.put_object(ACK, "infra", "one", synced("orders"));
    let webhook = start(&api, &[Controller::Ack], any()).await;
    wait_for(&webhook, "read", &["orders"]).await;
    let asked: Vec<_> =
        api.traffic().lists.into_iter().filter(|list| list.of.resource == ACK.name()).collect();
    assert!(asked.iter().all(|list| list.of.version == version), "{asked:?}");
    (api, webhook)
}

#[tokio::test]
async fn the_version_that_is_known_is_read_though_others_are_preferred() {
    followed_in("v1alpha1", &["v2", "v1"]).await;
}

#[tokio::test]
async fn a_version_that_is_not_known_is_read_if_there_is_no_other() {
    followed_in("v1", &[]).await;
}

#[tokio::test]
async fn a_group_without_the_kind_is_as_if_absent() {
    let api = accounts().await;
    api.install(Resource { plural: "clusters", kind: "Cluster", ..ACK });
    let webhook = start(&api, &[Controller::Ack], any()).await;
    wait_for_note(&webhook, "ack", "[+]ack ok").await;
    api.install(ACK);
    api.put_object(ACK, "infra", "one", synced("orders"));
    skip(SOON / 2).await;
    wait_for(&webhook, "the kind in a group that was there", &["orders"]).await;
}

#[tokio::test]
async fn a_version_that_is_no_longer_served_is_left_for_another() {
    let (api, webhook) = followed_in("v1alpha1", &[]).await;
    let next = Resource { version: "v1", ..ACK };
    api.install(next);
    api.uninstall(ACK);
    wait_for_watch(&api, next).await;
    api.put_object(next, "infra", "two", synced("cart"));
    wait_for(&webhook, "both", &["orders", "cart"]).await;
    wait_for_note(&webhook, "ack", "[+]ack ok").await;
}

/// A kind that is not served takes its associations along, so not just any answer may say so.
#[tokio::test]
async fn discovery_believes_nothing_but_what_it_asked_for() {
    for answer in [
        "{}",
        r#"{"kind":"Status","apiVersion":"v1","metadata":{},"status":"Success","code":200}"#,
        r#"{"kind":"APIGroup","apiVersion":"v1","name":"example.com","versions":[]}"#,
    ] {
        let api = accounts().await;
        api.install(ACK);
        api.put_object(ACK, "infra", "one", synced("orders"));
        api.set_fault_of(ACK, Route::Discovery, Fault::Says(answer));
        let webhook = Webhook::start_cold(&api.url(), following(&[Controller::Ack], any())).await;
        api.wait_for("attempts", |traffic| traffic.discoveries.len() >= 2).await;
        assert!(!webhook.is_ready().await, "{answer}");
        api.set_fault_of(ACK, Route::Discovery, Fault::None);
        skip(Duration::from_secs(11)).await;
        webhook.wait_until_ready().await;
        wait_for(&webhook, "read", &["orders"]).await;
    }
}
