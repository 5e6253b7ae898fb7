//! What `export` prints.

use std::process::Command;

use serde_json::{Value, json};

use super::cluster::{OTHER, ROLE};
use super::three;

#[test]
fn manifests_are_those_that_another_cluster_takes() {
    let cluster = three();
    let text = cluster.run(&["export", "-A"]).printed();
    let stream = manifests::parse(&text).unwrap();
    let manifests: Vec<_> = stream.documents().iter().map(manifests::Document::value).collect();
    let manifest = |namespace: &str, name: &str, spec: Value| {
        json!({
            "apiVersion": "pod-identity-webhook.dev/v1alpha1", "kind": "PodIdentityAssociation",
            "metadata": {"name": name, "namespace": namespace}, "spec": spec,
        })
    };
    let mut orders = manifest(
        "shop",
        "orders",
        json!({"roleArn": ROLE, "targetRoleArn": OTHER, "tags": {"team": "shop"}}),
    );
    orders["metadata"]["labels"] = json!({"app": "orders"});
    orders["metadata"]["annotations"] = json!({"a": "b"});
    let expected = [
        manifest("other", "orders", json!({"roleArn": OTHER, "clusterName": "test"})),
        manifest("shop", "invoices", json!({"roleArn": ROLE, "later": true})),
        orders,
    ];
    assert_eq!(manifests, expected.iter().collect::<Vec<_>>());
    let list: Value =
        serde_json::from_str(&cluster.run(&["export", "-n", "other", "-o", "json"]).printed()).unwrap();
    assert_eq!(list, json!({"apiVersion": "v1", "kind": "List", "items": [expected[0]]}));
}

#[test]
fn commands_are_words_of_a_shell_whatever_the_values_hold() {
    let cluster = three();
    let (policy, tag) = (r#"{"a": "it's $(touch x) `touch x` \\ \""}"#, "'; touch x; '\n$HOME");
    let spec = json!({"roleArn": ROLE, "disableSessionTags": true, "policy": policy, "tags": {"k": tag}});
    cluster.put("shop", "orders", &spec);
    let run = cluster.run(&["export", "-A", "-o", "aws", "--cluster-name=prod"]);
    assert_eq!(run.code, 0, "{}", run.stderr);
    assert_eq!(
        run.stderr,
        "pod-identity-webhook: association other/orders is left out: it counts on the cluster test only\n"
    );
    // An `aws` that prints its arguments, each with a NUL behind it.
    let folder = tempfile::TempDir::new().unwrap();
    let script = format!("aws() {{ printf '%s\\0' \"$@\"; }}\n{}", run.stdout);
    let output = Command::new("sh").args(["-e", "-c", &script]).current_dir(folder.path()).output().unwrap();
    assert!(output.status.success() && output.stderr.is_empty(), "{output:?}");
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
    let text = String::from_utf8(output.stdout).unwrap();
    let words: Vec<_> = text.split_terminator('\0').collect();
    let tags = json!({"k": tag}).to_string();
    let call = |name: &'static str| {
        [
            "eks",
            "create-pod-identity-association",
            "--cluster-name",
            "prod",
            "--namespace",
            "shop",
            "--service-account",
            name,
            "--role-arn",
            ROLE,
        ]
    };
    let more = ["--policy", policy, "--tags", &tags, "--disable-session-tags"];
    assert_eq!(words, [&call("invoices")[..], &call("orders")[..], &more[..]].concat());
}

#[test]
fn resources_of_terraform_are_printed_and_what_eks_would_refuse_is_not() {
    let cluster = three();
    cluster.put("shop", "invoices", &json!({"roleArn": "none"}));
    let run = cluster.run(&["export", "-o", "terraform", "--cluster-name=prod"]);
    assert_eq!(run.code, 1);
    assert!(
        run.stderr.starts_with(
            "pod-identity-webhook: association shop/invoices is left out, because EKS would refuse it: roleArn is not"
        ),
        "{}",
        run.stderr
    );
    let expected = format!(
        "resource \"aws_eks_pod_identity_association\" \"shop_orders\" {{\n  cluster_name    = \"prod\"\n  namespace       = \
         \"shop\"\n  service_account = \"orders\"\n  role_arn        = \"{ROLE}\"\n  target_role_arn = \"{OTHER}\"\n\n  tags = {{\n    \
         \"team\" = \"shop\"\n  }}\n}}\n"
    );
    assert_eq!(run.stdout, expected);
}

#[test]
fn one_that_cannot_be_read_is_named_and_an_export_without_it_is_no_success() {
    let cluster = three();
    cluster.put("shop", "bad", &serde_json::json!({"roleArn": 1}));
    let said = "pod-identity-webhook: association shop/bad is left out, because it cannot be read: its spec is not of the shape \
                that the definition has\n";
    for (args, code) in [(["list", "-o", "name"], 0), (["export", "-o", "json"], 1)] {
        let run = cluster.run(&args);
        assert_eq!((run.code, run.stderr.as_str()), (code, said));
        assert!(run.stdout.contains("orders") && run.stdout.contains("invoices"), "{}", run.stdout);
    }
}
