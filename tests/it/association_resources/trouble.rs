//! What cannot be listed, watched or understood.

use pod_identity_webhook::identities::sources::association_resources::Controller;
use serde_json::json;

use super::{
    ACK, CROSSPLANE, CROSSPLANE_NAMESPACED, accounts, any, body, following, note, ready, shop, start, synced,
    wait_for, wait_for_note,
};
use crate::accounts::{Said, Webhook, skip};
use crate::support::fake_api::{Fault, Route};
use crate::support::wait::until;

/// Longer than any wait between two attempts.
const LONG: std::time::Duration = std::time::Duration::from_secs(11);

#[tokio::test]
async fn a_kind_that_may_not_be_listed_keeps_the_webhook_from_being_ready() {
    let api = accounts().await;
    api.install(ACK);
    api.set_fault_of(ACK, Route::List, Fault::Status(403));
    let webhook = Webhook::start_cold(&api.url(), following(&[Controller::Ack], any())).await;
    let line = "[-]ack not read yet: failed to list podidentityassociations.eks.services.k8s.aws: 403 Forbidden: \
                the test wants it so; the webhook's ClusterRole must allow list and watch on \
                podidentityassociations in the API group eks.services.k8s.aws";
    wait_for_note(&webhook, "ack", line).await;
    assert!(!webhook.is_ready().await);
    // Which of its pods have an association is not known.
    webhook.wait_for_metric(crate::accounts::UP, 1.0).await;
    assert_eq!(webhook.admit("shop", "orders").await, Said::Unavailable);
    api.set_fault_of(ACK, Route::List, Fault::None);
    skip(LONG).await;
    webhook.wait_until_ready().await;
    assert_eq!(webhook.admit("shop", "orders").await, Said::Nothing);
}

#[tokio::test]
async fn discovery_that_fails_is_no_answer() {
    for (fault, reason) in [
        (
            Fault::Status(403),
            "failed to ask which version of podidentityassociations.eks.services.k8s.aws is served: 403 Forbidden: \
             the test wants it so; the webhook's ClusterRole must allow get on the path /apis/eks.services.k8s.aws \
             (the ClusterRole system:discovery)",
        ),
        (
            Fault::Status(500),
            "failed to ask which version of podidentityassociations.eks.services.k8s.aws is served: 500 \
             InternalError: the test wants it so",
        ),
    ] {
        let api = accounts().await;
        api.set_fault_of(ACK, Route::Discovery, fault);
        let webhook = Webhook::start_cold(&api.url(), following(&[Controller::Ack], any())).await;
        let line = format!("[-]ack not read yet: {reason}");
        wait_for_note(&webhook, "ack", &line).await;
        api.set_fault_of(ACK, Route::Discovery, Fault::None);
        skip(LONG).await;
        webhook.wait_until_ready().await;
    }
}

#[tokio::test]
async fn what_was_read_is_kept_while_nothing_can_be() {
    let (api, webhook) = shop(any()).await;
    api.put_object(ACK, "infra", "one", synced("orders"));
    wait_for(&webhook, "made", &["orders"]).await;
    for route in [Route::List, Route::Watch] {
        api.set_fault_of(ACK, route, Fault::Status(500));
    }
    api.expire_watches();
    until("the trouble", async || {
        let note = note(&webhook, "ack");
        note.contains("ok (keeps the set read ").then_some(())
    })
    .await;
    wait_for(&webhook, "kept", &["orders"]).await;
    assert!(webhook.is_ready().await);
    api.put_object(ACK, "infra", "two", synced("cart"));
    for route in [Route::List, Route::Watch] {
        api.set_fault_of(ACK, route, Fault::None);
    }
    skip(LONG).await;
    wait_for(&webhook, "caught up", &["orders", "cart"]).await;
    wait_for_note(&webhook, "ack", "[+]ack ok").await;
}

#[tokio::test]
async fn one_group_in_trouble_keeps_nothing_of_the_other_back() {
    let api = accounts().await;
    api.install(CROSSPLANE);
    api.install(CROSSPLANE_NAMESPACED);
    api.put_object(CROSSPLANE, "", "one", ready("orders"));
    let webhook = start(&api, &[Controller::Crossplane], any()).await;
    api.set_fault_of(CROSSPLANE, Route::List, Fault::Status(500));
    api.set_fault_of(CROSSPLANE, Route::Watch, Fault::Status(500));
    api.expire_watches();
    api.put_object(CROSSPLANE_NAMESPACED, "infra", "two", ready("cart"));
    wait_for(&webhook, "the old of one and the new of the other", &["orders", "cart"]).await;
    // The other group's event may come before the list that fails: neither waits for the other.
    until("the trouble of the first", async || {
        let trouble = "failed to list podidentityassociations.eks.aws.upbound.io";
        note(&webhook, "crossplane").contains(trouble).then_some(())
    })
    .await;
    wait_for(&webhook, "nothing lost by it", &["orders", "cart"]).await;
}

#[tokio::test]
async fn a_malformed_resource_is_told_of_and_the_others_count() {
    let (api, webhook) = shop(any()).await;
    api.put_object(ACK, "infra", "bad", body(json!({ "spec": { "namespace": "shop" } })));
    api.put_object(ACK, "infra", "worse", body(json!({ "spec": ["hush"], "status": 7 })));
    api.put_object(ACK, "infra", "good", synced("orders"));
    wait_for(&webhook, "the good one", &["orders"]).await;
    let told = "[+]ack ok (entries passed over: 2: infra/bad: spec.serviceAccount is missing; infra/worse: \
                spec.namespace is missing)";
    wait_for_note(&webhook, "ack", told).await;
    let passed_over = "pod_identity_webhook_source_passed_over_entries{source=\"ack\"}";
    webhook.wait_for_metric(passed_over, 2.0).await;
    api.delete_object(ACK, "infra", "worse");
    api.put_object(ACK, "infra", "bad", synced("cart"));
    wait_for(&webhook, "mended", &["orders", "cart"]).await;
    wait_for_note(&webhook, "ack", "[+]ack ok").await;
}

#[tokio::test]
async fn a_watch_that_dies_without_a_word_is_replaced() {
    let (api, webhook) = shop(any()).await;
    api.wait_for_watches(2).await;
    api.freeze_watches();
    api.put_object(ACK, "infra", "one", synced("orders"));
    skip(std::time::Duration::from_secs(25)).await;
    api.wait_for("another list", |traffic| {
        traffic.lists.iter().filter(|list| list.of.resource == ACK.name()).count() >= 2
    })
    .await;
    wait_for(&webhook, "what nobody told of", &["orders"]).await;
}
