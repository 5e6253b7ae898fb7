//! This project's own resource, whose object is the association: it counts at once.

use pod_identity_webhook::aws::ClusterName;
use pod_identity_webhook::identities::sources::association_resources::{Controller, Selection};
use serde_json::{Map, Value, json};

use super::{OWN, accounts, body, start, wait_for, wait_for_note, wait_for_state_of};
use crate::accounts::{Said, Webhook, read, review};
use crate::support::client::Answer;
use crate::support::fake_api::{FakeApi, Fault, Route};
use crate::support::mounted::Files;

fn of_role(cluster: Option<&str>) -> Map<String, Value> {
    let role = "arn:aws:iam::123456789012:role/app";
    body(json!({ "spec": { "roleArn": role, "clusterName": cluster } }))
}

async fn shop(cluster: Option<&str>) -> (FakeApi, Webhook) {
    let api = accounts().await;
    api.install(OWN);
    let cluster = cluster.and_then(ClusterName::new);
    let webhook = start(&api, &[Controller::Own], Selection { cluster, ..Selection::default() }).await;
    (api, webhook)
}

/// Admits a pod whose label says that it has an association.
async fn admit_labelled(webhook: &Webhook, account: &str) -> Said {
    read(&post_labelled(webhook, account).await)
}

async fn post_labelled(webhook: &Webhook, account: &str) -> Answer {
    let mut review: Value = serde_json::from_str(&review("shop", account)).unwrap();
    review["request"]["object"]["metadata"]["labels"] = json!({"eks.amazonaws.com/pod-identity": "enabled"});
    webhook.server.client.post("/mutate?timeout=10s", review.to_string()).await
}

fn is_associated(said: &Said) -> bool {
    matches!(said, Said::Association(_))
}

#[tokio::test]
async fn a_resource_counts_from_its_creation_to_its_deletion() {
    let (api, webhook) = shop(None).await;
    api.put_object(OWN, "shop", "orders", of_role(None));
    // Its name is the account's, in its own namespace.
    api.put_object(OWN, "infra", "cart", of_role(None));
    wait_for(&webhook, "made", &["orders"]).await;
    api.delete_object(OWN, "shop", "orders");
    wait_for(&webhook, "deleted", &[]).await;
    wait_for_note(&webhook, "own", "[+]own ok").await;
}

#[tokio::test]
async fn a_resource_for_another_cluster_does_not_count() {
    let (api, webhook) = shop(Some("prod")).await;
    api.put_object(OWN, "shop", "orders", of_role(Some("test")));
    api.put_object(OWN, "shop", "cart", of_role(Some("prod")));
    wait_for(&webhook, "ours alone", &["cart"]).await;
    wait_for_state_of(&webhook, "own", "other_cluster", 1.0).await;
    assert_eq!(admit_labelled(&webhook, "orders").await, Said::Nothing, "asked for live");
}

#[tokio::test]
async fn a_pod_that_opted_in_finds_what_the_watch_has_not_told() {
    let (api, webhook) = shop(None).await;
    api.withhold_watch_events(true);
    api.put_object(OWN, "shop", "orders", of_role(None));
    assert_eq!(webhook.admit("shop", "orders").await, Said::Nothing);
    api.forget_requests();
    assert!(is_associated(&admit_labelled(&webhook, "orders").await));
    let gets = api.traffic().gets.iter().filter(|get| get.collection.resource == OWN.name()).count();
    assert_eq!(gets, 1);
    // There is no association of this account, and the API server says so.
    assert_eq!(admit_labelled(&webhook, "cart").await, Said::Nothing);
}

#[tokio::test]
async fn a_pod_that_opted_in_is_held_to_the_role_policy_before_the_watch_has_told() {
    let rules = "rules:\n- namespaces: [shop]\n  roles: ['arn:aws:iam::123456789012:role/app']\n";
    let files = Files::plain(&[("policy.yaml", rules)]);
    let path = files.path("policy.yaml").display().to_string();
    let (own, policy) = ("--watch-association-resources=own", format!("--role-policy={path}"));
    let api = accounts().await;
    api.install(OWN);
    let webhook = Webhook::start_by(&api.url(), &[own, &policy], |_| ()).await;
    webhook.wait_until_ready().await;
    webhook.wait_for_metric(crate::accounts::UP, 1.0).await;
    api.withhold_watch_events(true);
    let admin = "arn:aws:iam::123456789012:role/admin";
    api.put_object(OWN, "shop", "orders", of_role(None));
    api.put_object(OWN, "shop", "cart", body(json!({ "spec": { "roleArn": admin } })));
    assert!(is_associated(&admit_labelled(&webhook, "orders").await));
    let response = post_labelled(&webhook, "cart").await.json()["response"].take();
    let message = format!(
        "PodIdentityAssociation shop/cart: the role policy {path} does not allow \"{admin}\" there: rules[0] names the \
         ServiceAccount but not this role; use a role that the policy allows, or allow this one in it"
    );
    assert_eq!(response["allowed"], json!(false));
    assert_eq!(response["status"], json!({"code": 403, "reason": "Forbidden", "message": message}));
    // For a pod without the label the webhook does not ask, and it knows of no association yet.
    assert_eq!(webhook.admit("shop", "cart").await, Said::Nothing);
}

#[tokio::test]
async fn a_pod_that_opted_in_is_not_told_no_while_nobody_can_say() {
    let (api, webhook) = shop(None).await;
    for fault in [Fault::Status(500), Fault::Status(403), Fault::Hang] {
        api.set_fault_of(OWN, Route::Get, fault);
        assert_eq!(admit_labelled(&webhook, "orders").await, Said::Unavailable);
    }
    // Without a definition there are no associations.
    api.set_fault_of(OWN, Route::Get, Fault::None);
    api.uninstall(OWN);
    assert_eq!(admit_labelled(&webhook, "orders").await, Said::Nothing);
}
