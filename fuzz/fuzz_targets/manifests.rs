//! Any text: manifests that render as they were written, and read back as patched.
#![no_main]

use json_patch::Patch;
use libfuzzer_sys::fuzz_target;
use manifests::Document;
use serde_json::{Value, json};

fuzz_target!(|text: &str| {
    let Ok(stream) = manifests::parse(text) else {
        return;
    };
    assert_eq!(stream.render(&[]).unwrap().text, text);
    let (patches, patched): (Vec<_>, Vec<_>) = stream.documents().iter().map(addition).unzip();
    // A document in a style that cannot be written is refused, so that nothing half right is printed.
    let Ok(rendered) = stream.render(&patches) else {
        return;
    };
    let read = manifests::parse(&rendered.text).expect("what was written can be read");
    let read: Vec<_> = read.documents().iter().map(|document| document.value().clone()).collect();
    assert_eq!(read, patched, "{}", rendered.text);
});

/// Something to add to a document, if it takes additions, and what it then says.
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
