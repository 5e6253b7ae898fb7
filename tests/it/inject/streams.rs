//! Which pods are found in a stream, and where their accounts are.

use serde_json::{Value, json};

use super::{ACCOUNT, Files, assert_injected, injected, values};

/// The kinds with a pod template, and where it is.
const KINDS: [(&str, &str, &str); 9] = [
    ("v1", "Pod", ""),
    ("v1", "PodTemplate", "/template"),
    ("v1", "ReplicationController", "/spec/template"),
    ("apps/v1", "Deployment", "/spec/template"),
    ("apps/v1", "ReplicaSet", "/spec/template"),
    ("apps/v1", "StatefulSet", "/spec/template"),
    ("apps/v1", "DaemonSet", "/spec/template"),
    ("batch/v1", "Job", "/spec/template"),
    ("batch/v1", "CronJob", "/spec/jobTemplate/spec/template"),
];

/// An object of this kind around a pod of the account.
fn object(version: &str, kind: &str, pointer: &str) -> Value {
    let mut value = json!({"spec": {"serviceAccountName": "web", "containers": [{"name": "a"}]}});
    for member in pointer.rsplit('/').filter(|member| !member.is_empty()) {
        value = json!({ member: value });
    }
    value["apiVersion"] = version.into();
    value["kind"] = kind.into();
    value["metadata"] = json!({"name": "x", "namespace": "shop"});
    value
}

#[test]
fn every_kind_that_makes_pods_is_injected() {
    for (version, kind, pointer) in KINDS {
        let before = object(version, kind, pointer);
        let after: Value = serde_json::from_str(&injected(&before.to_string(), &[])).unwrap();
        assert_injected(after.pointer(pointer).unwrap());
        // The same kind of another API group is not read, and what is in it is at most named.
        let mut foreign = before;
        foreign["apiVersion"] = "example.com/v1".into();
        let run = Files::new(&[]).run(&["-f", "-"], &foreign.to_string());
        assert_eq!((run.code, run.stdout), (0, foreign.to_string()));
        let said = format!(
            "pod-identity-webhook: {kind} shop/x {pointer}/spec (standard input: document 1, line 1): "
        );
        assert!(run.stderr.starts_with(&said), "{}", run.stderr);
    }
}

#[test]
fn the_items_of_every_list_are_injected_whether_or_not_they_say_what_they_are() {
    for (version, kind, pointer) in KINDS {
        let item = object(version, kind, pointer);
        let mut bare = item.clone();
        bare.as_object_mut().unwrap().retain(|key, _| key != "kind" && key != "apiVersion");
        let mixed = json!({"apiVersion": "v1", "kind": "List", "items": [{"kind": "Service"}, item]});
        let typed = json!({"apiVersion": version, "kind": format!("{kind}List"), "items": [bare, item]});
        for list in [mixed, typed] {
            let after: Value = serde_json::from_str(&injected(&list.to_string(), &[])).unwrap();
            let items = after["items"].as_array().unwrap();
            assert_eq!(items.len(), 2);
            assert_injected(items[1].pointer(pointer).unwrap());
            if list["kind"] == "List" {
                assert_eq!(items[0], json!({"kind": "Service"}));
            } else {
                assert_injected(items[0].pointer(pointer).unwrap());
            }
        }
    }
}

#[test]
fn accounts_are_found_in_the_same_stream_before_and_after_the_pod() {
    let pod = "apiVersion: v1\nkind: Pod\nmetadata: {name: p, namespace: shop}\nspec:\n  \
               serviceAccountName: web\n  containers: [{name: a}]\n";
    let files = Files::new(&[]);
    for (stream, place) in [(format!("{ACCOUNT}---\n{pod}"), 1), (format!("{pod}---\n{ACCOUNT}"), 0)] {
        assert_injected(&values(&files.run(&["-f", "-"], &stream).printed())[place]);
    }
}

#[test]
fn accounts_are_found_in_lists_and_in_other_files() {
    let pod = object("v1", "Pod", "").to_string();
    let item = json!({"metadata": {"name": "web", "namespace": "shop",
        "annotations": {"eks.amazonaws.com/role-arn": "arn:aws:iam::111122223333:role/web"}}});
    let mut whole = item.clone();
    whole["apiVersion"] = "v1".into();
    whole["kind"] = "ServiceAccount".into();
    for list in [
        json!({"apiVersion": "v1", "kind": "ServiceAccountList", "items": [item]}),
        json!({"apiVersion": "v1", "kind": "List", "items": [{"kind": "Service"}, whole]}),
    ] {
        let files = Files::new(&[("pod.json", &pod), ("accounts.json", &list.to_string())]);
        let printed = files.run(&["-f", "@pod.json", "--manifests", "@accounts.json"], "").printed();
        assert_injected(&values(&printed)[0]);
        let printed = files.run(&["-f", "@pod.json", "-f", "@accounts.json"], "").printed();
        assert_injected(&values(&printed)[0]);
    }
}

#[test]
fn a_folder_of_manifests_is_read_in_its_manifests() {
    let files = Files::new(&[("b.yml", ACCOUNT), ("notes.txt", "a: ["), ("a.json", "{}")]);
    let folder = files.path("").display().to_string();
    let printed = files.run(&["-f", "-", "--manifests", &folder], &object("v1", "Pod", "").to_string());
    assert_injected(&values(&printed.printed())[0]);
}

#[test]
fn an_account_of_the_input_wins_over_one_beside_it() {
    let newer = ACCOUNT.replace("role/web", "role/new");
    let stream = format!("{newer}---\n{}", object("v1", "Pod", ""));
    let pod = &values(&injected(&stream, &[]))[1];
    assert_eq!(pod["spec"]["containers"][0]["env"][0]["value"], "arn:aws:iam::111122223333:role/new");
}

/// Crossplane and others have a kind of that name, for accounts elsewhere.
#[test]
fn a_service_account_of_another_group_is_none() {
    let foreign = ACCOUNT.replace("apiVersion: v1", "apiVersion: cloudplatform.gcp.upbound.io/v1beta1");
    let foreign = foreign.replace("role/web", "role/foreign");
    let stream = format!("{foreign}---\n{}", object("v1", "Pod", ""));
    let pod = &values(&injected(&stream, &[]))[1];
    assert_eq!(pod["spec"]["containers"][0]["env"][0]["value"], "arn:aws:iam::111122223333:role/web");
}

#[test]
fn objects_without_a_namespace_are_in_the_one_that_is_told() {
    let account = ACCOUNT.replace("  namespace: shop\n", "");
    let mut pod = object("v1", "Pod", "");
    pod["metadata"] = json!({"name": "p"});
    let files = Files::new(&[("account.yaml", &account), ("shop.yaml", ACCOUNT)]);
    let run = |args: &[&str]| files.run(&[&["-f", "-"], args].concat(), &pod.to_string());
    for args in [
        &["--manifests", "@account.yaml"][..],
        &["--manifests", "@account.yaml", "--namespace=other"],
        &["--manifests", "@shop.yaml", "-n", "shop"],
    ] {
        assert_injected(&values(&run(args).printed())[0]);
    }
    let elsewhere = run(&["--manifests", "@shop.yaml"]);
    assert_eq!((elsewhere.code, elsewhere.stdout), (0, pod.to_string()));
    assert_eq!(
        elsewhere.stderr,
        "pod-identity-webhook: Pod default/p: no AWS identity injected: ServiceAccount default/web is \
         neither in the input nor in --manifests\n"
    );
}

#[test]
fn what_the_webhook_would_warn_of_is_said_on_standard_error() {
    let account = ACCOUNT.replace("arn:aws:iam::111122223333:role/web", "web");
    let files = Files::new(&[("account.yaml", &account)]);
    let args = ["-f", "-", "--manifests", "@account.yaml"];
    let pod = object("apps/v1", "Deployment", "/spec/template").to_string();
    let said = "pod-identity-webhook: Deployment shop/x: role-arn \"web\" is not a role ARN: it does \
                not begin with 'arn:'; AWS will refuse it\n";
    for output in [&[][..], &["--output=patch"]] {
        let run = files.run(&[&args, output].concat(), &pod);
        assert_eq!((run.code, run.stderr.as_str()), (0, said));
    }
    // `--explain` says it with the rest.
    let explained = files.run(&[&args[..], &["--explain"]].concat(), &pod).printed();
    assert!(explained.contains("  warning: role-arn \"web\" is not a role ARN: "), "{explained}");
}

/// Every namespace has a `default`, in no manifest; a warning about it would be noise for every pod.
#[test]
fn nothing_is_said_of_an_account_named_default_that_is_not_there() {
    let pod = r#"{"apiVersion":"v1","kind":"Pod","spec":{"containers":[{"name":"a"}]}}"#;
    assert_eq!(injected(pod, &[]), pod);
}

#[test]
fn files_are_joined_so_that_kubectl_reads_them() {
    let yaml = "# yaml\na: 1";
    let json = "{\"b\": 2}\n";
    let two = "{\"c\": 3}{\"d\": 4}";
    let led = "---\ne: 5\n";
    let files = Files::new(&[("yaml", yaml), ("json", json), ("two", two), ("led", led)]);
    for (args, expected) in [
        (&["@yaml", "@json"][..], "# yaml\na: 1\n---\n{\"b\": 2}\n"),
        (&["@json", "@yaml"], "{\"b\": 2}\n---\n# yaml\na: 1"),
        (&["@json", "@two", "@json"], "{\"b\": 2}\n{\"c\": 3}{\"d\": 4}\n{\"b\": 2}\n"),
        (&["@yaml", "@two"], "# yaml\na: 1\n---\n{\"c\": 3}\n---\n{\"d\": 4}"),
        (&["@two", "@led"], "{\"c\": 3}\n---\n{\"d\": 4}\n---\ne: 5\n"),
        (&["@led", "@led"], "---\ne: 5\n---\ne: 5\n"),
    ] {
        let args = [&["-f"], args].concat();
        let printed = files.run(&args, "").printed();
        assert_eq!(printed, expected, "{args:?}");
        // Read back, the output still has everything.
        let inputs = args[1..].iter().map(|name| std::fs::read_to_string(files.path(&name[1..])).unwrap());
        let expected: Vec<_> = inputs.flat_map(|text| values(&text)).collect();
        assert_eq!(values(&printed), expected, "{args:?}");
    }
}
