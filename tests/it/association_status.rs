//! The statuses that the webhook writes to this project's own associations, against a fake API server that takes them,
//! refuses them or is slow.

mod failures;

use std::time::Duration;

use pod_identity_webhook::association::AssociationId;
use serde_json::{Map, Value, json};

use crate::accounts::{Webhook, skip};
use crate::association_resources::{OWN, accounts, body, is_associated};
use crate::support::fake_api::{FakeApi, Fault, Route, Traffic};
use crate::support::mounted::Files;
use crate::support::wait::{eventually, until};

const ROLE: &str = "arn:aws:iam::123456789012:role/app";
const OTHER: &str = "arn:aws:iam::210987654321:role/other";

/// With these a webhook writes statuses.
const FLAGS: [&str; 3] =
    ["--watch-association-resources=own", "--eks-cluster-name=prod", "--aws-default-region=eu-west-1"];

/// Longer than a replica leaves an object alone that it has written, or waits for a page of a list.
const REST: Duration = Duration::from_secs(32);

const POLICY: &str = "policy.yaml";

/// A policy that allows this role to all accounts.
fn allowing(role: &str) -> String {
    format!("rules:\n- namespaces: ['*']\n  roles: ['{role}']\n")
}

/// A policy's file that allows the role, and the flag that names it.
fn policy() -> (Files, String) {
    let files = Files::plain(&[(POLICY, &allowing(ROLE))]);
    let flag = format!("--role-policy={}", files.path(POLICY).display());
    (files, flag)
}

fn of_role(role: &str) -> Map<String, Value> {
    body(json!({ "spec": { "roleArn": role } }))
}

fn with_target() -> Map<String, Value> {
    body(json!({ "spec": { "roleArn": ROLE, "targetRoleArn": OTHER } }))
}

/// An API server that has the kind, and accounts without a role.
async fn cluster() -> FakeApi {
    let api = accounts().await;
    api.install(OWN);
    api
}

/// Starts a webhook, and waits until it watches accounts, associations, and these once more for their status.
async fn start(api: &FakeApi, flags: &[&str]) -> Webhook {
    let open = api.traffic().watches_open;
    let webhook = Webhook::start_by(&api.url(), &[&FLAGS, flags].concat(), |_| ()).await;
    webhook.wait_until_ready().await;
    api.wait_for_watches(open + 3).await;
    webhook
}

/// The association of an account, once the condition in its status has this reason.
async fn wait_for(api: &FakeApi, account: &str, reason: &str) -> Value {
    eventually((account, reason), async || {
        let object = api.object(OWN, "shop", account);
        let is_told = object.as_ref().is_some_and(|object| condition(object)["reason"] == reason);
        object.clone().filter(|_| is_told).ok_or(object)
    })
    .await
}

fn condition(object: &Value) -> &Value {
    &object["status"]["conditions"][0]
}

/// How often associations were listed, for whatever purpose.
fn lists(traffic: &Traffic) -> usize {
    traffic.lists.iter().filter(|list| list.of.resource == OWN.name()).count()
}

/// Lets time pass. What was sent before has been read: no answer is late for that.
async fn pass(webhook: &Webhook, time: Duration) {
    webhook.wait_until_read().await;
    skip(time).await;
    webhook.wait_until_read().await;
}

/// Waits until all is written that was to be: of two newcomers, one after the other, the second comes after it in any
/// case.
async fn settle(api: &FakeApi, webhook: &Webhook) {
    for newcomer in ["first-newcomer", "second-newcomer"] {
        pass(webhook, REST).await;
        assert_eq!(api.object(OWN, "shop", newcomer), None);
        api.put_object(OWN, "shop", newcomer, of_role(ROLE));
        wait_for(api, newcomer, "Accepted").await;
    }
}

#[tokio::test]
async fn an_association_is_told_its_ids_and_that_it_counts_once() {
    let api = cluster().await;
    let webhook = start(&api, &[]).await;
    api.put_object(OWN, "shop", "orders", with_target());
    let object = wait_for(&api, "orders", "Accepted").await;
    let id = AssociationId::of_uid(object["metadata"]["uid"].as_str().unwrap());
    let status = &object["status"];
    assert_eq!(status["associationId"], json!(id.as_str()));
    let arn = format!("arn:aws:eks:eu-west-1:123456789012:podidentityassociation/prod/{id}");
    assert_eq!(status["associationArn"], json!(arn));
    assert_eq!(status["externalId"].as_str().unwrap().len(), 32);
    assert_eq!(status["observedGeneration"], json!(1));
    let mut accepted = condition(&object).clone();
    assert!(accepted.as_object_mut().unwrap().remove("lastTransitionTime").is_some());
    let message = "pods of ServiceAccount shop/orders get it when they are made";
    assert_eq!(
        accepted,
        json!({
            "type": "Accepted", "status": "True", "reason": "Accepted", "message": message, "observedGeneration": 1,
        })
    );
    settle(&api, &webhook).await;
    let traffic = api.traffic();
    assert_eq!((traffic.patches_of("shop", "orders"), traffic.others.as_slice()), (1, &[][..]));
    assert_eq!(api.object(OWN, "shop", "orders"), Some(object));
    webhook.server.stop().await;
}

#[tokio::test]
async fn a_status_says_what_the_role_policy_says_now() {
    let api = cluster().await;
    let (files, flag) = policy();
    let webhook = start(&api, &[&flag]).await;
    api.put_object(OWN, "shop", "orders", of_role(ROLE));
    wait_for(&api, "orders", "Accepted").await;
    files.rewrite(POLICY, &allowing(OTHER));
    pass(&webhook, REST).await;
    let forbidden = wait_for(&api, "orders", "RoleNotAllowed").await;
    assert_eq!(condition(&forbidden)["status"], json!("False"));
    let words = format!(
        "the role policy {} does not allow \"{ROLE}\" for ServiceAccount shop/orders: rules[0] names the ServiceAccount \
         but not this role; use a role that the policy allows, or allow this one in it",
        files.path(POLICY).display()
    );
    assert_eq!(condition(&forbidden)["message"], json!(words));
    files.rewrite(POLICY, &allowing(ROLE));
    pass(&webhook, REST).await;
    let allowed = wait_for(&api, "orders", "Accepted").await;
    assert_eq!(condition(&allowed)["status"], json!("True"));
    assert_eq!(api.traffic().patches_of("shop", "orders"), 3);
    webhook.server.stop().await;
}

#[tokio::test]
async fn a_list_that_is_slow_or_hangs_keeps_no_pod_waiting() {
    for fault in [Fault::Delay(REST / 2), Fault::Hang] {
        let api = cluster().await;
        let (files, flag) = policy();
        let webhook = start(&api, &[&flag]).await;
        api.put_object(OWN, "shop", "orders", of_role(ROLE));
        wait_for(&api, "orders", "Accepted").await;
        let before = lists(&api.traffic());
        api.set_fault_of(OWN, Route::List, fault);
        // With another policy all associations are listed anew, for their status alone.
        files.rewrite(POLICY, &allowing("arn:aws:iam::123456789012:role/a*"));
        api.wait_for("a list for statuses", |traffic| lists(traffic) == before + 1).await;
        assert!(is_associated(&webhook, "orders").await, "{fault:?}");
        api.put_object(OWN, "shop", "cart", of_role(ROLE));
        until("pods of the new one get it", async || is_associated(&webhook, "cart").await.then_some(()))
            .await;
        assert_eq!(api.traffic().patches_of("shop", "cart"), 0, "{fault:?}");
        api.set_fault_of(OWN, Route::List, Fault::None);
        pass(&webhook, REST).await;
        wait_for(&api, "cart", "Accepted").await;
        webhook.server.stop().await;
    }
}

#[tokio::test]
async fn two_replicas_write_no_status_twice() {
    const OBJECTS: usize = 50;
    let api = cluster().await;
    let (one, other) = (start(&api, &[]).await, start(&api, &[]).await);
    let accounts: Vec<_> = (0..OBJECTS).map(|number| format!("account-{number}")).collect();
    for account in &accounts {
        api.put_object(OWN, "shop", account, of_role(ROLE));
    }
    let mut written = Vec::new();
    for account in &accounts {
        written.push(wait_for(&api, account, "Accepted").await);
    }
    settle(&api, &one).await;
    for (account, written) in accounts.iter().zip(written) {
        assert_eq!(api.object(OWN, "shop", account), Some(written));
    }
    let traffic = api.traffic();
    let attempts: usize = accounts.iter().map(|account| traffic.patches_of("shop", account)).sum();
    // Mostly one replica hears of the other's write before its own is due; where it does not, its write is refused.
    assert!((OBJECTS..=2 * OBJECTS).contains(&attempts), "{attempts}");
    for webhook in [one, other] {
        webhook.server.stop().await;
    }
}
