//! Reviews of pods of a small world: `shop/orders` has a role, `shop/cart` an association,
//! `shop/plain` neither.

use serde_json::{Value, json};

/// The flag that reads the world.
pub const WORLD: &str = concat!("--manifests=", env!("CARGO_MANIFEST_DIR"), "/tests/it/support/world.yaml");

/// The call for a pod of this account, member by member in the order of Go's encoder.
pub fn review(account: &str) -> Value {
    json!({
        "kind": "AdmissionReview",
        "apiVersion": "admission.k8s.io/v1",
        "request": {
            "uid": "0bd2c2f9-7c3c-4d26-a9be-9ab1a3c8f5d7",
            "kind": {"group": "", "version": "v1", "kind": "Pod"},
            "resource": {"group": "", "version": "v1", "resource": "pods"},
            "namespace": "shop",
            "operation": "CREATE",
            "userInfo": {"username": "system:serviceaccount:kube-system:replicaset-controller"},
            "object": {
                "kind": "Pod",
                "apiVersion": "v1",
                "metadata": {"generateName": "orders-", "creationTimestamp": null},
                "spec": {
                    "containers": [{"name": "app", "image": "registry.example.org/app:1", "resources": {}}],
                    "serviceAccountName": account,
                },
                "status": {},
            },
            "oldObject": null,
            "dryRun": false,
        },
    })
}

/// The same as it is sent.
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
