//! The objects that a document holds: itself, or the items of the List that it is.

use serde_json::Value;

/// One Kubernetes object.
#[derive(Debug)]
pub struct Object<'a> {
    /// The whole object.
    pub value: &'a Value,
    /// The object's `apiVersion`; empty if there is none.
    pub version: &'a str,
    /// The object's `kind`; empty if there is none.
    pub kind: &'a str,
    /// The object's place in the document, as a JSON pointer.
    pub pointer: String,
}

impl<'a> Object<'a> {
    /// The text at a JSON pointer, unless it is missing or empty.
    #[must_use]
    pub fn text(&self, pointer: &str) -> Option<&'a str> {
        text(self.value, pointer)
    }

    /// The object's `metadata.namespace`.
    #[must_use]
    pub fn namespace(&self) -> Option<&'a str> {
        self.text("/metadata/namespace")
    }
}

/// Adds an object, or the items of a List. The API server leaves `apiVersion` and `kind` out of the
/// items of a typed list (`DeploymentList`): they are then those of the list.
pub(super) fn collect<'a>(
    value: &'a Value,
    of_list: (&'a str, &'a str),
    pointer: String,
    found: &mut Vec<Object<'a>>,
) {
    let version = text(value, "/apiVersion").unwrap_or(of_list.0);
    let kind = text(value, "/kind").unwrap_or(of_list.1);
    let Some(item_kind) = kind.strip_suffix("List") else {
        return found.push(Object { value, version, kind, pointer });
    };
    let items = value.get("items").and_then(Value::as_array);
    for (place, item) in items.into_iter().flatten().enumerate() {
        collect(item, (version, item_kind), format!("{pointer}/items/{place}"), found);
    }
}

fn text<'a>(value: &'a Value, pointer: &str) -> Option<&'a str> {
    value.pointer(pointer).and_then(Value::as_str).filter(|text| !text.is_empty())
}
