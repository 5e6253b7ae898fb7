use injection::policy::PolicyMode;
use k8s_openapi::jiff::Timestamp;
use serde_json::{Value, json};

use super::queue::{GAP, MOST, Pause, Queue, REST, TRUCE};
use super::status::{Circumstances, patch};
use crate::association::Association;
use crate::aws::ClusterName;
use crate::role_policy::{Snapshot, parse};

const ROLE: &str = "arn:aws:iam::123456789012:role/app";
const POLICY: &str = "rules:\n- namespaces: [shop]\n  roles: ['arn:aws:iam::123456789012:role/app']\n";

fn object(spec: &Value) -> Value {
    json!({
        "metadata": {
            "namespace": "shop", "name": "orders", "uid": "u-1", "resourceVersion": "7", "generation": 3,
            "creationTimestamp": "2026-01-02T03:04:05Z",
        },
        "spec": spec,
    })
}

fn circumstances(cluster: Option<&str>) -> Circumstances {
    Circumstances { cluster: cluster.and_then(ClusterName::new), region: Some("eu-west-1".to_owned()) }
}

fn policy(mode: PolicyMode) -> Snapshot {
    Snapshot::new(parse(POLICY.as_bytes()).unwrap(), mode, "/etc/policy.yaml")
}

/// A policy that allows no role, and only warns.
fn warning() -> Snapshot {
    Snapshot::new(parse(b"rules: []\n").unwrap(), PolicyMode::Warn, "/etc/policy.yaml")
}

fn now() -> Timestamp {
    "2026-02-03T04:05:06.789Z".parse().unwrap()
}

/// The patch for an object, and the object with its status patched.
fn patched(mut object: Value, cluster: Option<&str>, policy: Option<&Snapshot>) -> Value {
    let patch = patch(&Association::read(object.clone()).unwrap(), &circumstances(cluster), policy, now());
    let patch = patch.expect("something to write");
    assert_eq!(patch["metadata"], json!({"resourceVersion": "7"}));
    json_patch::merge(&mut object, &patch);
    let again = Association::read(object.clone()).unwrap();
    assert_eq!(super::status::patch(&again, &circumstances(cluster), policy, now()), None, "{object}");
    object
}

/// Status, reason and message of the condition.
fn condition(object: &Value) -> (&str, &str, &str) {
    let condition = &object["status"]["conditions"][0];
    let text = |member: &str| condition[member].as_str().unwrap();
    (text("status"), text("reason"), text("message"))
}

#[test]
fn a_new_association_gets_its_ids() {
    let target = "arn:aws:iam::210987654321:role/other";
    let object = patched(object(&json!({"roleArn": ROLE, "targetRoleArn": target})), Some("prod"), None);
    let status = &object["status"];
    let id = status["associationId"].as_str().unwrap();
    assert_eq!(
        status["associationArn"],
        format!("arn:aws:eks:eu-west-1:123456789012:podidentityassociation/prod/{id}")
    );
    assert_eq!(status["externalId"].as_str().unwrap().len(), 32);
    assert_eq!(status["observedGeneration"], 3);
    assert_eq!(
        condition(&object),
        ("True", "Accepted", "pods of ServiceAccount shop/orders get it when they are made")
    );
    assert_eq!(status["conditions"][0]["lastTransitionTime"], "2026-02-03T04:05:06Z");
}

#[test]
fn an_association_whose_sessions_cannot_have_the_tags_that_it_asks_for_says_so() {
    let target = "arn:aws:iam::210987654321:role/other";
    let told = "; the pods' sessions have no session tags, which STS sets for a target role alone: set disableSessionTags to \
                true to say that they need none, or give a targetRoleArn, whose sessions have them";
    for (spec, is_told) in [
        (json!({"roleArn": ROLE}), true),
        (json!({"roleArn": ROLE, "disableSessionTags": false}), true),
        (json!({"roleArn": ROLE, "disableSessionTags": true}), false),
        (json!({"roleArn": ROLE, "targetRoleArn": target}), false),
        (json!({"roleArn": ROLE, "targetRoleArn": target, "disableSessionTags": true}), false),
    ] {
        let before = "pods of ServiceAccount shop/orders get it when they are made";
        let message = format!("{before}{}", if is_told { told } else { "" });
        let object = patched(object(&spec), None, None);
        assert_eq!(condition(&object), ("True", "Accepted", message.as_str()), "{spec}");
        // A policy that only warns says so too.
        let warned = patched(object, None, Some(&warning()));
        assert_eq!(condition(&warned).1, "RoleNotAllowedYet");
        assert_eq!(condition(&warned).2.ends_with(told), is_told, "{warned}");
    }
    // What gets nothing has no sessions.
    let elsewhere = patched(object(&json!({"roleArn": ROLE, "clusterName": "test"})), Some("prod"), None);
    assert_eq!(condition(&elsewhere).2, "it is for the cluster test, and this one is prod");
}

#[test]
fn what_is_not_known_or_not_there_is_left_out() {
    let object = patched(object(&json!({"roleArn": ROLE})), None, None);
    let status = object["status"].as_object().unwrap();
    assert!(!status.contains_key("associationArn") && !status.contains_key("externalId"), "{object}");
}

#[test]
fn a_condition_says_why_an_association_does_not_count() {
    let one = |spec: Value, cluster| patched(object(&spec), cluster, Some(&policy(PolicyMode::Enforce)));
    let (good, test) = (json!({"roleArn": ROLE}), json!({"roleArn": ROLE, "clusterName": "test"}));
    assert_eq!(condition(&one(good, Some("prod"))).0, "True");
    assert_eq!(
        condition(&one(test.clone(), Some("prod"))),
        ("False", "OtherCluster", "it is for the cluster test, and this one is prod")
    );
    let unknown = one(test, None);
    assert_eq!(condition(&unknown).1, "ClusterUnknown");
    assert!(condition(&unknown).2.ends_with("set its flag --eks-cluster-name"));
    let bad = json!({"roleArn": ROLE, "policy": "{oops}", "disableSessionTags": true});
    let bad = one(bad, None);
    assert_eq!(condition(&bad).1, "Invalid");
    assert!(condition(&bad).2.starts_with("policy is not a JSON object"), "{bad}");
}

#[test]
fn a_role_that_the_policy_forbids_is_told_whichever_it_is() {
    let admin = "arn:aws:iam::123456789012:role/admin";
    for spec in [json!({"roleArn": admin}), json!({"roleArn": ROLE, "targetRoleArn": admin})] {
        let denied = patched(object(&spec), None, Some(&policy(PolicyMode::Enforce)));
        let (status, reason, message) = condition(&denied);
        assert_eq!((status, reason), ("False", "RoleNotAllowed"));
        assert_eq!(
            message,
            format!(
                "the role policy /etc/policy.yaml does not allow \"{admin}\" for ServiceAccount shop/orders: rules[0] \
                 names the ServiceAccount but not this role; use a role that the policy allows, or allow this one in it"
            )
        );
        let warned = patched(object(&spec), None, Some(&policy(PolicyMode::Warn)));
        assert_eq!((condition(&warned).0, condition(&warned).1), ("True", "RoleNotAllowedYet"));
    }
}

#[test]
fn others_conditions_and_the_time_of_the_last_change_stay() {
    let mut object = patched(object(&json!({"roleArn": ROLE})), None, None);
    let conditions = object["status"]["conditions"].as_array_mut().unwrap();
    conditions[0]["lastTransitionTime"] = json!("2025-01-01T00:00:00Z");
    conditions.insert(0, json!({"type": "Seen", "status": "True"}));
    object["metadata"]["generation"] = json!(4);
    let after = patched(object, None, None);
    let conditions = after["status"]["conditions"].as_array().unwrap();
    assert_eq!(conditions.len(), 2);
    assert_eq!(conditions[0]["type"], "Seen");
    assert_eq!(conditions[1]["lastTransitionTime"], "2025-01-01T00:00:00Z");
    assert_eq!(conditions[1]["observedGeneration"], 4);
}

#[tokio::test(start_paused = true)]
async fn what_another_replica_has_written_is_not_written_again() {
    let mut queue = Queue::default();
    queue.set("shop", "orders", Some(json!(1)));
    queue.set("shop", "cart", Some(json!(2)));
    queue.set("shop", "orders", None);
    let (key, patch) = queue.pop().unwrap();
    assert_eq!((key.1.as_str(), patch), ("cart", json!(2)));
    assert!(queue.pop().is_none() && queue.next_due().is_none());
}

#[tokio::test(start_paused = true)]
async fn replicas_that_differ_do_not_write_against_each_other_without_an_end() {
    let mut queue = Queue::default();
    queue.set("shop", "orders", Some(json!(1)));
    let (key, patch) = queue.pop().unwrap();
    queue.written(key.0, key.1, &patch);
    // The other replica has changed it back.
    queue.set("shop", "orders", Some(json!(1)));
    let wait = queue.next_due().unwrap() - tokio::time::Instant::now();
    assert!(wait >= REST, "{wait:?}");
    // What it says then is what counts, and it is not put off further.
    queue.set("shop", "orders", Some(json!(3)));
    assert_eq!(queue.next_due().unwrap() - tokio::time::Instant::now(), wait);
    assert_eq!(queue.pop().unwrap().1, json!(3));
}

#[tokio::test(start_paused = true)]
async fn whoever_writes_against_this_replica_for_good_is_left_alone() {
    let mut queue = Queue::default();
    for _ in 0..MOST {
        assert!(!queue.set("shop", "orders", Some(json!(1))));
        tokio::time::advance(queue.next_due().unwrap() - tokio::time::Instant::now()).await;
        let (key, patch) = queue.pop().unwrap();
        queue.written(key.0, key.1, &patch);
    }
    assert!(queue.set("shop", "orders", Some(json!(1))));
    assert!(queue.next_due().unwrap() - tokio::time::Instant::now() >= TRUCE);
    assert!(!queue.set("shop", "cart", Some(json!(2))), "others are written");
}

#[tokio::test(start_paused = true)]
async fn whoever_changes_an_association_often_is_no_adversary() {
    let mut queue = Queue::default();
    for generation in 0..3 * MOST {
        let condition = json!({"type": "Accepted", "lastTransitionTime": "2026-01-02T03:04:05Z"});
        let status = json!({"observedGeneration": generation, "conditions": [condition]});
        assert!(!queue.set("shop", "orders", Some(json!({"status": status}))), "{generation}");
        let wait = queue.next_due().unwrap() - tokio::time::Instant::now();
        assert!(wait <= 2 * REST, "{wait:?}");
        tokio::time::advance(wait).await;
        let ((namespace, name), patch) = queue.pop().unwrap();
        queue.written(namespace, name, &patch);
    }
}

#[tokio::test(start_paused = true)]
async fn a_status_that_others_undo_is_the_same_whenever_it_is_written() {
    let mut queue = Queue::default();
    for second in 0..MOST {
        let condition =
            json!({"type": "Accepted", "lastTransitionTime": format!("2026-01-02T03:04:0{second}Z")});
        let (metadata, status) = (json!({"resourceVersion": second}), json!({"conditions": [condition]}));
        let patch = json!({"metadata": metadata, "status": status});
        assert!(!queue.set("shop", "orders", Some(patch)));
        tokio::time::advance(queue.next_due().unwrap() - tokio::time::Instant::now()).await;
        let ((namespace, name), patch) = queue.pop().unwrap();
        queue.written(namespace, name, &patch);
    }
    let condition = json!({"type": "Accepted", "lastTransitionTime": "2026-01-02T03:05:00Z"});
    assert!(queue.set("shop", "orders", Some(json!({"status": {"conditions": [condition]}}))));
    // Another status is not put off with it.
    assert!(!queue.set("shop", "orders", Some(json!({"status": {"observedGeneration": 2}}))));
    assert!(queue.next_due().unwrap() - tokio::time::Instant::now() <= 2 * REST);
}

#[tokio::test(start_paused = true)]
async fn failures_pause_all_writes_and_the_longer_the_more_there_are() {
    let mut queue = Queue::default();
    let wait = |queue: &Queue| queue.next_due().unwrap() - tokio::time::Instant::now();
    for name in ["a", "b", "c"] {
        queue.set("shop", name, Some(json!(name)));
    }
    let mut waits = Vec::new();
    for _ in 0..12 {
        tokio::time::advance(wait(&queue)).await;
        let ((namespace, name), patch) = queue.pop().unwrap();
        queue.failed(namespace, name, patch, Pause::Growing);
        waits.push(wait(&queue).as_secs_f64());
    }
    assert!(waits[0] <= 1.0 && waits[11] > 100.0 && waits[11] <= 300.0, "{waits:?}");
    let ((namespace, name), patch) = queue.pop().unwrap();
    queue.written(namespace.clone(), name.clone(), &patch);
    queue.failed(namespace, name, patch, Pause::Growing);
    assert!(wait(&queue).as_secs_f64() <= 1.0, "a success ends it");
    let ((namespace, name), patch) = queue.pop().unwrap();
    queue.failed(namespace, name, patch, Pause::For(TRUCE));
    assert!(wait(&queue) >= TRUCE / 2);
}

#[tokio::test(start_paused = true)]
async fn writes_keep_a_distance() {
    let mut queue = Queue::default();
    for name in ["a", "b"] {
        queue.set("shop", name, Some(json!(name)));
    }
    tokio::time::advance(REST).await;
    queue.pop().unwrap();
    assert_eq!(queue.next_due().unwrap() - tokio::time::Instant::now(), GAP);
}
