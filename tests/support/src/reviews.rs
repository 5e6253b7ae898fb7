//! The one AdmissionReview that is written by hand, and those of pods of a small world: `shop/orders` has a
//! role, `shop/cart` an association, `shop/plain` neither.

use serde_json::{Value, json};

/// The flag that reads the world.
pub const WORLD: &str = concat!("--manifests=", env!("CARGO_MANIFEST_DIR"), "/world.yaml");

/// The uid of every review: the golden cases' lifetimes are drawn from it.
pub const UID: &str = "c64b7908-d905-5aea-8d54-673b9e36d8e4";

/// The call for a pod that is being made, member by member in the order of Go's encoder.
pub fn creation(namespace: &str, pod: &Value) -> Value {
    let kind = json!({"group": "", "version": "v1", "kind": "Pod"});
    let resource = json!({"group": "", "version": "v1", "resource": "pods"});
    let mut request = json!({
        "uid": UID,
        "kind": kind,
        "resource": resource,
        "requestKind": kind,
        "requestResource": resource,
        "name": pod.pointer("/metadata/name"),
        "namespace": namespace,
        "operation": "CREATE",
        "userInfo": {
            "username": "system:serviceaccount:kube-system:replicaset-controller",
            "uid": "3f0cbb1d-52f7-4fd1-a1bb-0c6a0e4f7f31",
            "groups": ["system:serviceaccounts", "system:serviceaccounts:kube-system", "system:authenticated"],
        },
        "object": pod,
        "oldObject": null,
        "dryRun": false,
        "options": {"kind": "CreateOptions", "apiVersion": "meta.k8s.io/v1"},
    });
    // A workload's pod has no name yet.
    if request["name"].is_null() {
        request.as_object_mut().unwrap().shift_remove("name");
    }
    json!({"kind": "AdmissionReview", "apiVersion": "admission.k8s.io/v1", "request": request})
}

/// The call for a pod of this account.
pub fn review(account: &str) -> Value {
    let pod = json!({
        "kind": "Pod",
        "apiVersion": "v1",
        "metadata": {"generateName": "orders-", "creationTimestamp": null},
        "spec": {
            "containers": [{"name": "app", "image": "registry.example.org/app:1", "resources": {}}],
            "serviceAccountName": account,
        },
        "status": {},
    });
    creation("shop", &pod)
}

/// The call for a pod of this account, as it is sent.
pub fn body(account: &str) -> Vec<u8> {
    serde_json::to_vec(&review(account)).unwrap()
}

/// The call for a pod that is exactly this large, in bytes.
pub fn of_size(size: usize) -> Vec<u8> {
    let mut review = review("orders");
    review["request"]["object"]["metadata"]["annotations"] = json!({"padding": ""});
    let padding = "x".repeat(size - serde_json::to_vec(&review).unwrap().len());
    review["request"]["object"]["metadata"]["annotations"]["padding"] = json!(padding);
    let body = serde_json::to_vec(&review).unwrap();
    assert_eq!(body.len(), size);
    body
}

/// The review with the value at `pointer` replaced.
pub fn with(pointer: &str, value: Value) -> Vec<u8> {
    let mut review = review("orders");
    *review.pointer_mut(pointer).unwrap() = value;
    serde_json::to_vec(&review).unwrap()
}

/// The review with one member fewer.
pub fn without(parent: &str, member: &str) -> Vec<u8> {
    let mut review = review("orders");
    review.pointer_mut(parent).unwrap().as_object_mut().unwrap().remove(member).unwrap();
    serde_json::to_vec(&review).unwrap()
}

/// The review with a piece of its text replaced.
pub fn edited(from: &str, to: &str) -> String {
    let text = String::from_utf8(body("orders")).unwrap();
    assert_eq!(text.matches(from).count(), 1, "{from}");
    text.replace(from, to)
}
