//! What `inject` prints of a pod that is made, or says of one that is refused.

use std::process::{Command, Output, Stdio};

use serde_json::{Value, json};
use test_support::cases::{Case, patched};

use crate::check::same;

pub fn check(case: &Case, namespace: &str, pod: &Value) -> Result<(), String> {
    if let Some(expected) = case.explanation() {
        same("explained", &json!(explain(case, namespace, pod)), &json!(expected))?;
    }
    let output = inject(case, namespace, pod, &[]);
    let said = String::from_utf8(output.stderr).unwrap();
    let Some(denial) = case.expected().denial else {
        assert!(output.status.success(), "{said}");
        let printed = serde_json::from_slice(&output.stdout).unwrap();
        return same("printed", &printed, &patched(pod.clone(), &case.offline())?);
    };
    assert_eq!((output.status.code(), output.stdout.as_slice()), (Some(1), &b""[..]), "{said}");
    let (_, refused) = said.trim_end().split_once(": refused: ").unwrap_or_default();
    same("said", &json!(refused), &json!(denial))
}

/// What `inject --explain` says of the pod, without the folder's name.
pub fn explain(case: &Case, namespace: &str, pod: &Value) -> String {
    let output = inject(case, namespace, pod, &["--explain"]);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let folder = case.world().parent().unwrap().display().to_string();
    String::from_utf8(output.stdout).unwrap().replace(&format!("{folder}/"), "")
}

fn inject(case: &Case, namespace: &str, pod: &Value, args: &[&str]) -> Output {
    let mut child = Command::new(env!("CARGO_BIN_EXE_pod-identity-webhook"))
        .args(["inject", "-f", "-", "--manifests"])
        .arg(case.world())
        .args(["--namespace", namespace])
        .args(case.args())
        .args(args)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    serde_json::to_writer_pretty(child.stdin.take().unwrap(), pod).unwrap();
    child.wait_with_output().unwrap()
}
