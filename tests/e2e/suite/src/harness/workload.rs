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
    of_spec(name, &pod_spec(account, container))
}

/// A pod of this `spec`.
pub fn of_spec(name: &str, spec: &Value) -> Value {
    json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name}, "spec": spec})
}

/// The same as a template's `spec`, without a `restartPolicy`, which depends on the template.
pub fn pod_spec(account: &str, container: &Value) -> Value {
    json!({
        "serviceAccountName": account,
        "restartPolicy": "Never",
        "terminationGracePeriodSeconds": 0,
        "containers": [self::container("main", container)],
    })
}

/// A container with these fields.
pub fn container(name: &str, fields: &Value) -> Value {
    let mut container = json!({
        "name": name,
        "imagePullPolicy": "IfNotPresent",
        "resources": {"requests": {"cpu": "1m", "memory": "8Mi"}},
    });
    if let (Some(container), Some(fields)) = (container.as_object_mut(), fields.as_object()) {
        container.extend(fields.clone());
    }
    container
}

/// What makes such pods, with the label `app: NAME`: `Deployment`, `DaemonSet` or `StatefulSet`.
pub fn controller(kind: &str, name: &str, mut pod_spec: Value) -> Value {
    pod_spec["restartPolicy"] = json!("Always");
    let labels = json!({"app": name});
    json!({
        "apiVersion": "apps/v1",
        "kind": kind,
        "metadata": {"name": name},
        "spec": {
            "selector": {"matchLabels": labels},
            "template": {"metadata": {"labels": labels}, "spec": pod_spec},
        },
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
