//! Objects that tests create.

use serde_json::{Value, json};

/// A ServiceAccount with annotations of the default domain.
pub fn account(namespace: &str, name: &str, annotations: &[(&str, &str)]) -> Value {
    let annotations: serde_json::Map<_, _> =
        annotations.iter().map(|(key, value)| (format!("eks.amazonaws.com/{key}"), json!(value))).collect();
    json!({
        "apiVersion": "v1",
        "kind": "ServiceAccount",
        "metadata": {"name": name, "namespace": namespace, "annotations": annotations},
    })
}

/// A pod of one container `main` that is admitted and stored, and never starts.
pub fn unscheduled(name: &str, account: &str) -> Value {
    let mut pod = pod(name, account, &json!({"image": "none.invalid/none"}));
    pod["spec"]["schedulingGates"] = json!([{"name": "e2e.test/never"}]);
    pod
}

/// A pod of one container `main` with these fields; it is not started again once it ended.
pub fn pod(name: &str, account: &str, container: &Value) -> Value {
    json!({
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name},
        "spec": pod_spec(account, container),
    })
}

/// The same as a template's `spec`, but that its `restartPolicy` is the template's to choose.
pub fn pod_spec(account: &str, container: &Value) -> Value {
    let mut main = json!({
        "name": "main",
        "imagePullPolicy": "IfNotPresent",
        "resources": {"requests": {"cpu": "1m", "memory": "8Mi"}},
    });
    if let (Some(main), Some(fields)) = (main.as_object_mut(), container.as_object()) {
        main.extend(fields.clone());
    }
    json!({
        "serviceAccountName": account,
        "restartPolicy": "Never",
        "terminationGracePeriodSeconds": 0,
        "containers": [main],
    })
}

/// What a container prints of itself as one JSON line: its `AWS_*` variables, and of each token file
/// they name the claims. Nothing of the webhook's own code reads it.
const REPORT: &str = include_str!("report.py");

/// Fields of a container that prints its report and ends; `image` is the boto3 client's.
pub fn report(image: &str) -> Value {
    json!({"image": image, "command": ["python3", "-c", REPORT]})
}

/// Fields of a container that prints its report and stays.
pub fn report_and_stay(image: &str) -> Value {
    json!({"image": image, "command": ["python3", "-c", format!("{REPORT}\nimport signal\nsignal.pause()\n")]})
}
