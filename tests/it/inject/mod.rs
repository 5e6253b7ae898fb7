//! `inject`: what it prints of manifests that people have.

mod association_resources;
mod config_map;
mod edges;
mod errors;
mod explain;
mod kept;
mod operators;
mod patches;
mod refused;
mod role_policy;
mod settings;
mod streams;
mod terminal;

use std::path::PathBuf;

use serde_json::Value;
use tempfile::TempDir;

use crate::support::program::{Run, run_with};

/// An account with a role, as a document.
const ACCOUNT: &str = "\
apiVersion: v1
kind: ServiceAccount
metadata:
  name: web
  namespace: shop
  annotations:
    eks.amazonaws.com/role-arn: arn:aws:iam::111122223333:role/web
";

/// What a container gets, as block YAML at a depth of `depth` blanks.
fn container_additions(depth: usize) -> String {
    indented(
        depth,
        "\
env:
- name: AWS_ROLE_ARN
  value: arn:aws:iam::111122223333:role/web
- name: AWS_WEB_IDENTITY_TOKEN_FILE
  value: /var/run/secrets/eks.amazonaws.com/serviceaccount/token
volumeMounts:
- name: aws-iam-token
  readOnly: true
  mountPath: /var/run/secrets/eks.amazonaws.com/serviceaccount
",
    )
}

/// What a pod gets, the same way.
fn pod_additions(depth: usize) -> String {
    indented(
        depth,
        "\
volumes:
- name: aws-iam-token
  projected:
    sources:
    - serviceAccountToken:
        audience: sts.amazonaws.com
        expirationSeconds: 86400
        path: token
",
    )
}

fn indented(depth: usize, text: &str) -> String {
    let lines: Vec<_> = text.lines().map(|line| format!("{:depth$}{line}\n", "")).collect();
    lines.concat()
}

/// Files in a folder of their own.
struct Files(TempDir);

impl Files {
    fn new(files: &[(&str, &str)]) -> Self {
        let folder = TempDir::new().unwrap();
        for (name, text) in files {
            std::fs::write(folder.path().join(name), text).unwrap();
        }
        Self(folder)
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// Runs `inject` with these arguments, `@name` being the path of a file, and this input.
    fn run(&self, args: &[&str], input: &str) -> Run {
        let args = args.iter().map(|arg| match arg.strip_prefix('@') {
            Some(name) => self.path(name).display().to_string(),
            None => (*arg).to_owned(),
        });
        run_with(["inject".to_owned()].into_iter().chain(args), &[], input.as_bytes())
    }
}

/// What `inject -f -` prints of an input, with [`ACCOUNT`] known beside it.
#[track_caller]
fn injected(input: &str, args: &[&str]) -> String {
    let files = Files::new(&[("account.yaml", ACCOUNT)]);
    files.run(&[&["-f", "-", "--manifests", "@account.yaml"], args].concat(), input).printed()
}

/// The documents of a stream, as JSON.
fn values(text: &str) -> Vec<Value> {
    let stream = manifests::parse(text).unwrap();
    stream.documents().iter().map(|document| document.value().clone()).collect()
}

/// Whether a pod template has the credentials in every container and the volume they need.
#[track_caller]
fn assert_injected(pod: &Value) {
    for container in pod["spec"]["containers"].as_array().unwrap() {
        let names: Vec<_> =
            container["env"].as_array().into_iter().flatten().map(|env| &env["name"]).collect();
        assert!(names.contains(&&Value::from("AWS_ROLE_ARN")), "{pod:#}");
        assert_eq!(container["volumeMounts"][0]["name"], "aws-iam-token", "{pod:#}");
    }
    assert_eq!(pod["spec"]["volumes"][0]["name"], "aws-iam-token", "{pod:#}");
}
