//! What is printed for people moves no cursor, changes no colour and turns no letters around.

use super::Files;

/// Red, back to the line's begin, a bell, from right to left, and a line separator where no line ends.
const HOSTILE: &str = r"\e[31m\r\a\u202e\u2028";

fn is_plain(text: &str) -> bool {
    let hostile = |c: char| c != '\n' && (c.is_control() || "\u{202e}\u{2028}".contains(c));
    !text.contains(hostile)
}

fn manifests() -> Files {
    let text = "\
apiVersion: v1
kind: ServiceAccount
metadata: {name: web, namespace: shop, annotations: {eks.amazonaws.com/role-arn: \"arn@\"}}
---
apiVersion: v1
kind: Pod
metadata:
  name: \"p@\"
  namespace: shop
  annotations: {eks.amazonaws.com/token-expiration: \"@\", eks.amazonaws.com/skip-containers: \"s@\"}
spec:
  serviceAccountName: web
  volumes: [{name: aws-iam-token, emptyDir: {}}]
  containers:
  - {name: \"s@\"}
  - {name: \"a@\", volumeMounts: [{name: \"v@\", mountPath: \"/var/run/secrets/eks.amazonaws.com/serviceaccount\"}]}
---
apiVersion: v1
kind: Pod
metadata: {name: other, namespace: \"shop@\"}
spec: {serviceAccountName: \"nobody@\", containers: [{name: a}]}
";
    let text = text.replace('@', HOSTILE);
    Files::new(&[("hostile.yaml", &text), ("broken.yaml", "a: \u{1b}[31m\nb: [\u{202e}\n")])
}

#[test]
fn hostile_names_are_escaped_where_they_are_explained() {
    let run = manifests().run(&["-f", "@hostile.yaml", "--explain"], "");
    assert_eq!(run.code, 0, "{}", run.stderr);
    assert!(run.stdout.contains(r"Pod shop/p\u{1b}[31m\r\u{7}\u{202e}\u{2028} ("), "{}", run.stdout);
    assert!(run.stdout.contains(r"container a\u{1b}[31m"), "{}", run.stdout);
    assert!(run.stdout.contains(r"role-arn is arn\u{1b}[31m"), "{}", run.stdout);
    assert!(is_plain(&run.stdout) && is_plain(&run.stderr), "{:?} {:?}", run.stdout, run.stderr);
}

#[test]
fn hostile_names_are_escaped_in_warnings_and_errors() {
    let files = manifests();
    let run = files.run(&["-f", "@hostile.yaml"], "");
    assert!(run.stderr.contains(r"\u{1b}[31m") && is_plain(&run.stderr), "{:?}", run.stderr);
    let broken = files.run(&["-f", "@broken.yaml"], "");
    assert!(broken.code == 1 && is_plain(&broken.stderr), "{:?}", broken.stderr);
    let unknown = files.run(&["-f", "\u{1b}[31mnowhere.yaml"], "");
    assert!(unknown.code == 1 && is_plain(&unknown.stderr), "{:?}", unknown.stderr);
}
