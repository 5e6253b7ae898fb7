//! The JSON that kube-apiserver sends: objects, lists, watch events and Status, full or metadata only.
//! Shapes: <https://kubernetes.io/docs/reference/using-api/api-concepts/>.

use serde_json::{Value, json};

use super::resource::Resource;
use super::world::{Change, ChangeKind, Object, Page};

/// The member of an object's body that is the name of its owner, and so part of its metadata.
pub(super) const OWNER: &str = "fakeOwner";

/// Which representation of an object the client asked for with `Accept`.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    Full(Resource),
    /// `PartialObjectMetadata` of `meta.k8s.io/v1`.
    Metadata,
}

impl Form {
    fn kind(self) -> (&'static str, String) {
        match self {
            Self::Full(resource) => (resource.kind, resource.api_version()),
            Self::Metadata => ("PartialObjectMetadata", "meta.k8s.io/v1".to_owned()),
        }
    }
}

pub(super) fn object(object: &Object, form: Form) -> Value {
    let (kind, api_version) = form.kind();
    let mut value = json!({ "kind": kind, "apiVersion": api_version, "metadata": metadata(object) });
    if let (Form::Full(_), Some(fields)) = (form, value.as_object_mut()) {
        fields.extend(object.body.clone());
    }
    value
}

/// The Service `kubernetes`, with these IP families.
pub(super) fn service(families: &[&str]) -> Value {
    json!({
        "kind": "Service",
        "apiVersion": "v1",
        "metadata": { "name": "kubernetes", "namespace": "default" },
        "spec": { "type": "ClusterIP", "ports": [{ "port": 443 }], "ipFamilies": families },
    })
}

pub(super) fn list(page: &Page, form: Form) -> Value {
    let (kind, api_version) = form.kind();
    let items: Vec<Value> = page
        .objects
        .iter()
        .map(|item| {
            let mut value = object(item, form);
            // Items of a list of the core group do not repeat their kind; all others do.
            if let (Form::Full(Resource { group: "", .. }), Some(fields)) = (form, value.as_object_mut()) {
                fields.retain(|key, _| key != "kind" && key != "apiVersion");
            }
            value
        })
        .collect();
    let mut list = json!({
        "kind": format!("{kind}List"),
        "apiVersion": api_version,
        "metadata": { "resourceVersion": page.version.to_string() },
        "items": items,
    });
    if let (Some(token), Some(metadata)) = (&page.continue_token, list.get_mut("metadata")) {
        *metadata = json!({
            "resourceVersion": page.version.to_string(),
            "continue": token,
            "remainingItemCount": page.remaining,
        });
    }
    list
}

pub(super) fn change(change: &Change, form: Form) -> Value {
    let kind = match change.kind {
        ChangeKind::Added => "ADDED",
        ChangeKind::Modified => "MODIFIED",
        ChangeKind::Deleted => "DELETED",
    };
    json!({ "type": kind, "object": object(&change.object, form) })
}

pub(super) fn bookmark(version: u64, form: Form) -> Value {
    let (kind, api_version) = form.kind();
    json!({
        "type": "BOOKMARK",
        "object": {
            "kind": kind,
            "apiVersion": api_version,
            "metadata": { "resourceVersion": version.to_string() },
        },
    })
}

/// The ERROR event by which kube-apiserver refuses a watch from a version it no longer knows; a
/// failed watch is always 200 with this event, never an HTTP error.
pub(super) fn too_old(asked: u64, oldest: u64) -> Value {
    let message = format!("too old resource version: {asked} ({oldest})");
    json!({ "type": "ERROR", "object": status(410, &message) })
}

pub(super) fn not_found(resource: &str, name: &str) -> Value {
    let mut status = status(404, &format!("{resource} \"{name}\" not found"));
    if let Some(fields) = status.as_object_mut() {
        fields.insert("details".to_owned(), json!({ "name": name, "kind": resource }));
    }
    status
}

pub(super) fn conflict(resource: &str, name: &str) -> Value {
    let message =
        "the object has been modified; please apply your changes to the latest version and try again";
    let mut status =
        status(409, &format!("Operation cannot be fulfilled on {resource} \"{name}\": {message}"));
    if let Some(fields) = status.as_object_mut() {
        fields.insert("details".to_owned(), json!({ "name": name, "kind": resource }));
    }
    status
}

/// A failure's Status with the reason that Kubernetes' apimachinery gives to `code`.
pub(super) fn status(code: u16, message: &str) -> Value {
    let reason = match code {
        400 => "BadRequest",
        401 => "Unauthorized",
        403 => "Forbidden",
        404 => "NotFound",
        405 => "MethodNotAllowed",
        406 => "NotAcceptable",
        409 => "Conflict",
        410 => "Expired",
        415 => "UnsupportedMediaType",
        422 => "Invalid",
        429 => "TooManyRequests",
        500 => "InternalError",
        503 => "ServiceUnavailable",
        504 => "Timeout",
        _ => "",
    };
    json!({
        "kind": "Status",
        "apiVersion": "v1",
        "metadata": {},
        "status": "Failure",
        "message": message,
        "reason": reason,
        "code": code,
    })
}

/// What a group serves: `APIGroup`, its versions in the order in which they were installed.
pub(super) fn group(group: &str, versions: &[&str]) -> Value {
    let version =
        |version: &&str| json!({ "groupVersion": format!("{group}/{version}"), "version": version });
    json!({
        "kind": "APIGroup",
        "apiVersion": "v1",
        "name": group,
        "versions": versions.iter().map(version).collect::<Vec<_>>(),
        "preferredVersion": versions.first().map(version),
    })
}

/// What a version of a group serves: `APIResourceList`.
pub(super) fn resources(resources: &[Resource]) -> Value {
    let mut entries = Vec::new();
    for Resource { plural, kind, .. } in resources {
        let singular = kind.to_lowercase();
        let verbs = ["delete", "deletecollection", "get", "list", "patch", "create", "update", "watch"];
        entries.push(
            json!({ "name": plural, "singularName": singular, "namespaced": true, "kind": kind, "verbs": verbs }),
        );
        let (status, verbs) = (format!("{plural}/status"), ["get", "patch", "update"]);
        entries.push(
            json!({ "name": status, "singularName": "", "namespaced": true, "kind": kind, "verbs": verbs }),
        );
    }
    json!({
        "kind": "APIResourceList",
        "apiVersion": "v1",
        "groupVersion": resources.first().map(Resource::api_version),
        "resources": entries,
    })
}

fn metadata(object: &Object) -> Value {
    let mut metadata = json!({
        "name": object.name,
        "uid": format!("00000000-0000-4000-8000-{:012x}", object.created),
        "resourceVersion": object.version.to_string(),
        "creationTimestamp": "2026-01-01T00:00:00Z",
    });
    let Some(fields) = metadata.as_object_mut() else { return metadata };
    if !object.namespace.is_empty() {
        fields.insert("namespace".to_owned(), Value::from(object.namespace.as_str()));
    }
    if !object.annotations.is_empty() {
        let annotations = object.annotations.iter();
        let annotations = annotations.map(|(key, value)| (key.clone(), Value::from(value.as_str())));
        fields.insert("annotations".to_owned(), Value::Object(annotations.collect()));
    }
    // Objects of the core group have none.
    if object.resource.contains('.') {
        fields.insert("generation".to_owned(), object.generation.into());
    }
    if let Some(owner) = object.body.get(OWNER) {
        let owner = json!({ "apiVersion": "v1", "kind": "ConfigMap", "name": owner, "uid": "1" });
        fields.insert("ownerReferences".to_owned(), json!([owner]));
    }
    metadata
}

/// A `TokenReview` that confirms the account and the pod with these UIDs; `None`: nobody.
pub(super) fn token_review(uids: Option<&[String; 2]>, audience: &str) -> Value {
    let status = match uids {
        None => json!({ "authenticated": false, "error": "invalid bearer token" }),
        Some([account, pod]) => json!({
            "authenticated": true,
            "audiences": [audience],
            "user": {
                "username": "system:serviceaccount:shop:orders",
                "uid": account,
                "extra": { "authentication.kubernetes.io/pod-uid": [pod] },
            },
        }),
    };
    json!({ "apiVersion": "authentication.k8s.io/v1", "kind": "TokenReview", "status": status })
}
