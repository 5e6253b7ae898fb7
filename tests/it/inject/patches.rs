//! `--output patch`.

use super::{ACCOUNT, Files, injected, values};

/// Three documents, of which the middle one has two pods.
const STREAM: &str = "\
apiVersion: v1
kind: Service
metadata: {name: web}
---
# a list
apiVersion: apps/v1
kind: DeploymentList
items:
- metadata: {name: a/b~c, namespace: shop}
  spec: {template: {spec: {serviceAccountName: web, containers: [{name: a}], initContainers: [{name: i}]}}}
- metadata: {name: other, namespace: shop}
  spec: {template: {spec: {containers: [{name: a}]}}}
- metadata: {name: third, namespace: shop}
  spec: {template: {spec: {serviceAccountName: web, volumes: [], containers: [{name: a, env: [{name: A}]}]}}}
---
apiVersion: v1
kind: Pod
metadata: {name: p, namespace: shop}
spec: {serviceAccountName: web, containers: [{name: a}, {name: b}]}
";

#[test]
fn a_patch_applied_to_its_document_gives_what_is_printed() {
    let lines = injected(STREAM, &["--output=patch"]);
    let patches: Vec<json_patch::Patch> =
        lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let mut documents = values(STREAM);
    assert_eq!(patches.len(), documents.len());
    for (document, patch) in documents.iter_mut().zip(&patches) {
        json_patch::patch(document, patch).unwrap();
    }
    assert_eq!(documents, values(&injected(STREAM, &[])));
    assert_ne!(documents, values(STREAM));
}

#[test]
fn there_is_a_line_for_each_document_of_each_file() {
    let files = Files::new(&[("stream.yaml", STREAM), ("account.yaml", ACCOUNT)]);
    let printed = files.run(&["-o", "patch", "-f", "@account.yaml", "@stream.yaml"], "").printed();
    let lines: Vec<_> = printed.lines().collect();
    assert_eq!(lines.len(), 4);
    assert_eq!((lines[0], lines[1]), ("[]", "[]"));
    let pointers: [&str; 2] = ["/items/0/spec/template/spec/volumes", "/spec/volumes"];
    for (line, pointer) in lines[2..].iter().zip(pointers) {
        assert!(line.starts_with(&format!("[{{\"op\":\"add\",\"path\":\"{pointer}\"")), "{line}");
    }
}

#[test]
fn nothing_to_read_is_no_line() {
    assert_eq!(injected("# nothing\n", &["-o=patch"]), "");
}
