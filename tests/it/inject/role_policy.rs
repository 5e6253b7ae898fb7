//! The role policy offline: the one of examples/, what is said of its decisions, and files without a policy.

use std::path::Path;

use super::{ACCOUNT, Files, assert_injected, values};
use crate::support::program::{Run, run};

/// What `inject` does with the deployment of examples/, in `namespace` and with these arguments besides.
fn example(namespace: &str, args: &[&str]) -> Run {
    let examples = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples");
    let read = |name: &str| std::fs::read_to_string(examples.join(name)).unwrap();
    let moved = |name: &str| read(name).replace("namespace: shop", &format!("namespace: {namespace}"));
    let files = Files::new(&[
        ("pods.yaml", &moved("deployment.yaml")),
        ("accounts.yaml", &moved("serviceaccounts.yaml")),
    ]);
    let policy = format!("--role-policy={}", examples.join("role-policy.yaml").display());
    let fixed = ["-f", "@pods.yaml", "--manifests", "@accounts.yaml", &policy];
    let mut run = files.run(&[&fixed[..], args].concat(), "");
    let places = [(examples.display().to_string() + "/", ""), (files.path("").display().to_string(), "")];
    for (place, short) in places {
        run.stdout = run.stdout.replace(&place, short);
        run.stderr = run.stderr.replace(&place, short);
    }
    run
}

/// What is explained up to the containers.
fn explained(run: Run) -> String {
    let printed = run.printed();
    let lines: Vec<_> = printed.lines().take_while(|line| !line.starts_with("  container")).collect();
    lines.join("\n")
}

const DENIED: &str = "annotation eks.amazonaws.com/role-arn of ServiceAccount bank/checkout: the role policy \
                      role-policy.yaml does not allow \"arn:aws:iam::123456789012:role/shop-checkout\" there: no rule \
                      names the ServiceAccount; use a role that the policy allows, or allow this one in it";

#[test]
fn the_example_allows_the_shop_its_roles() {
    let run = example("shop", &[]);
    assert_eq!(run.stderr, "");
    let printed = run.printed();
    let [deployment] = values(&printed).try_into().unwrap();
    assert!(printed.contains("arn:aws:iam::123456789012:role/shop-checkout"), "{deployment:#}");
    insta::assert_snapshot!(explained(example("shop-eu", &["--explain"])), @r"
    Deployment shop-eu/checkout (pods.yaml: document 1, line 3)
      ServiceAccount shop-eu/checkout (accounts.yaml: document 1, line 2)
      IRSA: annotation eks.amazonaws.com/role-arn is arn:aws:iam::123456789012:role/shop-checkout
      role policy role-policy.yaml: rules[0] allows it
      injected: the pod gets its AWS identity
      volume aws-iam-token: added, a token for sts.amazonaws.com that lasts 86400 seconds
    ");
}

#[test]
fn the_example_forbids_them_to_others() {
    let run = example("bank", &[]);
    assert_eq!((run.code, run.stdout.as_str()), (1, ""), "{}", run.stderr);
    assert_eq!(run.stderr, format!("pod-identity-webhook: Deployment bank/checkout: refused: {DENIED}\n"));
    let explained = explained(example("bank", &["--explain"]));
    let said = "  role policy role-policy.yaml: does not allow it: no rule names the ServiceAccount\n  \
                role_policy_denied: the pod is refused: the role policy does not allow its role\n";
    assert!(explained.ends_with(&format!("{said}  {DENIED}")), "{explained}");
}

#[test]
fn a_policy_that_only_warns_says_so_beside_the_manifests() {
    let run = example("bank", &["--role-policy-mode=warn"]);
    assert_eq!(run.code, 0, "{}", run.stderr);
    let warning = "the role policy does not allow \"arn:aws:iam::123456789012:role/shop-checkout\" for \
                   bank/checkout: no rule names the ServiceAccount; the pod gets it because the policy only warns";
    assert_eq!(run.stderr, format!("pod-identity-webhook: Deployment bank/checkout: {warning}\n"));
    assert!(run.stdout.contains("AWS_ROLE_ARN"), "{}", run.stdout);
    let printed = example("bank", &["--role-policy-mode=warn", "--explain"]).printed();
    let outcome = "  role_policy_warned: the pod gets its AWS identity, though the role policy does not allow its \
                   role: --role-policy-mode is warn\n";
    assert!(printed.contains(outcome) && printed.ends_with(&format!("  warning: {warning}\n")), "{printed}");
}

#[test]
fn pods_that_get_no_role_are_none_of_its_business() {
    let pod = |account: &str, skip: &str| {
        format!(
            "apiVersion: v1\nkind: Pod\nmetadata: {{name: p, namespace: shop, annotations: {{{skip}}}}}\n\
             spec: {{serviceAccountName: {account}, containers: [{{name: a}}]}}\n"
        )
    };
    let files = Files::new(&[
        ("account.yaml", ACCOUNT),
        ("associated.yaml", "identities:\n- {namespace: shop, serviceAccount: associated}\n"),
        ("nothing.yaml", "rules: []\n"),
    ]);
    let manifests =
        ["-f", "-", "--manifests", "@account.yaml", "--manifests", "@associated.yaml", "--explain"];
    let policy = format!("--role-policy={}", files.path("nothing.yaml").display());
    let explained = |pod: &str| files.run(&[&manifests[..], &[&policy]].concat(), pod).printed();
    for (pod, said) in [
        (
            pod("associated", ""),
            Some("not consulted, the source of the association does not say which role it gives"),
        ),
        (pod("web", "eks.amazonaws.com/skip-containers: a"), Some("not consulted, no role is injected")),
        (pod("plain", ""), None),
    ] {
        let explained = explained(&pod);
        assert!(!explained.contains("role_policy_"), "{explained}");
        let line = explained.lines().find_map(|line| line.split_once("nothing.yaml: ")).map(|(_, said)| said);
        assert_eq!(line, said, "{explained}");
    }
}

#[test]
fn a_policy_that_allows_everything_changes_nothing() {
    let pod = "apiVersion: v1\nkind: Pod\nmetadata: {name: p, namespace: shop}\n\
               spec: {serviceAccountName: web, containers: [{name: a}]}\n";
    let files = Files::new(&[
        ("account.yaml", ACCOUNT),
        ("all.json", r#"{"rules":[{"namespaces":["*"],"roles":["*"]}]}"#),
    ]);
    let without = files.run(&["-f", "-", "--manifests", "@account.yaml"], pod).printed();
    let with = files.run(&["-f", "-", "--manifests", "@account.yaml", "--role-policy", "@all.json"], pod);
    assert_eq!((with.stderr.as_str(), with.stdout.as_str()), ("", without.as_str()));
    assert_injected(&values(&without)[0]);
}

#[test]
fn a_file_that_holds_no_policy_is_named_with_the_place() {
    let files = Files::new(&[
        ("typo.yaml", "rules:\n- namespaces: [a]\n  roles: ['*']\n  serviceaccounts: [b]\n"),
        ("twice.yaml", "rules: []\nrules: []\n"),
        ("half.json", "{\"rules\": ["),
        ("empty.yaml", "\n"),
    ]);
    let refused = |path: &str| run(["inject", "-f", "-", "--role-policy", path]).refused(1);
    for (name, message) in [
        (
            "typo.yaml",
            "line 4, rules[0].serviceaccounts: no such field; the fields are namespaces, serviceAccounts and roles",
        ),
        ("twice.yaml", "document 1, line 2: duplicate key \"rules\""),
        ("half.json", "document 1, line 1, column 11: EOF while parsing a list"),
        ("empty.yaml", "it is empty"),
        ("missing.yaml", "No such file or directory (os error 2)"),
    ] {
        let path = files.path(name).display().to_string();
        assert_eq!(refused(&path), format!("failed to read {path}: {message}"));
    }
    let folder = files.path("").display().to_string();
    assert_eq!(refused(&folder), format!("failed to read {folder}: not a regular file"));
}
