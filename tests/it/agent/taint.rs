//! The taint that keeps pods off a node until its agent answers.

use std::time::Duration;

use serde_json::{Value, json};

use super::issuer::{self, Issuer};
use super::{NODE, Node, PODS, ROLE};
use crate::accounts::skip;
use crate::association_resources::{OWN, body};
use crate::support::fake_api::{FakeApi, Fault, Hold, Resource, Route};
#[cfg(feature = "eks-api")]
use crate::support::process::Starting;
use crate::support::program::run;
use crate::support::wait::until;

const NODES: Resource = Resource { group: "", version: "v1", plural: "nodes", kind: "Node" };
const KEY: &str = "example.com/agent-not-ready";
const FLAG: &str = "--startup-taint=example.com/agent-not-ready";

fn ours(effect: &str) -> Value {
    json!({ "key": KEY, "effect": effect })
}

fn other() -> Value {
    json!({ "key": "example.com/dedicated", "value": "db", "effect": "NoSchedule", "timeAdded": "2026-01-02T03:04:05Z" })
}

/// An API server that has this node and another one, both with these taints.
async fn cluster(taints: &Value) -> (FakeApi, Issuer) {
    let issuer = Issuer::new("key-1");
    let api = FakeApi::start().await;
    for resource in [OWN, PODS, NODES] {
        api.install(resource);
    }
    api.sign_tokens(issuer::URL, &issuer.keys());
    api.put_object(OWN, "shop", "orders", body(json!({ "spec": { "roleArn": ROLE } })));
    for node in [NODE, "node-2"] {
        api.put_object(
            NODES,
            "",
            node,
            body(json!({ "spec": { "podCIDR": "10.0.0.0/24", "taints": taints } })),
        );
    }
    (api, issuer)
}

fn taints(api: &FakeApi, node: &str) -> Value {
    api.object(NODES, "", node).unwrap()["spec"]["taints"].clone()
}

/// Waits until this node has these taints alone.
async fn wait_for(api: &FakeApi, expected: &Value) {
    until("the node's taints", async || (taints(api, NODE) == *expected).then_some(())).await;
}

/// Lets so much time pass that whatever is to be tried again has been.
async fn settle() {
    for _ in 0..4 {
        skip(Duration::from_mins(2)).await;
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test]
async fn it_goes_with_every_effect_and_from_this_node_alone() {
    let all = json!([ours("NoSchedule"), other(), ours("NoExecute")]);
    let (api, issuer) = cluster(&all).await;
    let node = Node::start_on(api, issuer, &[FLAG]).await;
    wait_for(&node.api, &json!([other()])).await;
    assert_eq!(taints(&node.api, "node-2"), all);
    assert_eq!(node.api.object(NODES, "", NODE).unwrap()["spec"]["podCIDR"], "10.0.0.0/24");
    assert_eq!(node.api.traffic().patches_of("", NODE), 1);
    // Somebody puts it there again: that is no matter of this agent's start.
    node.api.put_object(NODES, "", NODE, body(json!({ "spec": { "taints": [ours("NoSchedule")] } })));
    settle().await;
    assert_eq!(taints(&node.api, NODE), json!([ours("NoSchedule")]));
    assert_eq!((node.api.traffic().gets.len(), node.api.traffic().patches.len()), (1, 1));
}

#[tokio::test]
async fn a_node_without_it_is_not_written() {
    for there in [json!([other()]), Value::Null] {
        let (api, issuer) = cluster(&there).await;
        let node = Node::start_on(api, issuer, &[FLAG]).await;
        node.api.wait_for("the node is read", |traffic| traffic.gets_of("", NODE) == 1).await;
        settle().await;
        assert_eq!((node.api.traffic().gets.len(), node.api.traffic().patches.len()), (1, 0));
        assert_eq!(taints(&node.api, NODE), there);
    }
}

#[tokio::test]
async fn without_the_flag_no_node_is_asked_for() {
    let (api, issuer) = cluster(&json!([ours("NoSchedule")])).await;
    let node = Node::start_on(api, issuer, &[]).await;
    settle().await;
    assert_eq!((node.api.traffic().gets.len(), node.api.traffic().patches.len()), (0, 0));
}

#[tokio::test]
async fn it_stays_until_keys_and_associations_are_read() {
    let (api, issuer) = cluster(&json!([ours("NoSchedule")])).await;
    api.set_fault_of_tokens(Route::Document, Fault::Status(500));
    api.set_fault_of(OWN, Route::List, Fault::Status(500));
    let node = Node::start_cold(api, issuer, &[FLAG]).await;
    settle().await;
    assert_eq!(node.api.traffic().gets_of("", NODE), 0);
    node.api.set_fault_of_tokens(Route::Document, Fault::None);
    until("the keys are read", async || {
        node.ask(&node.token("p1")).await.body.contains("associations of own are not read yet").then_some(())
    })
    .await;
    settle().await;
    assert_eq!(node.api.traffic().gets_of("", NODE), 0);
    node.api.set_fault_of(OWN, Route::List, Fault::None);
    wait_for(&node.api, &json!([])).await;
}

#[tokio::test]
async fn what_others_write_to_the_taints_meanwhile_is_kept() {
    let (api, issuer) = cluster(&json!([ours("NoSchedule")])).await;
    api.hold_gets(Hold::Answer);
    let node = Node::start_cold(api, issuer, &[FLAG]).await;
    node.api.wait_for_gets_running(1).await;
    // A controller puts another taint there after the node was read.
    node.api.put_object(
        NODES,
        "",
        NODE,
        body(json!({ "spec": { "taints": [other(), ours("NoSchedule")] } })),
    );
    node.api.release_gets();
    wait_for(&node.api, &json!([other()])).await;
    assert_eq!(node.api.traffic().patches_of("", NODE), 2);
}

#[tokio::test]
async fn what_fails_is_tried_again_and_keeps_no_pod_from_credentials() {
    for (route, fault) in [
        (Route::Get, Fault::Status(403)),
        (Route::Get, Fault::Garbage),
        (Route::Patch, Fault::Status(403)),
        (Route::Patch, Fault::Status(409)),
        (Route::Patch, Fault::Hang),
    ] {
        let (api, issuer) = cluster(&json!([ours("NoSchedule"), other()])).await;
        api.set_fault_of(NODES, route, fault);
        let node = Node::start_on(api, issuer, &[FLAG]).await;
        let tries = |number| {
            move |traffic: &crate::support::fake_api::Traffic| match route {
                Route::Get => traffic.gets_of("", NODE) >= number,
                _ => traffic.patches_of("", NODE) >= number,
            }
        };
        node.api.wait_for((route, fault, "once"), tries(1)).await;
        skip(Duration::from_secs(20)).await;
        node.api.wait_for((route, fault, "again"), tries(2)).await;
        node.ask(&node.token("p1")).await.json();
        node.api.set_fault_of(NODES, route, Fault::None);
        skip(Duration::from_secs(20)).await;
        wait_for(&node.api, &json!([other()])).await;
    }
}

#[cfg(feature = "eks-api")]
const COMPLAINT: &str = "pods are kept off this node: its startup taint is not removed";

/// The program, as the agent of the node.
#[cfg(feature = "eks-api")]
fn program(api: &FakeApi) -> Starting {
    let url = format!("--kube-api={}", api.url());
    let fixed = ["agent", "--cluster-name=prod", "--upstream=web-identity", "--region=eu-west-1", "--port=0"];
    let ports =
        ["--bind-hosts=127.0.0.1", "--probe-port=0", "--metrics-address=127.0.0.1", "--metrics-port=0"];
    Starting::spawn_subcommand(&[&fixed[..], &ports, &["--node-name=node-1", FLAG, &url]].concat())
}

#[cfg(feature = "eks-api")]
#[tokio::test]
async fn a_patch_that_never_fits_is_told_after_some_tries() {
    let (api, _issuer) = cluster(&json!([ours("NoSchedule")])).await;
    api.set_fault_of(NODES, Route::Patch, Fault::Status(422));
    let program = program(&api);
    until("a complaint", async || program.log().iter().any(|line| line.contains(COMPLAINT)).then_some(()))
        .await;
    assert!(api.traffic().patches_of("", NODE) >= 4);
}

#[cfg(feature = "eks-api")]
#[tokio::test]
async fn why_it_stays_is_logged_once_for_each_reason() {
    let (api, _issuer) = cluster(&json!([ours("NoSchedule")])).await;
    api.set_fault_of(NODES, Route::Patch, Fault::Status(403));
    let mut program = program(&api);
    let lines = |of: &str| program.log().into_iter().filter(|line| line.contains(of)).collect::<Vec<_>>();
    api.wait_for("three tries", |traffic| traffic.patches_of("", NODE) >= 3).await;
    until("a complaint", async || (!lines(COMPLAINT).is_empty()).then_some(())).await;
    let [forbidden] = &lines(COMPLAINT)[..] else { panic!("{:#?}", program.log()) };
    let right =
        "403 Forbidden: the test wants it so; the agent's ClusterRole must allow get and patch on nodes";
    assert!(forbidden.contains(" WARN ") && forbidden.contains(right), "{forbidden}");
    // Another reason is told too, and what is nobody's fault is not.
    api.set_fault_of(NODES, Route::Patch, Fault::Status(500));
    until("another reason", async || (lines(COMPLAINT).len() == 2).then_some(())).await;
    api.set_fault_of(NODES, Route::Patch, Fault::Status(422));
    let tried = api.traffic().patches_of("", NODE);
    api.wait_for("another try", |traffic| traffic.patches_of("", NODE) > tried).await;
    api.set_fault_of(NODES, Route::Patch, Fault::None);
    until("the end", async || (!lines("this node's startup taint is removed").is_empty()).then_some(()))
        .await;
    assert_eq!(lines(COMPLAINT).len(), 2);
    program.terminate();
    assert!(program.ended().await.success());
}

#[test]
fn a_flag_that_names_no_taint_or_no_node_is_refused_in_a_line() {
    let started = ["agent", "--cluster-name=prod"];
    for (flags, words) in [
        (
            &["--node-name=node-1", "--startup-taint=example.com/agent-not-ready:NoSchedule"][..],
            "expected a taint's key, such as example.com/agent-not-ready, without value and effect",
        ),
        (&["--node-name=../pods", FLAG], "expected the name of a node, a DNS subdomain in small letters"),
        (
            &["--node-name=", FLAG],
            "it is removed from this node alone; NODE_NAME of the environment is taken too",
        ),
    ] {
        let line = run(started.iter().chain(flags)).refused(2);
        assert!(line.ends_with(words), "{line}");
    }
}
