//! The pods in a manifest: a pod itself, the template of a workload, the items of a list.

use std::fmt;

use json_patch::jsonptr::PointerBuf;
use json_patch::{AddOperation, Patch, PatchOperation};
use serde_json::Value;

/// A pod, or the template that pods are made of.
pub(super) struct Template<'a> {
    /// An object with `metadata` and `spec`.
    pub(super) pod: &'a Value,
    /// Of the object that it belongs to.
    pub(super) namespace: &'a str,
    kind: &'a str,
    name: &'a str,
    /// Where it stands in the document, as a JSON pointer.
    pointer: String,
}

impl fmt::Display for Template<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}/{}", self.kind, self.namespace, self.name)
    }
}

impl Template<'_> {
    /// A pod's patch as one of the whole document.
    pub(super) fn prefixed(&self, patch: Patch) -> Patch {
        let moved = patch.0.into_iter().map(|operation| match operation {
            PatchOperation::Add(AddOperation { path, value }) => {
                // Both are pointers already; joined they are one.
                let whole = PointerBuf::parse(format!("{}{path}", self.pointer)).unwrap_or(path);
                PatchOperation::Add(AddOperation { path: whole, value })
            }
            other => other,
        });
        Patch(moved.collect())
    }
}

/// The kinds that bear a pod template: group, kind, and where the template stands.
const WORKLOADS: [(&str, &str, &str); 9] = [
    ("", "Pod", ""),
    ("", "PodTemplate", "/template"),
    ("", "ReplicationController", "/spec/template"),
    ("apps", "Deployment", "/spec/template"),
    ("apps", "ReplicaSet", "/spec/template"),
    ("apps", "StatefulSet", "/spec/template"),
    ("apps", "DaemonSet", "/spec/template"),
    ("batch", "Job", "/spec/template"),
    ("batch", "CronJob", "/spec/jobTemplate/spec/template"),
];

/// Every pod template of a document; `namespace` is that of objects that name none.
pub(super) fn templates<'a>(document: &'a Value, namespace: &'a str) -> Vec<Template<'a>> {
    let mut found = Vec::new();
    collect(document, None, namespace, String::new(), &mut found);
    found
}

fn collect<'a>(
    object: &'a Value,
    of_list: Option<(&'a str, &'a str)>,
    namespace: &'a str,
    pointer: String,
    found: &mut Vec<Template<'a>>,
) {
    let text =
        |pointer| object.pointer(pointer).and_then(Value::as_str).filter(|text: &&str| !text.is_empty());
    let (list_version, list_kind) = of_list.unwrap_or_default();
    let version = text("/apiVersion").unwrap_or(list_version);
    let kind = text("/kind").unwrap_or(list_kind);
    if let Some(item_kind) = kind.strip_suffix("List") {
        let items = object.get("items").and_then(Value::as_array);
        for (place, item) in items.into_iter().flatten().enumerate() {
            collect(item, Some((version, item_kind)), namespace, format!("{pointer}/items/{place}"), found);
        }
        return;
    }
    let group = version.split_once('/').map_or("", |(group, _)| group);
    let Some((.., template)) = WORKLOADS.iter().find(|(known, name, _)| *known == group && *name == kind)
    else {
        return;
    };
    if let Some(pod) = object.pointer(template) {
        found.push(Template {
            pod,
            namespace: text("/metadata/namespace").unwrap_or(namespace),
            kind,
            name: text("/metadata/name").or_else(|| text("/metadata/generateName")).unwrap_or("(no name)"),
            pointer: pointer + template,
        });
    }
}
