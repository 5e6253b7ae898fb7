//! Any text: manifests from which identities are read, or an error.
#![no_main]

use std::path::Path;
use std::sync::LazyLock;

use injection::annotation::Prefix;
use injection::{AccountName, Precedence};
use libfuzzer_sys::fuzz_target;
use pod_identity_webhook::identities::offline::Manifests;

static PREFIX: LazyLock<Prefix> = LazyLock::new(|| Prefix::new("eks.amazonaws.com").unwrap());

fuzz_target!(|text: &str| {
    let Ok(stream) = manifests::parse(text) else {
        return;
    };
    let mut identities = Manifests::default();
    // An object that does not have a ServiceAccount's shape is an error, and must not be more.
    drop(identities.add(&stream, Path::new("fuzz.yaml"), "default", &PREFIX));
    drop(identities.find(AccountName::new("default", "default"), Precedence::Association));
});
