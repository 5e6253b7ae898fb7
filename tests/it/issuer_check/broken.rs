//! Issuers that are broken in one way each, and what is said of them. The table of docs/issuer-check.md is made of this
//! one, and `UPDATE=1` writes it.

mod allowed;
mod documents;
mod servers;

use std::fmt::Write;
use std::path::Path;

use serde_json::Value;

use super::world::World;

const PAGE: &str = "docs/issuer-check.md";

/// What is around the table.
const BEGIN: &str = "<!-- written by the test of broken issuers -->\n";
const END: &str = "<!-- end of what it writes -->\n";

/// One issuer.
struct Row {
    /// What is wrong with it, in words.
    what: &'static str,
    change: fn(&mut World),
    status: &'static str,
    /// The steps of this status. The server's certificate is not from a public authority: of that a warning is expected
    /// always.
    steps: &'static [&'static str],
}

/// All of them, about in the order in which the check goes.
fn rows() -> impl Iterator<Item = &'static Row> {
    servers::ROWS.iter().chain(&documents::ROWS).chain(&allowed::ROWS)
}

#[test]
fn each_is_named_with_its_fix_and_the_page_says_so() {
    let mut differences = String::new();
    let mut table = "| what is wrong | line | what a pod sees | what to do |\n|---|---|---|---|\n".to_owned();
    for Row { what, change, status, steps } in rows() {
        let mut world = World::new();
        change(&mut world);
        let checked = world.check(&["-o", "json", "--timeout=2s"]);
        let report = checked.report();
        let found: Vec<_> = found(&report, status).collect();
        let named: Vec<_> = found.iter().map(|finding| finding["step"].as_str().unwrap()).collect();
        let code = i32::from(*status == "failed");
        if named != *steps || checked.run.code != code || report["allWell"] != (code == 0) {
            writeln!(differences, "{what}: {named:?}, {}: {report:#}", checked.run.code).unwrap();
        }
        let Some(first) = found.first() else { continue };
        let [step, sees, fix] =
            ["step", "podSees", "fix"].map(|name| first[name].as_str().unwrap_or_default());
        assert!(!fix.is_empty() && (*status == "warning" || !sees.is_empty()), "{what}: {first}");
        let sees = if sees.is_empty() { String::new() } else { format!("`{sees}`") };
        let fix = checked.without_what_changes(fix);
        writeln!(table, "| {what} | {status}: `{step}` | {sees} | {fix} |").unwrap();
    }
    assert!(differences.is_empty(), "\n{differences}");
    page_says(&table);
}

/// The findings of this status, but for the warning of the test's own authority.
fn found<'r>(report: &'r Value, status: &str) -> impl Iterator<Item = &'r Value> {
    report["findings"].as_array().unwrap().iter().filter(move |finding| {
        let is_expected = finding["seen"].as_str().unwrap().ends_with("which is no public authority");
        finding["status"] == status && !is_expected
    })
}

fn page_says(table: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(PAGE);
    let page = std::fs::read_to_string(&path).unwrap();
    let (before, rest) = page.split_once(BEGIN).expect("where the table begins");
    let (_, after) = rest.split_once(END).expect("where the table ends");
    let expected = format!("{before}{BEGIN}{table}{END}{after}");
    if std::env::var_os("UPDATE").is_some() {
        std::fs::write(path, expected).unwrap();
    } else {
        assert_eq!(page, expected, "UPDATE=1 writes it");
    }
}
