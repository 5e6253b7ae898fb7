//! Any review: its patch applies, and the patched object admitted again gets none.
#![no_main]

use std::sync::LazyLock;

use injection::{Defaults, Found, Review};
use libfuzzer_sys::fuzz_target;
use pod_identity_webhook_fuzz::{defaults, founds, patch_of};
use serde_json::Value;

static DEFAULTS: LazyLock<Defaults> = LazyLock::new(defaults);
static FOUND: LazyLock<[Found; 2]> = LazyLock::new(founds);

fuzz_target!(|body: &[u8]| {
    let prefix = &DEFAULTS.annotation_prefix;
    let Ok(review) = Review::decode(body, prefix) else {
        return;
    };
    // What a tree cannot hold (depth, numbers, lone surrogates in what we skip) cannot be patched here.
    let Ok(value) = serde_json::from_slice::<Value>(body) else {
        return;
    };
    for found in FOUND.iter() {
        // The patch of the bytes as sent applies to them, though members may stand there twice.
        if let Some(patch) = patch_of(&review, found, &DEFAULTS) {
            apply(&mut value.clone(), &patch);
        }
        // The API server writes every member once, and so does the object that is admitted again.
        let mut value = value.clone();
        let once = serde_json::to_vec(&value).unwrap();
        let Ok(review) = Review::decode(&once, prefix) else {
            continue;
        };
        let Some(patch) = patch_of(&review, found, &DEFAULTS) else {
            continue;
        };
        apply(&mut value, &patch);
        let again = serde_json::to_vec(&value).unwrap();
        let review = Review::decode(&again, prefix).expect("the patched pod can be read");
        let second = patch_of(&review, found, &DEFAULTS);
        assert!(second.is_none(), "{}", String::from_utf8_lossy(&second.unwrap()));
    }
});

fn apply(review: &mut Value, patch: &[u8]) {
    let object = review.pointer_mut("/request/object").expect("what was patched is there");
    let operations: json_patch::Patch = serde_json::from_slice(patch).expect("a JSON Patch");
    assert!(operations.iter().all(|one| matches!(one, json_patch::PatchOperation::Add(_))));
    json_patch::patch(object, &operations).expect("the patch applies");
}
