//! This project's own kind, whose object is the association.

use serde_json::{Value, json};

use super::super::objects::{ResourceStanding, judge_given};
use super::super::{Association, Existence, KIND, Kind};
use super::{read, with};
use crate::aws::ClusterName;

const ROLE: &str = "arn:aws:iam::123456789012:role/app";

fn own() -> &'static Kind {
    Kind::find("pod-identity-webhook.dev/v1alpha1", KIND).unwrap()
}

fn object() -> Value {
    json!({
        "metadata": { "namespace": "shop", "name": "orders" },
        "spec": { "roleArn": "arn:aws:iam::123456789012:role/app", "clusterName": null },
    })
}

#[test]
fn the_objects_own_name_is_the_accounts() {
    let association = read(own(), &object()).unwrap();
    assert_eq!(association.account.get().to_string(), "shop/orders");
    let roles = ["arn:aws:iam::123456789012:role/app".into()].into();
    assert_eq!((association.cluster, association.existence), (None, Existence::Given(roles)));
    // In a file an object need not say where it goes.
    let nowhere = with(object(), "/metadata/namespace", Value::Null);
    let there = Association::read(own(), &nowhere, "infra").unwrap();
    assert_eq!(there.account.get().to_string(), "infra/orders");
}

#[test]
fn the_longest_role_is_one() {
    let path = "p".repeat(510);
    let role = format!("arn:aws-us-gov:iam::123456789012:role/{path}/{}", "n".repeat(64));
    read(own(), &with(object(), "/spec/roleArn", json!(role))).unwrap();
}

#[test]
fn what_the_definition_would_refuse_does_not_count() {
    let error = |pointer: &str, value: Value| read(own(), &with(object(), pointer, value)).unwrap_err();
    let shape = "spec.roleArn is not the ARN of an IAM role: expected arn:PARTITION:iam::ACCOUNT:role/NAME";
    for role in [json!(""), json!("arn:aws:iam::123456789012:user/app")] {
        let said = error("/spec/roleArn", role);
        assert!(said.starts_with(shape), "{said}");
    }
    assert_eq!(error("/spec/roleArn", json!(7)), "a member of spec is not a string");
    let policy = json!({ "roleArn": ROLE, "policy": "{oops}", "disableSessionTags": true });
    let policy = error("/spec", policy);
    assert!(policy.starts_with("spec.policy is not a JSON object"), "{policy}");
    assert_eq!(error("/metadata/name", json!("A B")), "metadata.name is not a valid Kubernetes name");
    assert_eq!(
        error("/metadata/namespace", json!("a.b")),
        "metadata.namespace is not a valid Kubernetes name"
    );
}

#[test]
fn one_for_a_cluster_counts_there_alone() {
    let standing = |name: Value, cluster: Option<&str>| {
        let association = Association::read(own(), &with(object(), "/spec/clusterName", name), "").unwrap();
        let cluster = cluster.and_then(ClusterName::new);
        judge_given(&association, cluster.as_ref())
    };
    for (theirs, ours, counts) in [
        (Value::Null, None, true),
        (Value::Null, Some("prod"), true),
        (json!("prod"), Some("prod"), true),
        (json!("test"), Some("prod"), false),
        // Nobody has said which cluster this is.
        (json!("prod"), None, false),
    ] {
        let expected = if counts { ResourceStanding::Used } else { ResourceStanding::OtherCluster };
        assert_eq!(standing(theirs.clone(), ours), expected, "{theirs} on {ours:?}");
    }
}
