//! What the tests share: a kind of each controller, and an object that is well.

mod judging;
mod own;
mod publishing;
mod reading;

use serde_json::{Value, json};

use super::kept::Kept;
use super::{Association, KIND, Kind};
use crate::identities::sources::association_resources::Controller;

fn ack() -> &'static Kind {
    &Kind::of(Controller::Ack)[0]
}

fn crossplane() -> &'static Kind {
    Kind::find("eks.aws.m.upbound.io/v1beta1", KIND).unwrap()
}

/// Reads an object from a manifest and as an API server sends it, of which less is kept, but all that counts.
fn read(kind: &Kind, object: &Value) -> Result<Association, String> {
    let read = Association::read(kind, object, "");
    let Kept(kept) = serde_json::from_value(object.clone()).unwrap();
    assert_eq!(Association::read(kind, &kept, ""), read, "{object}");
    read.map_err(|error| error.to_string())
}

/// A resource as ACK's controller leaves it once all is well.
fn synced(namespace: &str, account: &str, cluster: &str) -> Value {
    json!({
        "spec": { "namespace": namespace, "serviceAccount": account, "clusterName": cluster,
                  "roleARN": "arn:aws:iam::123456789012:role/x" },
        "status": { "associationID": "a-1", "conditions": [{ "type": "ACK.ResourceSynced", "status": "True" }] },
    })
}

fn with(mut object: Value, pointer: &str, value: Value) -> Value {
    *object.pointer_mut(pointer).unwrap() = value;
    object
}
