//! Values that people leave empty or write otherwise.

use super::{ACCOUNT, Files, assert_injected, injected, values};

const POD: &str = "apiVersion: v1\nkind: Pod\nmetadata: {name: p, namespace: shop}\n";

/// A template whose value is not set leaves `role-arn:` behind, which is null in YAML.
#[test]
fn an_annotation_without_a_value_is_an_empty_one() {
    let account = ACCOUNT.replace(" arn:aws:iam::111122223333:role/web", "");
    let pod = format!("{POD}spec: {{serviceAccountName: web, containers: [{{name: a}}]}}\n");
    let files = Files::new(&[]);
    let stream = format!("{account}---\n{pod}");
    assert_eq!(files.run(&["-f", "-"], &stream).printed(), stream);
}

#[test]
fn empty_members_take_additions() {
    for (env, volumes) in [("[]", "[]"), ("null", "null"), ("", ""), ("~", "[]")] {
        let pod = format!(
            "{POD}spec:\n  serviceAccountName: web\n  containers:\n  - name: a\n    env: {env}\n    \
             volumeMounts: {env}\n  volumes: {volumes}\n"
        );
        assert_injected(&values(&injected(&pod, &[]))[0]);
    }
}

#[test]
fn the_deprecated_name_of_the_account_counts_where_it_stands_alone() {
    let pod = |names: &str| format!("{POD}spec: {{{names}, containers: [{{name: a}}]}}\n");
    assert_injected(&values(&injected(&pod("serviceAccount: web"), &[]))[0]);
    assert_injected(&values(&injected(&pod("serviceAccountName: \"\", serviceAccount: web"), &[]))[0]);
    assert_injected(&values(&injected(&pod("serviceAccountName: web, serviceAccount: other"), &[]))[0]);
}

#[test]
fn flags_of_injection_reach_the_manifest() {
    let pod = format!("{POD}spec: {{serviceAccountName: web, containers: [{{name: a}}]}}\n");
    let args = ["--token-audience=x", "--token-mount-path=/y", "--token-expiration=3600"];
    let spec = &values(&injected(&pod, &args))[0]["spec"];
    let token = &spec["volumes"][0]["projected"]["sources"][0]["serviceAccountToken"];
    assert_eq!((&token["audience"], &token["expirationSeconds"]), (&"x".into(), &3600.into()));
    assert_eq!(spec["containers"][0]["env"][1]["value"], "/y/token");
}

#[test]
fn a_lifetime_that_is_raised_is_said() {
    let files = Files::new(&[]);
    let run = files.run(&["-f", "-", "--token-expiration=60"], "a: b\n");
    assert_eq!((run.code, run.stdout.as_str()), (0, "a: b\n"));
    assert_eq!(
        run.stderr,
        "pod-identity-webhook: --token-expiration 60 is not within 600 to 4294967296: 600 is used\n"
    );
}
