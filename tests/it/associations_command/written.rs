//! What `create`, `update` and `delete` write, and that dry runs write nothing.

use serde_json::{Value, json};

use super::cluster::{Cluster, OTHER, ROLE};
use super::three;
use crate::support::program::run_with;

const POLICY: &str = r#"{"Version": "2012-10-17", "Statement": []}"#;

fn create(more: &[&str]) -> Vec<String> {
    let role = format!("--role-arn={ROLE}");
    ["create", "orders", &role].iter().chain(more).map(|arg| (*arg).to_owned()).collect()
}

fn run(cluster: &Cluster, args: &[String]) -> crate::support::program::Run {
    cluster.run(&args.iter().map(String::as_str).collect::<Vec<_>>())
}

#[test]
fn an_association_is_made_of_all_flags() {
    let cluster = Cluster::start();
    let folder = tempfile::TempDir::new().unwrap();
    let file = folder.path().join("policy.json");
    std::fs::write(&file, format!("\n{POLICY}\n")).unwrap();
    let (target, file) = (format!("--target-role-arn={OTHER}"), format!("--policy-file={}", file.display()));
    let args = [
        "-n",
        "other",
        &target,
        "--disable-session-tags",
        &file,
        "--tag",
        "a=b=c",
        "--tag=d=",
        "--cluster-name=prod",
    ];
    let text = run(&cluster, &create(&args)).printed();
    assert_eq!(text, "podidentityassociation.pod-identity-webhook.dev/orders created\n");
    let expected = json!({
        "roleArn": ROLE, "targetRoleArn": OTHER, "disableSessionTags": true, "policy": POLICY,
        "tags": {"a": "b=c", "d": ""}, "clusterName": "prod",
    });
    assert_eq!(cluster.spec("other", "orders"), expected);
    // The context's namespace counts where none is named, and standard input is a file too.
    let args = create(&["--disable-session-tags=true", "--policy-file=-", "-o", "name"]);
    let args: Vec<_> = args.iter().map(String::as_str).collect();
    let text = cluster.run_with(&args, &[], POLICY).printed();
    assert_eq!(text, "podidentityassociation.pod-identity-webhook.dev/orders\n");
    assert_eq!(cluster.spec("shop", "orders")["policy"], POLICY);
}

#[test]
fn a_dry_run_of_the_server_writes_nothing() {
    let cluster = Cluster::start();
    let text = run(&cluster, &create(&["--dry-run=server"])).printed();
    assert_eq!(text, "podidentityassociation.pod-identity-webhook.dev/orders created (server dry run)\n");
    assert_eq!(cluster.calls(), ["create namespaces/shop/podidentityassociations dry"]);
    assert_eq!(cluster.spec("shop", "orders"), Value::Null);
    let cluster = three();
    let text = cluster.run(&["update", "orders", "--tag=x=y", "--dry-run=server", "-o", "json"]).printed();
    let object: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(object["spec"]["tags"], json!({"team": "shop", "x": "y"}));
    let text = cluster.run(&["delete", "orders", "--dry-run=server"]).printed();
    assert_eq!(text, "podidentityassociation.pod-identity-webhook.dev/orders deleted (server dry run)\n");
    assert_eq!(cluster.spec("shop", "orders")["tags"], json!({"team": "shop"}));
}

#[test]
fn a_dry_run_of_the_client_asks_nobody() {
    let cluster = Cluster::start();
    let text = run(&cluster, &create(&["--dry-run=client", "-o", "yaml"])).printed();
    let expected = format!(
        "apiVersion: pod-identity-webhook.dev/v1alpha1\nkind: PodIdentityAssociation\nmetadata:\n  name: orders\n  \
         namespace: shop\nspec:\n  roleArn: {ROLE}\n"
    );
    assert_eq!(text, expected);
    assert_eq!(cluster.calls(), [""; 0]);
    // There need not be a cluster.
    let args = create(&["--dry-run=client", "-o", "yaml"]);
    let args: Vec<_> = ["associations".to_owned()].into_iter().chain(args).collect();
    let alone = run_with(args, &[("HOME", "/nowhere")], b"").printed();
    assert_eq!(alone, expected.replace("shop", "default"));
    let cluster = three();
    let text = cluster.run(&["update", "orders", "--tag=x=y", "--dry-run=client"]).printed();
    assert_eq!(text, "podidentityassociation.pod-identity-webhook.dev/orders updated (dry run)\n");
    let text = cluster.run(&["delete", "orders", "--dry-run=client"]).printed();
    assert_eq!(text, "podidentityassociation.pod-identity-webhook.dev/orders deleted (dry run)\n");
    assert!(cluster.calls().iter().all(|call| call.starts_with("get ")));
}

#[test]
fn an_update_changes_what_is_named_and_keeps_the_rest() {
    let cluster = three();
    let text =
        cluster.run(&["update", "orders", "--target-role-arn=", "--tag=a=b", "--remove-tag=team"]).printed();
    assert_eq!(text, "podidentityassociation.pod-identity-webhook.dev/orders updated\n");
    assert_eq!(cluster.spec("shop", "orders"), json!({"roleArn": ROLE, "tags": {"a": "b"}}));
    // What a later version of the definition has stays too.
    cluster.run(&["update", "invoices", &format!("--role-arn={OTHER}")]).printed();
    assert_eq!(cluster.spec("shop", "invoices"), json!({"later": true, "roleArn": OTHER}));
    cluster.run(&["update", "orders", "-n", "other", "--cluster-name="]).printed();
    assert_eq!(cluster.spec("other", "orders"), json!({"roleArn": OTHER}));
    let (policy, args) =
        (format!("--policy={POLICY}"), ["update", "orders", "-n", "other", "--disable-session-tags"]);
    cluster.run(&[&args[..], &[&policy]].concat()).printed();
    cluster.calls();
    let text = cluster.run(&[&args[..], &[&policy]].concat()).printed();
    assert_eq!(text, "podidentityassociation.pod-identity-webhook.dev/orders unchanged\n");
    assert_eq!(cluster.calls(), ["get namespaces/other/podidentityassociations/orders"]);
}

#[test]
fn an_update_that_somebody_else_outruns_is_made_of_what_is_there_then() {
    let cluster = three();
    cluster.lock().conflicts = 2;
    cluster.run(&["update", "orders", "--tag=mine=x"]).printed();
    let tags = cluster.spec("shop", "orders")["tags"].as_object().unwrap().len();
    assert_eq!(tags, 4, "the team's, mine and two of another");
    cluster.lock().conflicts = 100;
    let line = cluster.run(&["update", "orders", "--tag=mine=y"]).refused(1);
    let expected = "failed to update association shop/orders: the object has been modified; somebody else changes it at the same time: try again";
    assert_eq!(line, expected);
}

#[test]
fn associations_are_deleted_each_for_itself() {
    let cluster = three();
    let run = cluster.run(&["delete", "missing", "orders"]);
    assert_eq!(run.code, 1);
    assert_eq!(run.stdout, "podidentityassociation.pod-identity-webhook.dev/orders deleted\n");
    assert!(run.stderr.contains("association shop/missing not found: "), "{}", run.stderr);
    assert_eq!(cluster.spec("shop", "orders"), Value::Null);
    assert_eq!(cluster.spec("other", "orders")["roleArn"], OTHER);
    assert_eq!(cluster.run(&["delete", "missing", "--ignore-not-found"]).printed(), "");
    cluster.lock().conflicts = 1;
    cluster.run(&["delete", "invoices"]).printed();
    assert_eq!(cluster.spec("shop", "invoices"), Value::Null);
}

#[test]
fn what_the_api_server_warns_of_is_said_aside() {
    let cluster = Cluster::start();
    cluster.lock().warning = Some("the role policy does not allow it");
    let run = cluster.run(&["create", "new", &format!("--role-arn={ROLE}")]);
    assert!(run.code == 0 && run.stdout.ends_with("/new created\n"), "{}", run.stdout);
    assert_eq!(run.stderr, "pod-identity-webhook: warning: the role policy does not allow it\n");
}
