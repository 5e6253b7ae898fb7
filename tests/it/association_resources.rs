//! Associations in custom resources, against a fake API server: definitions that come and go, resources
//! that are made, changed and deleted, and lists and watches that fail.

mod definitions;
mod own;
mod trouble;

use std::fmt::Debug;
use std::time::Duration;

use pod_identity_webhook::certificates::Authority;
use pod_identity_webhook::identities::sources::association_resources::{
    Controller, Namespaces, Pending, Selection,
};
use pod_identity_webhook::webhook::settings::{ResourceSettings, Settings};
use serde_json::{Map, Value, json};

use crate::accounts::{Said, Webhook};
use crate::support::fake_api::{FakeApi, Resource};
use crate::support::pair_files::{PairFiles, leaf};
use crate::support::process::Starting;
use crate::support::wait::until;

const ACK: Resource = Resource {
    group: "eks.services.k8s.aws",
    version: "v1alpha1",
    plural: "podidentityassociations",
    kind: "PodIdentityAssociation",
};

/// This project's own kind.
pub(crate) const OWN: Resource = Resource { group: "pod-identity-webhook.dev", ..ACK };

const CROSSPLANE: Resource = Resource { group: "eks.aws.upbound.io", version: "v1beta1", ..ACK };

const CROSSPLANE_NAMESPACED: Resource = Resource { group: "eks.aws.m.upbound.io", ..CROSSPLANE };

/// How soon a new resource counts.
const SOON: Duration = Duration::from_secs(2);

/// A selection in which resources of any namespace count for accounts of any.
fn any() -> Selection {
    Selection { namespaces: Namespaces::Any, ..Selection::default() }
}

pub(crate) fn body(members: Value) -> Map<String, Value> {
    serde_json::from_value(members).unwrap()
}

/// A resource of ACK that AWS has.
fn synced(account: &str) -> Map<String, Value> {
    let mut members = wanted(account);
    let conditions = json!([{ "type": "ACK.ResourceSynced", "status": "True" }]);
    members.insert("status".into(), json!({ "associationID": "a-1", "conditions": conditions }));
    members
}

/// A resource of ACK that its controller has not seen yet.
fn wanted(account: &str) -> Map<String, Value> {
    body(json!({ "spec": { "namespace": "shop", "serviceAccount": account, "clusterName": "prod" } }))
}

/// A resource of Crossplane that AWS has.
fn ready(account: &str) -> Map<String, Value> {
    body(json!({
        "spec": { "forProvider": {
            "region": "eu-west-1", "namespace": "shop", "serviceAccount": account, "clusterName": "prod",
        } },
        "status": {
            "atProvider": { "associationId": "a-1" },
            "conditions": [{ "type": "Ready", "status": "True" }],
        },
    }))
}

/// Settings with which these controllers' resources are followed.
fn following(controllers: &[Controller], selection: Selection) -> impl FnOnce(&mut Settings) {
    let resources = ResourceSettings { controllers: controllers.to_vec(), selection };
    move |settings| settings.sources.association_resources = Some(resources)
}

/// An API server whose accounts have no role, and a webhook beside it that follows ACK's resources.
async fn shop(selection: Selection) -> (FakeApi, Webhook) {
    let api = accounts().await;
    api.install(ACK);
    let webhook = start(&api, &[Controller::Ack], selection).await;
    (api, webhook)
}

pub(crate) async fn accounts() -> FakeApi {
    let api = FakeApi::start().await;
    for account in ["orders", "cart", "billing"] {
        api.put("shop", account, &[]);
    }
    api
}

/// Starts a webhook and waits until all is read and watched.
async fn start(api: &FakeApi, controllers: &[Controller], selection: Selection) -> Webhook {
    let webhook = Webhook::start_cold(&api.url(), following(controllers, selection)).await;
    webhook.wait_until_ready().await;
    webhook.wait_for_metric(crate::accounts::UP, 1.0).await;
    webhook
}

/// Whether a pod of this account gets an association.
pub(crate) async fn is_associated(webhook: &Webhook, account: &str) -> bool {
    match webhook.admit("shop", account).await {
        Said::Association(_) => true,
        Said::Nothing => false,
        said => panic!("{said:?}"),
    }
}

/// Waits until exactly these accounts have an association.
async fn wait_for(webhook: &Webhook, what: impl Debug, associated: &[&str]) {
    until(&format!("{what:?}"), async || {
        let mut found = Vec::new();
        for account in ["orders", "cart", "billing"] {
            if is_associated(webhook, account).await {
                found.push(account);
            }
        }
        (found == associated).then_some(())
    })
    .await;
}

/// What readiness says of a source.
fn note(webhook: &Webhook, source: &str) -> String {
    let report = webhook.readiness();
    let line = report.lines().find(|line| line[3..].starts_with(&format!("{source} ")));
    line.unwrap_or_else(|| panic!("{report}")).to_owned()
}

/// Associations and what is said of their source are not published in one step.
async fn wait_for_note(webhook: &Webhook, source: &str, line: &str) {
    until(line, async || (note(webhook, source) == line).then_some(())).await;
}

async fn wait_for_state(webhook: &Webhook, state: &str, resources: f64) {
    wait_for_state_of(webhook, "ack", state, resources).await;
}

async fn wait_for_state_of(webhook: &Webhook, source: &str, state: &str, resources: f64) {
    let name = "pod_identity_webhook_association_resources";
    webhook.wait_for_metric(&format!("{name}{{source=\"{source}\",state=\"{state}\"}}"), resources).await;
}

#[tokio::test]
async fn a_resource_counts_from_its_creation_to_its_deletion() {
    let (api, webhook) = shop(any()).await;
    wait_for(&webhook, "nothing yet", &[]).await;
    api.put_object(ACK, "infra", "one", synced("orders"));
    wait_for(&webhook, "made", &["orders"]).await;
    api.put_object(ACK, "infra", "two", synced("orders"));
    api.put_object(ACK, "infra", "one", synced("cart"));
    wait_for(&webhook, "changed", &["orders", "cart"]).await;
    api.delete_object(ACK, "infra", "two");
    wait_for(&webhook, "deleted", &["cart"]).await;
    api.delete_object(ACK, "infra", "one");
    wait_for(&webhook, "all deleted", &[]).await;
    wait_for_note(&webhook, "ack", "[+]ack ok").await;
}

#[tokio::test]
async fn a_resource_counts_once_aws_has_it() {
    let (api, webhook) = shop(any()).await;
    api.put_object(ACK, "shop", "one", wanted("orders"));
    api.put_object(ACK, "shop", "two", synced("cart"));
    wait_for(&webhook, "the one that is synced", &["cart"]).await;
    wait_for_state(&webhook, "pending", 1.0).await;
    wait_for_state(&webhook, "used", 1.0).await;
    api.put_object(ACK, "shop", "one", synced("orders"));
    wait_for(&webhook, "both", &["orders", "cart"]).await;
    wait_for_state(&webhook, "pending", 0.0).await;
}

#[tokio::test]
async fn pending_resources_count_if_an_operator_wants_it_so() {
    let pending = Pending::Use;
    let (api, webhook) = shop(Selection { pending, ..Selection::default() }).await;
    api.put_object(ACK, "shop", "one", wanted("orders"));
    wait_for(&webhook, "what is only wanted", &["orders"]).await;
}

#[tokio::test]
async fn resources_for_another_cluster_or_namespace_do_not_count() {
    let cluster = pod_identity_webhook::aws::ClusterName::new("prod");
    // By default, resources of another namespace do not count.
    let (api, webhook) = shop(Selection { cluster, ..Selection::default() }).await;
    let mut elsewhere = synced("orders");
    elsewhere["spec"]["clusterName"] = json!("test");
    api.put_object(ACK, "shop", "elsewhere", elsewhere);
    api.put_object(ACK, "infra", "from-afar", synced("billing"));
    api.put_object(ACK, "shop", "good", synced("cart"));
    wait_for(&webhook, "ours alone", &["cart"]).await;
    wait_for_state(&webhook, "other_cluster", 1.0).await;
    wait_for_state(&webhook, "other_namespace", 1.0).await;
}

#[tokio::test]
async fn resources_that_are_left_out_for_their_namespace_are_warned_of_once() {
    let api = accounts().await;
    api.install(ACK);
    api.put_object(ACK, "infra", "a", synced("billing"));
    api.put_object(ACK, "infra", "b", synced("cart"));
    let url = format!("--kube-api={}", api.url());
    let pair = PairFiles::plain(&leaf(&Authority::new().unwrap()));
    let [certificate, key] = pair.args();
    let ack = "--watch-association-resources=ack";
    let process = Starting::spawn(&["--in-cluster=false", &url, ack, &certificate, &key]);
    let warnings = || process.log().into_iter().filter(|line| line.contains("than their own do not count"));
    let wait_for = async |count: usize| {
        until(&format!("{count} warnings"), async || (warnings().count() == count).then_some(())).await;
    };
    wait_for(1).await;
    let first = warnings().next().unwrap();
    for part in
        ["WARN", "resources=2 example=infra/a names=\"shop\"", "-own-namespace-only=false makes all count"]
    {
        assert!(first.contains(part), "{first}");
    }
    // A malformed resource is reported, which shows that all before it was read.
    let wait_until_read = async |marker: &str| {
        api.put_object(ACK, "shop", marker, body(json!({ "spec": {} })));
        until(marker, async || process.log().iter().any(|line| line.contains(marker)).then_some(())).await;
    };
    // To lose one of two such resources and gain another is not news.
    api.delete_object(ACK, "infra", "a");
    api.put_object(ACK, "infra", "c", synced("orders"));
    wait_until_read("marker-1").await;
    assert_eq!(warnings().count(), 1);
    api.delete_object(ACK, "infra", "b");
    api.delete_object(ACK, "infra", "c");
    wait_until_read("marker-2").await;
    api.put_object(ACK, "infra", "d", synced("orders"));
    wait_for(2).await;
    assert!(warnings().nth(1).unwrap().contains("resources=1 example=infra/d"));
}

#[tokio::test]
async fn both_groups_of_crossplane_are_one_source() {
    let api = accounts().await;
    api.install(CROSSPLANE);
    api.install(CROSSPLANE_NAMESPACED);
    api.put_object(CROSSPLANE, "", "one", ready("orders"));
    let webhook = start(&api, &[Controller::Ack, Controller::Crossplane], any()).await;
    wait_for(&webhook, "what is in no namespace", &["orders"]).await;
    api.put_object(CROSSPLANE_NAMESPACED, "infra", "two", ready("cart"));
    wait_for(&webhook, "both", &["orders", "cart"]).await;
    api.delete_object(CROSSPLANE, "", "one");
    wait_for(&webhook, "what is in a namespace", &["cart"]).await;
    wait_for_note(&webhook, "crossplane", "[+]crossplane ok").await;
    wait_for_note(&webhook, "ack", "[+]ack ok").await;
}

#[tokio::test]
async fn five_thousand_resources_are_read_and_followed() {
    let api = accounts().await;
    api.install(ACK);
    for number in 0..5000 {
        api.put_object(ACK, "infra", &format!("r-{number}"), synced(&format!("account-{number}")));
    }
    let webhook = start(&api, &[Controller::Ack], any()).await;
    let entries = "pod_identity_webhook_source_entries{source=\"ack\"}";
    webhook.wait_for_metric(entries, 5000.0).await;
    let lists = api.traffic().lists.iter().filter(|list| list.of.resource == ACK.name()).count();
    assert_eq!(lists, 10);
    for number in 0..5000 {
        api.put_object(ACK, "infra", &format!("r-{number}"), synced(&format!("other-{number}")));
    }
    api.put_object(ACK, "infra", "last", synced("orders"));
    wait_for(&webhook, "the last", &["orders"]).await;
    webhook.wait_for_metric(entries, 5001.0).await;
}
