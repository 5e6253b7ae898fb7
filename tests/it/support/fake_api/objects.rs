//! The JSON that kube-apiserver sends: objects, lists, watch events and Status, full or metadata only.
//! Shapes: <https://kubernetes.io/docs/reference/using-api/api-concepts/>.

use serde_json::{Value, json};

use super::world::{Account, Change, ChangeKind, Page};

/// Which representation of an account the client asked for with `Accept`.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    Full,
    /// `PartialObjectMetadata` of `meta.k8s.io/v1`.
    Metadata,
}

impl Form {
    fn kind(self) -> (&'static str, &'static str) {
        match self {
            Self::Full => ("ServiceAccount", "v1"),
            Self::Metadata => ("PartialObjectMetadata", "meta.k8s.io/v1"),
        }
    }
}

pub(super) fn object(account: &Account, form: Form) -> Value {
    let (kind, api_version) = form.kind();
    json!({ "kind": kind, "apiVersion": api_version, "metadata": metadata(account) })
}

pub(super) fn list(page: &Page, form: Form) -> Value {
    let (kind, api_version) = form.kind();
    let items: Vec<Value> = page
        .accounts
        .iter()
        .map(|account| match form {
            // Items of a typed list do not repeat their kind; PartialObjectMetadata do.
            Form::Full => json!({ "metadata": metadata(account) }),
            Form::Metadata => object(account, form),
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
    json!({ "type": kind, "object": object(&change.account, form) })
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

pub(super) fn not_found(name: &str) -> Value {
    let mut status = status(404, &format!("serviceaccounts \"{name}\" not found"));
    if let Some(fields) = status.as_object_mut() {
        fields.insert("details".to_owned(), json!({ "name": name, "kind": "serviceaccounts" }));
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

fn metadata(account: &Account) -> Value {
    let mut metadata = json!({
        "name": account.name,
        "namespace": account.namespace,
        "uid": format!("00000000-0000-4000-8000-{:012x}", account.created),
        "resourceVersion": account.version.to_string(),
        "creationTimestamp": "2026-01-01T00:00:00Z",
    });
    if let (false, Some(fields)) = (account.annotations.is_empty(), metadata.as_object_mut()) {
        let annotations = account
            .annotations
            .iter()
            .map(|(key, value)| (key.clone(), Value::from(value.as_str())))
            .collect();
        fields.insert("annotations".to_owned(), Value::Object(annotations));
    }
    metadata
}
