//! Pods that the webhook would refuse: `inject` says all of them and fails, so that a pipeline does.

use super::{ACCOUNT, Files};

const ENFORCED: &str = "--role-arn-validation=enforce";

/// Two pods with a role that is not valid, and one with a good one.
fn files() -> Files {
    let named = ACCOUNT.replace("name: web", "name: named").replace("arn:aws:iam::111122223333:role/", "");
    let pod = |name: &str, account: &str| {
        format!(
            "---\napiVersion: v1\nkind: Pod\nmetadata: {{name: {name}, namespace: shop}}\n\
             spec: {{serviceAccountName: {account}, containers: [{{name: a}}]}}\n"
        )
    };
    let pods = [pod("one", "named"), pod("good", "web"), pod("two", "named")].concat();
    Files::new(&[("accounts.yaml", &format!("{ACCOUNT}---\n{named}")), ("pods.yaml", &pods)])
}

#[test]
fn every_pod_that_would_be_refused_is_named_and_nothing_is_printed() {
    for output in ["manifests", "patch"] {
        let run = files()
            .run(&["-f", "@pods.yaml", "--manifests", "@accounts.yaml", ENFORCED, "--output", output], "");
        assert_eq!((run.code, run.stdout.as_str()), (1, ""), "{}", run.stderr);
        let line = |pod: &str| {
            format!(
                "pod-identity-webhook: Pod shop/{pod}: refused: annotation eks.amazonaws.com/role-arn of \
                 ServiceAccount shop/named: \"web\" is not a role ARN: it does not begin with 'arn:'; write it as \
                 arn:PARTITION:iam::ACCOUNT:role/NAME\n"
            )
        };
        assert_eq!(run.stderr, line("one") + &line("two"));
    }
}

#[test]
fn a_pod_that_would_be_refused_is_explained() {
    let files = files();
    let args = ["-f", "@pods.yaml", "--manifests", "@accounts.yaml", ENFORCED, "--explain"];
    let printed = files.run(&args, "").printed().replace(&files.path("").display().to_string(), "");
    let (first, _) = printed.split_once("\n\n").unwrap();
    insta::assert_snapshot!(first, @r#"
    Pod shop/one (pods.yaml: document 1, line 2)
      ServiceAccount shop/named (accounts.yaml: document 2, line 9)
      IRSA: annotation eks.amazonaws.com/role-arn is web
      role_arn_denied: the pod is refused: its role is not a valid IAM role ARN, and --role-arn-validation is enforce
      annotation eks.amazonaws.com/role-arn of ServiceAccount shop/named: "web" is not a role ARN: it does not begin with 'arn:'; write it as arn:PARTITION:iam::ACCOUNT:role/NAME
    "#);
    assert_eq!(printed.matches("role_arn_denied").count(), 2);
}
