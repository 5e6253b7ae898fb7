//! The pods in a manifest: a pod itself, the template of a workload, the items of a list.

use std::fmt;

use json_patch::jsonptr::PointerBuf;
use json_patch::{AddOperation, Patch, PatchOperation};
use manifests::Document;
use serde_json::Value;

/// A pod, or the template that pods are made of.
pub(super) struct Template<'a> {
    /// An object with `metadata` and `spec`.
    pub(super) pod: &'a Value,
    /// The namespace of the object that the template belongs to.
    pub(super) namespace: &'a str,
    kind: &'a str,
    name: &'a str,
    /// Where the template stands in the document, as a JSON pointer.
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

/// Every pod template of a document; `namespace` is for objects that name no namespace.
pub(super) fn templates<'a>(document: &'a Document, namespace: &'a str) -> Vec<Template<'a>> {
    let objects = document.objects().into_iter();
    let templates = objects.filter_map(|object| {
        let group = object.version.split_once('/').map_or("", |(group, _)| group);
        let is_it = |(known, kind, _): &&(&str, &str, &str)| *known == group && *kind == object.kind;
        let (.., template) = WORKLOADS.iter().find(is_it)?;
        let name = object.text("/metadata/name").or_else(|| object.text("/metadata/generateName"));
        Some(Template {
            pod: object.value.pointer(template)?,
            namespace: object.namespace().unwrap_or(namespace),
            kind: object.kind,
            name: name.unwrap_or("(no name)"),
            pointer: object.pointer + template,
        })
    });
    templates.collect()
}
