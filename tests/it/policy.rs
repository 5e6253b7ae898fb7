//! Pods that an operator wants refused: one word says so in the answer, the metrics, the log and the audit.

use http::StatusCode;
use serde_json::json;
use tempfile::TempDir;

use crate::support::process::Process;
use crate::support::reviews::body;

/// An account beside those of the small world, whose role is a mere name.
const ACCOUNT: &str = "\
apiVersion: v1
kind: ServiceAccount
metadata:
  name: named
  namespace: shop
  annotations:
    eks.amazonaws.com/role-arn: hunter2-7f3a
";

#[tokio::test]
async fn a_pod_of_a_bad_role_is_refused_by_one_word_in_answer_audit_metric_and_log() {
    let folder = TempDir::new().unwrap();
    std::fs::write(folder.path().join("account.yaml"), ACCOUNT).unwrap();
    let manifests = format!("--manifests={}", folder.path().display());
    let args = [manifests.as_str(), "--role-arn-validation=enforce", "--shutdown-delay=0"];
    let mut process = Process::start(&args).await;

    let answer = process.client.post("/mutate", body("named")).await;
    // The call itself went well: another status would leave the pod to failurePolicy.
    assert_eq!(answer.status, StatusCode::OK);
    let response = answer.json()["response"].take();
    let message = "annotation eks.amazonaws.com/role-arn of ServiceAccount shop/named: \"hunter2-7f3a\" is not \
                   a role ARN: it does not begin with 'arn:'; write it as arn:PARTITION:iam::ACCOUNT:role/NAME";
    let expected = json!({
        "uid": response["uid"],
        "allowed": false,
        "status": {"code": 403, "reason": "Forbidden", "message": message},
        "auditAnnotations": {"outcome": "role_arn_denied"},
    });
    assert_eq!(response, expected);

    let answer = process.client.post("/mutate", body("orders")).await.json();
    assert_eq!(answer["response"]["allowed"], json!(true));
    let count = "pod_identity_webhook_admission_duration_seconds_count";
    for outcome in ["role_arn_denied", "injected"] {
        assert_eq!(
            process.metric(&format!("{count}{{outcome=\"{outcome}\"}}")).await,
            Some(1.0),
            "{outcome}"
        );
    }
    let line = process.logged("service_account=\"named\"").await;
    assert!(line.contains("outcome=\"role_arn_denied\""), "{line}");
    process.terminate();
    assert!(process.ended().await.success());
    // A role is a variable's value: those are never logged.
    assert!(process.log().iter().all(|line| !line.contains("hunter2-7f3a")), "{:#?}", process.log());
}
