//! `associations`, verb by verb, against an API server that has what a cluster has.

pub mod cluster;
#[cfg(feature = "eks-api")]
mod eks;
mod export;
mod import;
mod refused;
mod written;

use serde_json::{Value, json};

use crate::support::program::run;
use cluster::{Cluster, OTHER, ROLE};

/// Two associations of shop, and one of another namespace.
fn three() -> Cluster {
    let cluster = Cluster::start();
    cluster.put(
        "shop",
        "orders",
        &json!({"roleArn": ROLE, "targetRoleArn": OTHER, "tags": {"team": "shop"}}),
    );
    cluster.put("shop", "invoices", &json!({"roleArn": ROLE, "later": true}));
    cluster.put("other", "orders", &json!({"roleArn": OTHER, "clusterName": "test"}));
    cluster.change("shop", "orders", |object| {
        object["metadata"]["labels"] = json!({"app": "orders"});
        object["metadata"]["annotations"] =
            json!({"a": "b", "pod-identity-webhook.dev/create-request": "x", "kubectl.kubernetes.io/last-applied-configuration": "{}"});
        object["status"] = json!({
            "associationArn": "arn:aws:eks:eu-west-1:111122223333:podidentityassociation/prod/a-1",
            "conditions": [{"type": "Accepted", "status": "False", "reason": "RoleDenied", "message": "the role policy does not allow it", "observedGeneration": 1}],
        });
    });
    cluster
}

#[test]
fn a_list_is_a_table_of_the_namespace_or_of_all() {
    let cluster = three();
    let text = cluster.run(&["list"]).printed();
    let mut lines = text.lines();
    let heading = lines.next().unwrap();
    assert_eq!(
        heading.split_whitespace().collect::<Vec<_>>(),
        ["NAME", "ROLE", "TARGET", "ACCEPTED", "AGE", "ID"]
    );
    let rows: Vec<Vec<_>> = lines.map(|line| line.split_whitespace().collect()).collect();
    assert_eq!(rows[0][..4], ["invoices", ROLE, "<none>", "<unknown>"]);
    assert_eq!(rows[1][..4], ["orders", ROLE, OTHER, "False"]);
    assert!(rows[1][4].ends_with('d') && rows[1][5].starts_with("a-") && rows.len() == 2, "{text}");
    assert_eq!(heading.find("ROLE"), text.lines().nth(1).unwrap().find("arn:"));
    let text = cluster.run(&["list", "-A"]).printed();
    let first: Vec<_> = text.lines().map(|line| line.split_whitespace().next().unwrap()).collect();
    assert_eq!(first, ["NAMESPACE", "other", "shop", "shop"]);
    let names = cluster.run(&["list", "-n", "other", "-o", "name"]).printed();
    assert_eq!(names, "podidentityassociation.pod-identity-webhook.dev/orders\n");
}

#[test]
fn a_list_for_programs_is_a_list_of_whole_objects() {
    let cluster = three();
    let text = cluster.run(&["list", "-A", "-o", "json"]).printed();
    let list: Value = serde_json::from_str(&text).unwrap();
    assert_eq!((&list["kind"], &list["apiVersion"]), (&json!("List"), &json!("v1")));
    let orders = &list["items"][2];
    assert_eq!(orders["kind"], "PodIdentityAssociation");
    assert_eq!(orders["status"]["conditions"][0]["reason"], "RoleDenied");
    assert_eq!(orders["metadata"]["uid"], "uid-shop-orders");
    assert_eq!(orders["metadata"].get("managedFields"), None);
    let yaml = cluster.run(&["list", "-A", "-o", "yaml"]).printed();
    assert_eq!(manifests::parse(&yaml).unwrap().documents()[0].value(), &list);
}

#[test]
fn nothing_is_said_aside_and_is_no_failure() {
    let cluster = Cluster::start();
    for (args, said) in [
        (&["list"][..], "no associations found in namespace shop"),
        (&["list", "-A"], "no associations found"),
        (&["export", "-n", "other"], "no associations found in namespace other"),
    ] {
        let run = cluster.run(args);
        assert_eq!((run.code, run.stdout.as_str()), (0, ""), "{}", run.stderr);
        assert_eq!(run.stderr, format!("pod-identity-webhook: {said}\n"));
    }
    let list: Value = serde_json::from_str(&cluster.run(&["list", "-o", "json"]).printed()).unwrap();
    assert_eq!(list["items"], json!([]));
}

#[test]
fn an_association_is_described_with_what_the_webhook_says_of_it() {
    let cluster = three();
    let text = cluster.run(&["describe", "orders"]).printed();
    let line = |heading: &str| {
        let line = text.lines().find_map(|line| line.strip_prefix(&format!("{heading}:")));
        line.expect(&text).trim().to_owned()
    };
    assert_eq!(
        (line("Name"), line("Namespace"), line("Role")),
        ("orders".into(), "shop".into(), ROLE.into())
    );
    assert_eq!((line("Target Role"), line("Session Tags")), (OTHER.into(), "enabled".into()));
    assert_eq!(
        (line("Policy"), line("Cluster"), line("Tags")),
        ("<none>".into(), "<any>".into(), "team=shop".into())
    );
    assert_eq!(line("External ID").len(), 32);
    assert!(line("ARN").ends_with("podidentityassociation/prod/a-1"));
    assert!(
        line("Created").starts_with("2026-01-02T03:04:05Z (")
            && line("Modified").starts_with("2026-01-02T03:04:06Z (")
    );
    assert_eq!(line("Accepted"), "False (RoleDenied): the role policy does not allow it");
    // The status is of what it said before.
    cluster.change("shop", "orders", |object| object["metadata"]["generation"] = json!(2));
    let text = cluster.run(&["describe", "orders"]).printed();
    assert!(text.contains("False (RoleDenied), of what it said before the last change: "), "{text}");
    let text = cluster.run(&["describe", "orders", "invoices"]).printed();
    assert!(text.contains("\n\nName:          invoices\n"), "{text}");
    assert!(text.contains("Accepted:      <unknown>: no webhook has looked at it yet; "), "{text}");
    let object: Value =
        serde_json::from_str(&cluster.run(&["describe", "orders", "-o", "json"]).printed()).unwrap();
    assert_eq!(
        (&object["kind"], &object["spec"]["roleArn"]),
        (&json!("PodIdentityAssociation"), &json!(ROLE))
    );
}

#[test]
fn one_that_is_not_there_is_said_beside_those_that_are() {
    let cluster = three();
    let run = cluster.run(&["describe", "orders", "missing", "-o", "yaml"]);
    assert!(
        run.code == 1 && run.stdout.starts_with("apiVersion: pod-identity-webhook.dev/v1alpha1\n"),
        "{}",
        run.stdout
    );
    let said = "pod-identity-webhook: association shop/missing not found: 'associations list -n shop' shows those that there are\n";
    assert_eq!(run.stderr, said);
}

#[test]
fn the_definition_is_printed_without_a_cluster() {
    let text = run(["associations", "definition"]).printed();
    assert_eq!(text, include_str!("../../../charts/pod-identity-webhook/files/podidentityassociations.yaml"));
    assert_eq!(manifests::parse(&text).unwrap().documents()[0].value()["kind"], "CustomResourceDefinition");
}
