//! Any text: manifests that render as they were written, that read back as patched, and
//! identities that can be read from them.
#![no_main]

use std::path::Path;
use std::sync::LazyLock;

use json_patch::Patch;
use libfuzzer_sys::fuzz_target;
use manifests::Document;
use pod_identity_webhook::identities::offline::Manifests;
use pod_identity_webhook::injection::annotation::Prefix;
use serde_json::{Value, json};

static PREFIX: LazyLock<Prefix> = LazyLock::new(|| Prefix::new("eks.amazonaws.com").unwrap());

fuzz_target!(|text: &str| {
    let Ok(stream) = manifests::parse(text) else {
        return;
    };
    assert_eq!(stream.render(&[]).unwrap(), text);
    let mut identities = Manifests::default();
    // What is no ServiceAccount's shape is an error; it must not be more.
    drop(identities.add(&stream, Path::new("fuzz.yaml"), "default", &PREFIX));
    drop(identities.find("default", "default"));

    let (patches, patched): (Vec<_>, Vec<_>) = stream.documents().iter().map(addition).unzip();
    // A document in a style that no text was found for is refused: nothing half right is printed.
    let Ok(rendered) = stream.render(&patches) else {
        return;
    };
    let read = manifests::parse(&rendered).expect("what was written can be read");
    let read: Vec<_> = read.documents().iter().map(|document| document.value().clone()).collect();
    assert_eq!(read, patched, "{rendered}");
});

/// Something to add to a document, where it takes additions, and what it then says.
fn addition(document: &Document) -> (Option<Patch>, Value) {
    let mut value = document.value().clone();
    let path = match &value {
        Value::Object(members) => match members.iter().find(|(_, member)| member.is_array()) {
            Some((name, _)) => format!("/{}/-", name.replace('~', "~0").replace('/', "~1")),
            None => "/added~1member".to_owned(),
        },
        Value::Array(_) => "/-".to_owned(),
        _ => return (None, value),
    };
    let patch = json!([{"op": "add", "path": path, "value": {"name": "0644", "list": ["a: b", null]}}]);
    let patch: Patch = serde_json::from_value(patch).unwrap();
    json_patch::patch(&mut value, &patch).unwrap();
    (Some(patch), value)
}
