//! Settings that have no effect where they stand: on what makes pods, and on namespaces.

use super::{ACCOUNT, Files};

const DEPLOYMENT: &str = "\
---
apiVersion: apps/v1
kind: Deployment
metadata:
  name: web
  namespace: shop
  labels: {eks.amazonaws.com/require-identity: \"true\", app: web}
  annotations:
    eks.amazonaws.com/skip-containers: logger
    eks.amazonaws.com/token-expiration: \"3600\"
spec:
  template:
    metadata:
      labels: {eks.amazonaws.com/require-identity: \"true\", app: web}
    spec:
      serviceAccountName: web
      containers: [{name: web}, {name: logger}]
";

const NAMESPACE: &str = "\
---
apiVersion: v1
kind: Namespace
metadata:
  name: shop
  labels: {eks.amazonaws.com/require-identity: \"yes\", team: shop}
  annotations: {eks.amazonaws.com/role-arn: \"arn:aws:iam::111122223333:role/web\"}
";

/// The warnings on standard error, and those in `--explain`.
fn told(input: &str) -> [Vec<String>; 2] {
    let files = Files::new(&[]);
    let plain = files.run(&["-f", "-"], input);
    assert_eq!(plain.code, 0, "{}", plain.stderr);
    let explained = files.run(&["-f", "-", "--explain"], input);
    assert_eq!((explained.code, explained.stderr.as_str()), (0, ""));
    let lines = |text: &str, start| {
        text.lines().filter_map(|line| line.split_once(start)).map(|(_, line)| line.to_owned()).collect()
    };
    [lines(&plain.stderr, "pod-identity-webhook: "), lines(&explained.stdout, "warning: ")]
}

#[test]
fn settings_on_what_makes_pods_are_told_unless_its_template_has_them_too() {
    let [plain, explained] = told(&format!("{ACCOUNT}{DEPLOYMENT}"));
    let [skip, expiration] = [
        "workload annotation skip-containers has no effect: it is an annotation of pods, so it belongs in the pod \
         template",
        "workload annotation token-expiration has no effect: it is an annotation of ServiceAccounts and pods, so it \
         belongs in the pod template",
    ];
    assert_eq!(explained, [skip, expiration]);
    assert_eq!(plain, [skip, expiration].map(|warning| format!("Deployment shop/web: {warning}")));
}

#[test]
fn settings_on_a_namespace_are_told() {
    let [plain, explained] = told(NAMESPACE);
    let [role, label] = [
        "namespace annotation role-arn has no effect: it is an annotation of ServiceAccounts",
        "namespace label require-identity \"yes\" has no effect: only \"true\" requires an identity",
    ];
    assert_eq!(explained, [role, label]);
    assert_eq!(plain, [role, label].map(|warning| format!("Namespace shop: {warning}")));
    let [plain, explained] =
        told(&NAMESPACE.replace("\"yes\"", "\"true\"").replace("role-arn", "ecr-role-arn"));
    assert_eq!((plain, explained), (Vec::new(), Vec::new()));
}
