//! Associations as manifests: as they are in the cluster, or as somebody would write them.

use injection::AccountName;
use serde_json::{Map, Value, json};

use crate::association::{API_VERSION, Association, KIND, PLURAL, Spec};

/// Annotations that only mean something in the cluster that has the object.
const OF_THE_CLUSTER: [&str; 3] = [
    "kubectl.kubernetes.io/last-applied-configuration",
    "pod-identity-webhook.dev/create-request",
    "pod-identity-webhook.dev/update-request",
];

/// The manifest of an association that is not in a cluster yet.
pub(super) fn fresh(account: AccountName<'_>, spec: &Spec) -> Value {
    json!({
        "apiVersion": API_VERSION,
        "kind": KIND,
        "metadata": { "name": account.name, "namespace": account.namespace },
        "spec": spec,
    })
}

/// The manifest with which another cluster gets the same association: without what the API server and the webhook
/// write.
pub(super) fn portable(association: &Association) -> Value {
    let object = association.object();
    let mut metadata = Map::new();
    let account = association.account.get();
    metadata.insert("name".to_owned(), account.name.into());
    metadata.insert("namespace".to_owned(), account.namespace.into());
    for member in ["labels", "annotations"] {
        let members = object.pointer(&format!("/metadata/{member}")).and_then(Value::as_object);
        let mut members = members.cloned().unwrap_or_default();
        members.retain(|key, _| !OF_THE_CLUSTER.contains(&key.as_str()));
        if !members.is_empty() {
            metadata.insert(member.to_owned(), members.into());
        }
    }
    // Members that a later version of the definition has are kept.
    json!({ "apiVersion": API_VERSION, "kind": KIND, "metadata": metadata, "spec": object.get("spec") })
}

/// The object as it is, but for the bookkeeping of who wrote what, which kubectl does not show either.
pub(super) fn whole(association: &Association) -> Value {
    let mut object = association.object().clone();
    if let Some(metadata) = object.get_mut("metadata").and_then(Value::as_object_mut) {
        metadata.remove("managedFields");
    }
    // Objects of a list may come without these.
    let members =
        [("apiVersion", API_VERSION), ("kind", KIND)].map(|(key, value)| (key.to_owned(), value.into()));
    let mut named: Map<_, _> = members.into_iter().collect();
    if let Value::Object(members) = object {
        named.extend(members);
    }
    named.into()
}

/// A List, as kubectl prints and reads it.
pub(super) fn list(items: &[Value]) -> Value {
    json!({ "apiVersion": "v1", "kind": "List", "items": items })
}

/// How kubectl names an object: `KIND.GROUP/NAME`.
pub(super) fn name(account: AccountName<'_>) -> String {
    let singular = PLURAL.strip_suffix('s').unwrap_or(PLURAL);
    let group = API_VERSION.split('/').next().unwrap_or_default();
    format!("{singular}.{group}/{}", account.name)
}

/// JSON that people may have to read.
pub(super) fn json(value: &Value) -> String {
    format!("{value:#}\n")
}

/// YAML documents.
pub(super) fn yaml(documents: &[Value]) -> String {
    documents.iter().map(manifests::yaml).collect::<Vec<_>>().join("---\n")
}
