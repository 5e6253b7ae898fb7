//! What `import` makes of files and of a controller's resources.

use std::path::Path;

use serde_json::{Value, json};

use super::cluster::{Cluster, OTHER, ROLE};
use crate::support::program::Run;

/// An association as the EKS API has it.
fn of_eks(cluster: &str, namespace: &str, account: &str, role: &str) -> Value {
    json!({
        "clusterName": cluster, "namespace": namespace, "serviceAccount": account, "roleArn": role, "associationId": "a-1",
        "tags": {"aws:cloudformation:stack-name": "s", "team": "t"}, "createdAt": 1.5, "disableSessionTags": false,
    })
}

fn files(all: &[(&str, &str)]) -> tempfile::TempDir {
    let folder = tempfile::TempDir::new().unwrap();
    for (name, text) in all {
        std::fs::write(folder.path().join(name), text).unwrap();
    }
    folder
}

fn import(cluster: &Cluster, path: &Path, more: &[&str]) -> Run {
    cluster.run(&[&["import", "--from-file", path.to_str().unwrap()], more].concat())
}

/// The last line on standard error, without the program's name.
fn summary(run: &Run) -> &str {
    run.stderr.lines().last().unwrap().strip_prefix("pod-identity-webhook: ").unwrap()
}

#[test]
fn every_format_of_a_folder_is_read() {
    let ack = format!(
        "apiVersion: eks.services.k8s.aws/v1alpha1\nkind: PodIdentityAssociation\nmetadata: {{name: x, namespace: infra}}\nspec:\n  \
         clusterName: prod\n  namespace: shop\n  serviceAccount: of-ack\n  roleARN: {ROLE}\n---\napiVersion: v1\nkind: ConfigMap\n"
    );
    let crossplane = format!(
        "apiVersion: eks.aws.upbound.io/v1beta1\nkind: PodIdentityAssociation\nmetadata: {{name: x}}\nspec:\n  forProvider:\n    \
         namespace: shop\n    serviceAccount: of-crossplane\n    roleArn: {ROLE}\n    disableSessionTags: true\n"
    );
    let own = format!(
        "apiVersion: v1\nkind: List\nitems:\n- apiVersion: pod-identity-webhook.dev/v1alpha1\n  kind: PodIdentityAssociation\n  \
         metadata: {{name: own}}\n  spec: {{roleArn: '{ROLE}', clusterName: prod}}\n"
    );
    let described = json!({"association": of_eks("prod", "other", "of-eks", OTHER)});
    // One after the other, as a loop over the AWS CLI prints them.
    let described =
        format!("{described:#}\n{:#}\n", json!({"association": of_eks("prod", "other", "second", OTHER)}));
    let folder = files(&[
        ("a.yaml", ack.as_str()),
        ("b.yml", &crossplane),
        ("c.yaml", &own),
        ("d.json", &described),
        ("e.txt", "not read: {"),
    ]);
    let cluster = Cluster::start();
    let run = import(&cluster, folder.path(), &[]);
    assert_eq!(
        (run.code, summary(&run)),
        (0, "5 created, 0 unchanged, 0 updated, 0 different, 0 failed"),
        "{}",
        run.stderr
    );
    let expected = "association shop/of-ack created\nassociation shop/of-crossplane created\nassociation shop/own created\n\
                    association other/of-eks created\nassociation other/second created\n";
    assert_eq!(run.stdout, expected);
    assert_eq!(cluster.spec("shop", "of-ack"), json!({"roleArn": ROLE}));
    assert_eq!(cluster.spec("shop", "of-crossplane"), json!({"roleArn": ROLE, "disableSessionTags": true}));
    assert_eq!(cluster.spec("shop", "own"), json!({"roleArn": ROLE, "clusterName": "prod"}));
    assert_eq!(cluster.spec("other", "of-eks"), json!({"roleArn": OTHER, "tags": {"team": "t"}}));
    // The same again changes nothing.
    cluster.calls();
    let run = import(&cluster, folder.path(), &[]);
    assert_eq!((run.code, summary(&run)), (0, "0 created, 5 unchanged, 0 updated, 0 different, 0 failed"));
    assert_eq!(cluster.calls(), ["list podidentityassociations"]);
}

#[test]
fn one_that_says_something_else_is_left_alone_unless_it_is_to_be_overwritten() {
    let cluster = Cluster::start();
    cluster.put(
        "shop",
        "orders",
        &json!({"roleArn": OTHER, "tags": {"team": "t"}, "clusterName": "here", "later": 1}),
    );
    let input = of_eks("prod", "shop", "orders", ROLE).to_string();
    let folder = files(&[("x.json", &input)]);
    let run = import(&cluster, folder.path(), &[]);
    assert_eq!(run.stdout, "association shop/orders left alone: it differs in roleArn\n");
    assert_eq!(
        (run.code, summary(&run)),
        (0, "0 created, 0 unchanged, 0 updated, 1 different (--overwrite changes them), 0 failed")
    );
    let run = import(&cluster, folder.path(), &["--overwrite", "--dry-run=server"]);
    assert_eq!(run.stdout, "association shop/orders updated (server dry run)\n");
    assert_eq!(cluster.spec("shop", "orders")["roleArn"], OTHER);
    cluster.lock().conflicts = 1;
    let run = import(&cluster, folder.path(), &["--overwrite"]);
    assert_eq!((run.code, run.stdout.as_str()), (0, "association shop/orders updated\n"));
    // EKS does not know on which of these clusters it counts.
    let expected = json!({"later": 1, "roleArn": ROLE, "tags": {"team": "t"}, "clusterName": "here"});
    assert_eq!(cluster.spec("shop", "orders"), expected);
}

#[test]
fn one_bad_entry_stops_no_other() {
    let cluster = Cluster::start();
    let all = json!([
        of_eks("prod", "shop", "good", ROLE),
        of_eks("prod", "shop", "denied", "arn:aws:iam::111122223333:role/denied"),
        of_eks("prod", "missing", "x", ROLE),
        of_eks("prod", "shop", "invalid", "role"),
        {"associations": [{"namespace": "shop", "serviceAccount": "listed", "associationId": "a-2"}]},
        of_eks("prod", "shop", "good", OTHER),
        of_eks("prod", "other", "good", ROLE),
    ]);
    let folder = files(&[("a.json", &all.to_string()), ("b.yaml", "a: [")]);
    let run = import(&cluster, folder.path(), &[]);
    assert_eq!(run.code, 1);
    assert_eq!(run.stdout, "association shop/good created\nassociation other/good created\n");
    assert_eq!(summary(&run), "2 created, 0 unchanged, 0 updated, 0 different, 6 failed");
    for part in [
        "b.yaml: it cannot be read: ",
        "association shop/invalid is not valid: roleArn is not the ARN of an IAM role",
        "it is the association a-2 of shop/listed without its role, as a list of EKS has it",
        "it says something else of shop/good than ",
        "failed to create association shop/denied: the webhook does not allow the role",
        "failed to create association missing/x: namespaces \"missing\" not found; make the namespace first: ",
    ] {
        assert!(run.stderr.contains(part), "{part} in {}", run.stderr);
    }
    assert_eq!(run.stderr.lines().count(), 7, "{}", run.stderr);
}

#[test]
fn a_target_role_is_told_to_need_the_new_external_id() {
    let cluster = Cluster::start();
    let mut one = of_eks("prod", "shop", "orders", ROLE);
    one["targetRoleArn"] = json!(OTHER);
    let folder = files(&[("x.json", &one.to_string())]);
    let run = import(&cluster, folder.path(), &[]);
    assert!(
        run.stderr
            .contains("1 of the created have a target role: where its trust policy asks for an external id"),
        "{}",
        run.stderr
    );
    let run = import(&cluster, folder.path(), &[]);
    assert_eq!((run.code, run.stderr.lines().count()), (0, 1));
}

#[test]
fn only_a_namespace_or_an_eks_cluster_is_taken() {
    let cluster = Cluster::start();
    let all = json!([
        of_eks("prod", "shop", "orders", ROLE),
        of_eks("test", "shop", "orders", OTHER),
        of_eks("prod", "other", "orders", ROLE),
    ]);
    let input = all.to_string();
    let run =
        cluster.run_with(&["import", "--from-file", "-", "-n", "shop", "--of-cluster=prod"], &[], &input);
    let expected = "1 created, 0 unchanged, 0 updated, 0 different, 0 failed, 1 of other namespaces skipped, 1 of other EKS clusters skipped";
    assert_eq!((run.code, summary(&run)), (0, expected));
    assert_eq!(cluster.spec("shop", "orders")["roleArn"], ROLE);
    assert_eq!(cluster.spec("other", "orders"), Value::Null);
}

#[test]
fn manifests_are_printed_without_a_cluster() {
    let input = of_eks("prod", "shop", "orders", ROLE).to_string();
    let args = ["associations", "import", "--from-file", "-", "--dry-run=client", "-o", "yaml"];
    let run = crate::support::program::run_with(args, &[("HOME", "/nowhere")], input.as_bytes());
    let manifest = json!({
        "apiVersion": "pod-identity-webhook.dev/v1alpha1", "kind": "PodIdentityAssociation",
        "metadata": {"name": "orders", "namespace": "shop"}, "spec": {"roleArn": ROLE, "tags": {"team": "t"}},
    });
    assert_eq!(manifests::parse(&run.stdout).unwrap().documents()[0].value(), &manifest);
    assert_eq!((run.code, summary(&run)), (0, "1 read, 0 that cannot be used; no cluster was asked"));
    let cluster = Cluster::start();
    let run = cluster.run_with(&args[1..5], &[], &input);
    assert_eq!(run.stdout, "association shop/orders created (dry run)\n");
    assert_eq!(cluster.calls(), [""; 0]);
    let run = cluster.run_with(&[&args[1..5], &["-o", "json"]].concat(), &[], &input);
    let list: Value = serde_json::from_str(&run.stdout).unwrap();
    assert_eq!(list["items"], json!([manifest]));
}

#[test]
fn the_resources_of_a_controller_are_taken_over() {
    let cluster = Cluster::start();
    let line = cluster.run(&["import", "--from-cluster=ack"]).refused(1);
    assert!(
        line.starts_with("the cluster does not have podidentityassociations.eks.services.k8s.aws: "),
        "{line}"
    );
    let spec =
        json!({"clusterName": "prod", "namespace": "shop", "serviceAccount": "orders", "roleARN": ROLE});
    cluster.put_of("eks.services.k8s.aws", "infra", "x", json!({ "spec": spec }));
    let run = cluster.run(&["import", "--from-cluster=ack"]);
    assert_eq!((run.code, run.stdout.as_str()), (0, "association shop/orders created\n"), "{}", run.stderr);
    assert_eq!(cluster.spec("shop", "orders"), json!({"roleArn": ROLE}));
}

#[test]
fn who_may_not_list_finds_out_by_asking_for_each() {
    let cluster = Cluster::start();
    cluster.lock().forbidden = vec!["list"];
    cluster.put("shop", "there", &json!({"roleArn": ROLE, "tags": {"team": "t"}}));
    let all = json!([of_eks("prod", "shop", "there", ROLE), of_eks("prod", "shop", "new", ROLE)]).to_string();
    let folder = files(&[("x.json", &all)]);
    let run = import(&cluster, folder.path(), &[]);
    assert_eq!((run.code, summary(&run)), (0, "1 created, 1 unchanged, 0 updated, 0 different, 0 failed"));
}

#[test]
fn an_api_server_that_has_too_much_to_do_is_asked_again() {
    let cluster = Cluster::start();
    cluster.lock().busy = 2;
    let folder = files(&[("x.json", &of_eks("prod", "shop", "orders", ROLE).to_string())]);
    let run = import(&cluster, folder.path(), &[]);
    assert_eq!((run.code, run.stdout.as_str()), (0, "association shop/orders created\n"), "{}", run.stderr);
    let calls = cluster.calls();
    assert_eq!(calls.len(), 4, "two lists that are refused, one that is not, and a write: {calls:?}");
}

#[test]
fn nothing_more_is_tried_of_a_cluster_without_the_definition() {
    let cluster = Cluster::start();
    cluster.lock().is_defined = false;
    let all = json!([of_eks("prod", "shop", "a", ROLE), of_eks("prod", "shop", "b", ROLE)]).to_string();
    let line = import(&cluster, files(&[("x.json", &all)]).path(), &[]).refused(1);
    assert!(line.contains("the cluster does not have the kind PodIdentityAssociation"), "{line}");
}

#[test]
fn input_without_associations_is_a_failure() {
    let cluster = Cluster::start();
    let folder = files(&[("x.yaml", "apiVersion: v1\nkind: ConfigMap\n---\napiVersion: v1\nkind: Secret\n")]);
    let line = import(&cluster, folder.path(), &[]).refused(1);
    let expected = "the input has no associations, but 2 objects of other kinds: 'associations import --help' says what is read";
    assert_eq!(line, expected);
    let line = import(&cluster, Path::new("/nowhere"), &[]);
    assert!(
        line.stderr.starts_with("pod-identity-webhook: /nowhere: it cannot be read: "),
        "{}",
        line.stderr
    );
}

#[test]
fn what_is_empty_in_a_file_is_refused_and_does_not_widen() {
    let mut of_eks = of_eks("prod", "shop", "orders", ROLE);
    of_eks["policy"] = json!("");
    let own = format!(
        "apiVersion: pod-identity-webhook.dev/v1alpha1\nkind: PodIdentityAssociation\nmetadata: {{name: own}}\nspec: \
         {{roleArn: '{ROLE}', targetRoleArn: ''}}\n"
    );
    let folder = files(&[("a.json", of_eks.to_string().as_str()), ("b.yaml", &own)]);
    let cluster = Cluster::start();
    let run = import(&cluster, folder.path(), &[]);
    assert_eq!(run.code, 1);
    assert!(
        run.stderr.contains("policy is empty: ") && run.stderr.contains("targetRoleArn is empty: "),
        "{}",
        run.stderr
    );
    assert_eq!(cluster.spec("shop", "orders"), json!(null));
}

#[test]
fn a_field_that_is_not_known_is_named_and_not_lost() {
    let own = format!(
        "apiVersion: pod-identity-webhook.dev/v1alpha1\nkind: PodIdentityAssociation\nmetadata: {{name: own}}\nspec: \
         {{roleArn: '{ROLE}', targetRoleARN: '{OTHER}'}}\n"
    );
    let folder = files(&[("a.yaml", own.as_str())]);
    let cluster = Cluster::start();
    let run = import(&cluster, folder.path(), &[]);
    assert_eq!(run.code, 1);
    assert!(
        run.stderr.contains("its spec has the field targetRoleARN, which this version does not know"),
        "{}",
        run.stderr
    );
    assert_eq!(cluster.spec("shop", "own"), json!(null));
}

#[test]
fn one_that_others_make_and_delete_all_the_time_is_given_up() {
    let cluster = Cluster::start();
    cluster.lock().is_vanishing = true;
    let folder = files(&[("a.json", of_eks("prod", "shop", "orders", ROLE).to_string().as_str())]);
    let run = import(&cluster, folder.path(), &[]);
    assert_eq!((run.code, summary(&run)), (1, "0 created, 0 unchanged, 0 updated, 0 different, 1 failed"));
    assert!(run.stderr.contains("somebody else makes and deletes it again and again"), "{}", run.stderr);
    assert_eq!(cluster.calls().iter().filter(|call| call.starts_with("create")).count(), 5);
}

#[test]
fn what_was_under_way_when_the_kind_went_away_is_told_and_the_rest_is_not_tried() {
    let cluster = Cluster::start();
    let names = ["lost", "a", "b", "c", "d", "e", "f", "g", "h", "i"];
    let all: Vec<_> = names.iter().map(|name| of_eks("prod", "shop", name, ROLE).to_string()).collect();
    let folder = files(&[("a.json", all.join("\n").as_str())]);
    let run = import(&cluster, folder.path(), &[]);
    let told = "7 created, 0 unchanged, 0 updated, 0 different, 1 failed, 2 not tried";
    assert_eq!((run.code, summary(&run)), (1, told), "{}", run.stderr);
    for name in names {
        let is_made = cluster.spec("shop", name) != json!(null);
        assert_eq!(run.stdout.contains(&format!("shop/{name} created")), is_made, "{name}: {}", run.stdout);
    }
}
