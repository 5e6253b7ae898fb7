//! What cannot be done, with what to do about it.

use serde_json::Value;

use super::cluster::{Cluster, OTHER, ROLE};
use super::three;

#[test]
fn a_right_that_is_missing_is_named_with_the_role_that_gives_it() {
    let cluster = three();
    cluster.lock().forbidden = vec!["list", "create", "update", "delete"];
    let role = format!("--role-arn={OTHER}");
    for (args, asked, right, of_chart) in [
        (
            &["list"][..],
            "list associations of namespace shop",
            "list podidentityassociations in the namespace shop",
            "viewer",
        ),
        (&["export", "-A"], "list associations", "list podidentityassociations in all namespaces", "viewer"),
        (
            &["create", "new", &role],
            "create association shop/new",
            "create podidentityassociations in the namespace shop",
            "editor",
        ),
        (
            &["update", "orders", &role],
            "update association shop/orders",
            "update podidentityassociations in the namespace shop",
            "editor",
        ),
        (
            &["delete", "orders"],
            "delete association shop/orders",
            "delete podidentityassociations in the namespace shop",
            "editor",
        ),
    ] {
        let line = cluster.run(args).refused(1);
        let start =
            format!("failed to {asked}: podidentityassociations.pod-identity-webhook.dev is forbidden: ");
        assert!(line.starts_with(&start), "{line}");
        let end = format!(
            "; ask for the right to {right}: the ClusterRole RELEASE-associations-{of_chart} of the chart gives it"
        );
        assert!(line.ends_with(&end), "{line}");
    }
}

#[test]
fn who_may_not_even_look_at_what_is_to_be_changed_is_told_the_role_for_all_of_it() {
    let cluster = three();
    cluster.lock().forbidden = vec!["get"];
    for (args, of_chart) in [
        (&["describe", "orders"][..], "viewer"),
        (&["delete", "orders"], "editor"),
        (&["update", "orders", "--tag=a=b"], "editor"),
    ] {
        let line = cluster.run(args).refused(1);
        assert!(line.starts_with("failed to get association shop/orders: "), "{line}");
        assert!(line.contains(&format!("the ClusterRole RELEASE-associations-{of_chart} ")), "{line}");
    }
}

#[test]
fn a_cluster_without_the_definition_is_told_how_to_get_it() {
    let cluster = Cluster::start();
    cluster.lock().is_defined = false;
    let role = format!("--role-arn={ROLE}");
    for args in [
        &["list"][..],
        &["describe", "x"],
        &["create", "x", &role],
        &["update", "x", &role],
        &["delete", "x"],
    ] {
        let line = cluster.run(args).refused(1);
        assert!(line.contains("the cluster does not have the kind PodIdentityAssociation"), "{line}");
        assert!(
            line.ends_with("'pod-identity-webhook associations definition | kubectl apply -f -'"),
            "{line}"
        );
    }
}

#[test]
fn rules_that_are_not_kept_are_said_before_anybody_is_asked() {
    let cluster = three();
    let good = format!("--role-arn={ROLE}");
    for (args, why) in [
        (&["create", "x", "--role-arn=x"][..], "roleArn is not the ARN of an IAM role: "),
        (
            &["create", "x", "--role-arn="],
            "roleArn is not the ARN of an IAM role: expected arn:PARTITION:iam::ACCOUNT:role/NAME, ",
        ),
        (
            &["create", "x", &good, "--policy={}"],
            "policy needs disableSessionTags to be true: a session has either tags or a policy",
        ),
        (&["create", "x", &good, "--policy=[]", "--disable-session-tags"], "policy is not a JSON object"),
        (
            &["create", "x", &good, "--tag=aws:a=b"],
            "tags has a key that begins with aws: which AWS keeps for its own tags, ",
        ),
        (&["create", "x", &good, "--cluster-name=a.b"], "clusterName is not the name of an EKS cluster: "),
        (
            &["update", "orders", "--role-arn="],
            "roleArn is not the ARN of an IAM role: expected arn:PARTITION:iam::ACCOUNT:role/NAME, ",
        ),
        (
            &["update", "orders", "--policy={}"],
            "policy needs disableSessionTags to be true: a session has either tags or a policy",
        ),
    ] {
        let line = cluster.run(args).refused(1);
        let start = format!("association shop/{} is not valid: {why}", args[1]);
        assert!(line.starts_with(&start), "{line}");
    }
    assert!(cluster.calls().iter().all(|call| call.starts_with("get ")));
}

#[test]
fn a_policy_is_read_up_to_its_limit() {
    let (cluster, folder) = (Cluster::start(), tempfile::TempDir::new().unwrap());
    let file = folder.path().join("policy");
    let role = format!("--role-arn={ROLE}");
    let args = ["create", "x", &role, "--disable-session-tags", "--policy-file"];
    let largest = format!("{{\"a\": \"{}\"}}", "x".repeat((1 << 20) - 9));
    for (text, said) in [
        (largest.clone(), "association shop/x is not valid: policy has more than 2048 characters"),
        (largest + " ", "larger than 1 MiB"),
        (" \n".to_owned(), " is empty; --policy='' removes a policy"),
    ] {
        std::fs::write(&file, &text).unwrap();
        for (path, input) in [(file.to_str().unwrap(), ""), ("-", text.as_str())] {
            let line = cluster.run_with(&[&args[..], &[path]].concat(), &[], input).refused(1);
            assert!(line.contains(said), "{line}");
        }
    }
}

#[test]
fn what_the_api_server_says_is_passed_on() {
    let cluster = three();
    let role = format!("--role-arn={ROLE}");
    let line = cluster.run(&["create", "orders", &role]).refused(1);
    assert_eq!(
        line,
        "association shop/orders exists already: 'associations describe' shows it, 'associations update' changes it"
    );
    let line = cluster.run(&["create", "x", "-n", "missing", &role]).refused(1);
    assert_eq!(
        line,
        "failed to create association missing/x: namespaces \"missing\" not found; make the namespace first: kubectl create namespace missing"
    );
    let denied = "--role-arn=arn:aws:iam::111122223333:role/denied";
    let line = cluster.run(&["update", "orders", denied]).refused(1);
    assert_eq!(line, "failed to update association shop/orders: the webhook does not allow the role");
    let line = cluster.run(&["update", "missing", "--tag=a=b"]).refused(1);
    assert_eq!(
        line,
        "association shop/missing not found: 'associations list -n shop' shows those that there are"
    );
    assert_eq!(cluster.spec("shop", "x"), Value::Null);
}

#[test]
fn an_api_server_out_of_reach_is_said_in_one_line() {
    let cluster = Cluster::start();
    let line = cluster.run(&["list", "--kube-api=http://127.0.0.1:1"]).refused(1);
    assert!(
        line.starts_with("failed to list associations of namespace shop: ") && line.ends_with("; try again"),
        "{line}"
    );
    let line = cluster.run_with(&["list"], &[("KUBECONFIG", "/nowhere")], "").refused(1);
    assert!(line.starts_with("the variable KUBECONFIG names no file that exists: /nowhere; "), "{line}");
    let none = cluster.run_with(&["list"], &[("KUBECONFIG", ""), ("HOME", "/nowhere")], "").refused(1);
    assert!(none.starts_with("there is no cluster to ask: give --kubeconfig, "), "{none}");
}

#[test]
fn flags_that_cannot_be_used_end_with_2() {
    let cluster = Cluster::start();
    let role = format!("--role-arn={ROLE}");
    for (args, line) in [
        (&["list", "-n", "A"][..], "invalid value 'A' for '--namespace': expected the name of a namespace"),
        (&["list", "-o", "x"], "invalid value 'x' for '--output': expected table or json or yaml or name"),
        (
            &["list", "-A", "-n", "shop"],
            "the argument '--all-namespaces' cannot be used with '--namespace <NAMESPACE>'; see --help",
        ),
        (
            &["create", "A/b", &role],
            "invalid value 'A/b' for '<NAME>': expected the name of a ServiceAccount",
        ),
        (&["create", "x", &role, "--tag", "a"], "invalid value 'a' for '--tag': expected KEY=VALUE"),
        (
            &["update", "x"],
            "'associations update' needs '--role-arn': it, or another flag that changes something, says what is to be changed",
        ),
        (&["lst"], "'lst' is neither flag nor subcommand; see --help"),
        (
            &["export", "-o", "aws"],
            "'--output' needs '--cluster-name': an association in AWS is one of an EKS cluster",
        ),
        (
            &["export", "--cluster-name=x"],
            "'--cluster-name' cannot be used together with '--output': only aws and terraform name an EKS cluster",
        ),
        (
            &["export", "-o", "aws", "--cluster-name=a b"],
            "invalid value 'a b' for '--cluster-name': expected 1 to 100 letters, digits, - and _, a letter or digit first",
        ),
        (
            &["import", "--from-file", "x", "-o", "yaml"],
            "'--output' needs '--dry-run=client': what is made is printed as lines, not as manifests",
        ),
    ] {
        assert_eq!(cluster.run(args).refused(2), line, "{args:?}");
    }
    let line = cluster.run(&["import"]).refused(2);
    assert!(line.starts_with("the following required arguments were not provided: <--from-eks"), "{line}");
    let line = cluster.run(&[]).refused(2);
    assert_eq!(
        line,
        "'associations' has to say what to do: list, describe, create, update, delete, import, export, definition; see --help"
    );
    assert_eq!(cluster.calls(), [""; 0]);
}

#[cfg(not(feature = "eks-api"))]
#[test]
fn an_import_from_eks_needs_the_feature() {
    let line = Cluster::start().run(&["import", "--from-eks=prod"]).refused(2);
    assert_eq!(
        line,
        "'--from-eks' needs the cargo feature eks-api, which this binary was built without; use an image with it, or \
         --from-file with what 'aws eks describe-pod-identity-association' prints"
    );
}

#[test]
fn what_is_given_empty_is_refused_and_does_not_widen() {
    let cluster = Cluster::start();
    let role = format!("--role-arn={ROLE}");
    for (flag, field) in
        [("--policy=", "policy"), ("--cluster-name=", "clusterName"), ("--target-role-arn=", "targetRoleArn")]
    {
        for dry_run in ["--dry-run=none", "--dry-run=client"] {
            let line = cluster.run(&["create", "new", &role, flag, dry_run]).refused(1);
            assert!(
                line.starts_with(&format!("association shop/new is not valid: {field} is empty: ")),
                "{line}"
            );
        }
    }
    // A blank is no removal.
    cluster.put(
        "shop",
        "old",
        &serde_json::json!({"roleArn": ROLE, "disableSessionTags": true, "policy": "{}"}),
    );
    let line = cluster.run(&["update", "old", "--policy= "]).refused(1);
    assert!(line.contains("policy is not a JSON object"), "{line}");
    cluster.run(&["update", "old", "--policy="]).printed();
    assert_eq!(cluster.spec("shop", "old").get("policy"), None);
}
