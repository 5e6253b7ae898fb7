//! What `inject` prints of a pod that is made, or says of one that is refused.

use std::process::{Command, Stdio};

use serde_json::{Value, json};
use test_support::cases::{Case, patched};

use crate::check::same;

pub fn check(case: &Case, namespace: &str, pod: &Value) -> Result<(), String> {
    let mut child = Command::new(env!("CARGO_BIN_EXE_pod-identity-webhook"))
        .args(["inject", "-f", "-", "--manifests"])
        .arg(case.world())
        .args(["--namespace", namespace])
        .args(case.args())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    serde_json::to_writer_pretty(child.stdin.take().unwrap(), pod).unwrap();
    let output = child.wait_with_output().unwrap();
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
