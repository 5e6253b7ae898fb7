//! docs/security.md: what it promises is proved by tests, which it names.

use std::fs;
use std::path::Path;

const PAGE: &str = include_str!("../../docs/security.md");

/// What stands between backticks in the rows of its tables, and whether the end-to-end suite is meant.
fn named() -> Vec<(&'static str, bool)> {
    let rows = PAGE.lines().filter(|line| line.starts_with('|'));
    let parts = rows.flat_map(|row| {
        let parts: Vec<_> = row.split('`').collect();
        parts.windows(2).map(|pair| (pair[0], pair[1].starts_with(" (e2e)"))).collect::<Vec<_>>()
    });
    parts.filter(|(name, _)| name.contains("::") || name.contains(".test_")).collect()
}

fn read(path: &str) -> Option<String> {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(path)).ok()
}

/// Whether there is a test of this name, as the page's second paragraph says how they are called.
fn is_there(name: &str, is_e2e: bool) -> bool {
    if let Some((class, test)) = name.split_once('.') {
        let files = ["manifests", "values", "protection"];
        let files =
            files.map(|file| read(&format!("charts/pod-identity-webhook/tests/test_{file}.py")).unwrap());
        return files.iter().any(|file| {
            let of_class = file.split("\nclass ").find(|part| {
                part.starts_with(&format!("{class}(")) || part.starts_with(&format!("{class}:"))
            });
            of_class.is_some_and(|body| body.contains(&format!("def {test}(self)")))
        });
    }
    let (module, test) = name.rsplit_once("::").unwrap();
    if module == "golden" && !is_e2e {
        return read(&format!("tests/golden/{test}/patch.json")).is_some();
    }
    let (folder, module) = match module.split_once("::") {
        _ if is_e2e => ("tests/e2e/suite/src/tests", module),
        Some(("src", file)) => ("src", file),
        Some(("tokens", file)) => ("crates/tokens/tests/it", file),
        _ => ("tests/it", module),
    };
    let path = module.replace("::", "/");
    let files = [format!("{folder}/{path}.rs"), format!("{folder}/{path}/mod.rs")];
    files.iter().any(|file| read(file).is_some_and(|text| text.contains(&format!("fn {test}("))))
}

#[test]
fn every_test_that_the_page_names_is_there() {
    let named = named();
    assert!(named.len() > 60, "{} names: are there no tables any more?", named.len());
    let missing: Vec<_> = named.into_iter().filter(|(name, is_e2e)| !is_there(name, *is_e2e)).collect();
    assert!(missing.is_empty(), "docs/security.md names tests that are not there: {missing:#?}");
}

#[test]
fn every_threat_has_its_row() {
    let (_, table) = PAGE.split_once("## SIG Security's threats").unwrap();
    let table = table.split("\n## ").next().unwrap();
    let numbers: Vec<u8> =
        table.lines().filter_map(|line| line.strip_prefix("| ")?.split(' ').next()?.parse().ok()).collect();
    assert_eq!(numbers, (1..=18).collect::<Vec<_>>());
}
