//! That this crate can do nothing but decide: `no_std` takes the clock, the environment, files and sockets away,
//! and its dependencies must not bring them back.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test")]

use std::path::PathBuf;

#[test]
fn it_has_no_std_and_no_dependencies_but_those_that_read_and_write_text() {
    assert!(include_str!("../src/lib.rs").contains("\n#![cfg_attr(not(test), no_std)]\n"));
    let mut folders = vec![PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/src"))];
    while let Some(folder) = folders.pop() {
        for path in std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
            if path.is_dir() {
                folders.push(path);
            } else {
                let text = std::fs::read_to_string(&path).unwrap();
                assert_eq!(text.matches("extern crate").count(), usize::from(path.ends_with("src/lib.rs")));
            }
        }
    }
    let manifest = include_str!("../Cargo.toml");
    let (_, rest) = manifest.split_once("\n[dependencies]\n").unwrap();
    let (dependencies, rest) = rest.split_once("\n[").unwrap();
    let lines = dependencies.lines().filter(|line| !line.is_empty() && !line.starts_with('#'));
    let names: Vec<_> = lines.map(|line| line.split_once(" = ").unwrap().0).collect();
    assert_eq!(names, ["base64", "itoa", "serde", "serde_json", "thiserror"]);
    assert!(!rest.contains("[build-dependencies]") && !manifest.contains("target."));
}
