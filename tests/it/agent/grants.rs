//! Which role pods get: what associations and the role policy say at that moment.

use pod_identity_webhook::agent::{Failure, FailureKind};
use serde_json::json;

use super::{Node, ROLE, issuer};
use crate::association_resources::{OWN, body};
use crate::support::mounted::Files;
use crate::support::wait::until;

const OTHER: &str = "arn:aws:iam::123456789012:role/other";

#[tokio::test]
async fn a_change_of_the_association_counts_at_once() {
    let node = Node::start(&[]).await;
    let token = node.token("p1");
    assert_eq!(node.ask(&token).await.identity().1, ROLE);
    node.api.put_object(OWN, "shop", "orders", body(json!({ "spec": { "roleArn": OTHER } })));
    until("the other role", async || (node.ask(&token).await.identity().1 == OTHER).then_some(())).await;
    node.api.delete_object(OWN, "shop", "orders");
    until("a refusal", async || (node.ask(&token).await.status == 404).then_some(())).await;
    let answer = node.ask(&token).await;
    assert_eq!(
        answer.body,
        "(ResourceNotFoundException): No association of ServiceAccount shop/orders is known on this cluster, fault: \
         client\n"
    );
    node.api.put_object(OWN, "shop", "orders", body(json!({ "spec": { "roleArn": ROLE } })));
    until("the first role", async || (node.ask(&token).await.status == 200).then_some(())).await;
    assert_eq!(node.ask(&token).await.identity().1, ROLE);
}

#[tokio::test]
async fn an_account_has_its_own_association_and_no_other_clusters() {
    let node = Node::start(&[]).await;
    node.api.put_object(
        OWN,
        "shop",
        "billing",
        body(json!({ "spec": { "roleArn": OTHER, "clusterName": "test" } })),
    );
    node.api.put_object(OWN, "other", "billing", body(json!({ "spec": { "roleArn": OTHER } })));
    // Once a later one counts, the agent has heard of these too.
    node.api.put_object(OWN, "shop", "later", body(json!({ "spec": { "roleArn": ROLE } })));
    let later = node.issuer.sign(&issuer::claims("later", "p3"));
    node.api.confirm_token(&later, "account-later", "p3");
    until("a later one counts", async || (node.ask(&later).await.status == 200).then_some(())).await;
    let token = node.issuer.sign(&issuer::claims("billing", "p1"));
    node.api.confirm_token(&token, "account-billing", "p1");
    assert_eq!(node.ask(&token).await.status, 404);
    node.ask(&node.token("p2")).await.json();
}

#[tokio::test]
async fn the_role_policy_is_asked_again_and_what_it_no_longer_allows_ends() {
    let allowing = |role: &str| format!("rules:\n- namespaces: ['*']\n  roles: ['{role}']\n");
    let files = Files::plain(&[("policy.yaml", &allowing(ROLE))]);
    let flag = format!("--role-policy={}", files.path("policy.yaml").display());
    let node = Node::start(&[&flag]).await;
    let token = node.token("p1");
    node.ask(&token).await.json();
    std::fs::write(files.path("policy.yaml"), allowing(OTHER)).unwrap();
    until("the policy counts", async || (node.ask(&token).await.status == 403).then_some(())).await;
    let answer = node.ask(&token).await;
    assert!(answer.body.starts_with("(AccessDeniedException): The role policy does not allow"), "{answer:?}");
    let node = Node::start(&[&flag, "--role-policy-mode=warn"]).await;
    node.ask(&node.token("p1")).await.json();
}

#[tokio::test]
async fn what_the_upstream_says_is_passed_on_and_held_credentials_go_on_while_it_is_silent() {
    let node = Node::start(&[]).await;
    let held = node.token("p1");
    node.ask(&held).await.json();
    *node.upstream.fails.lock().unwrap() = Some(Failure {
        status: 403,
        text: "[id]: (AccessDenied): Not authorized, fault: client".into(),
        kind: FailureKind::Refused,
        code: "AccessDenied".into(),
    });
    node.ask(&held).await.json();
    let answer = node.ask(&node.token("p2")).await;
    assert_eq!(
        (answer.status, answer.body.as_str()),
        (403, "[id]: (AccessDenied): Not authorized, fault: client\n")
    );
}
