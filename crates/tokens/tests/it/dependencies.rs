//! That this crate can do nothing but judge: neither its dependencies nor std give it a clock, files or sockets.

use std::path::PathBuf;

#[test]
fn it_has_no_clock_no_io_and_no_dependencies_but_those_that_read_and_verify() {
    let mut folders = vec![PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/src"))];
    while let Some(folder) = folders.pop() {
        for path in std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            let text = std::fs::read_to_string(&path).unwrap();
            let modules = text.lines().filter_map(|line| line.strip_prefix("use std::"));
            for module in modules.map(|rest| rest.split([':', ';']).next().unwrap()) {
                assert!(["borrow", "collections", "fmt", "time"].contains(&module), "{module}");
            }
            assert!(!text.contains("::now()") && !text.contains(".elapsed()"), "{}", path.display());
        }
    }
    let manifest = include_str!("../../Cargo.toml");
    let (_, rest) = manifest.split_once("\n[dependencies]\n").unwrap();
    let (dependencies, rest) = rest.split_once("\n[").unwrap();
    let lines = dependencies.lines().filter(|line| !line.is_empty() && !line.starts_with('#'));
    let names: Vec<_> = lines.map(|line| line.split_once(" = ").unwrap().0).collect();
    assert_eq!(names, ["aws-lc-rs", "base64", "serde", "serde_json", "thiserror"]);
    assert!(!rest.contains("[build-dependencies]") && !manifest.contains("target."));
}
