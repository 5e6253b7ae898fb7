//! docs/troubleshooting.md: every row's message is what the webhook says of the row's example, word for word, or
//! the beginning of an error that an SDK was seen to end with.

use std::collections::BTreeSet;

use serde_json::Value;
use test_support::cases::Case;
use test_support::decided::World;
use test_support::server::settings;

use crate::support::program::run_with;

const PAGE: &str = include_str!("../../docs/troubleshooting.md");
/// What SDKs do, which `make sdks` compares with what they are seen to do.
const SDKS: &str = include_str!("../../docs/sdks.md");
/// The heading before the rows with the errors of SDKs.
const SDK_ERRORS: &str = "## An SDK ends with an error";

/// A row of one of the page's tables.
struct Row {
    message: &'static str,
    case: &'static str,
}

fn rows() -> Vec<Row> {
    let (page, _) = PAGE.split_once(SDK_ERRORS).expect(SDK_ERRORS);
    let rows = page.lines().filter(|line| line.starts_with("| `"));
    let read = |row: &'static str| {
        let cells: Vec<_> = row.trim_matches('|').split(" | ").map(str::trim).collect();
        let [message, why, case] = cells[..] else { panic!("not three cells: {row}") };
        assert!(why.len() > 10, "{row}");
        let (case, link) = case.trim_start_matches('[').split_once("](").expect("a link");
        assert_eq!(link, format!("../tests/golden/{case})"), "{row}");
        Row { message: message.trim_matches('`'), case }
    };
    rows.map(read).collect()
}

/// Every line that a user may see: in the webhook's answer and, for a pod, in `inject --explain`.
fn said(case: &Case) -> Vec<String> {
    let world = case.world().display().to_string();
    let settings = settings(case.args().into_iter().chain([format!("--manifests={world}")]));
    let answer: Value = serde_json::from_slice(&World::new(&settings).answer(&case.review(), true)).unwrap();
    let response = &answer["response"];
    let warnings = response["warnings"].as_array().into_iter().flatten();
    let mut said: Vec<_> = warnings.chain([&response["status"]["message"]]).cloned().collect();
    if let Some((namespace, pod)) = case.pod() {
        let flags = ["inject", "--explain", "-f", "-", "--namespace", &namespace, "--manifests", &world];
        let args = flags.map(str::to_owned).into_iter().chain(case.args());
        let explained = run_with(args, &[], pod.to_string().as_bytes());
        assert_eq!(explained.code, 0, "{}", explained.stderr);
        said.extend(explained.stdout.lines().map(|line| line.trim().into()));
    }
    said.iter().filter_map(Value::as_str).map(str::to_owned).collect()
}

#[test]
fn every_row_is_what_the_webhook_says_of_its_example() {
    let (cases, rows) = (Case::all(), rows());
    assert!(rows.len() >= 40, "{}", rows.len());
    let messages: BTreeSet<_> = rows.iter().map(|row| row.message).collect();
    assert_eq!(messages.len(), rows.len(), "a message stands twice");
    for Row { message, case } in rows {
        let case = cases.iter().find(|one| one.name == case).expect(case);
        let said = said(case);
        assert!(said.iter().any(|line| line == message), "{}: {message}\nis none of\n{said:#?}", case.name);
    }
}

#[test]
fn every_error_of_an_sdk_is_one_that_was_seen() {
    let (_, rows) = PAGE.split_once(SDK_ERRORS).expect(SDK_ERRORS);
    let rows: Vec<_> = rows.lines().filter(|line| line.starts_with("| `")).collect();
    assert!(rows.len() >= 10, "{}", rows.len());
    for row in rows {
        let cells: Vec<_> = row.trim_matches('|').split(" | ").map(str::trim).collect();
        let [message, sdk, _] = cells[..] else { panic!("not three cells: {row}") };
        let seen = SDKS.lines().filter(|line| line.starts_with('|') && line.contains(sdk));
        let message = format!("`{}", message.trim_matches('`'));
        assert!(seen.into_iter().any(|line| line.contains(&message)), "{row}");
    }
}
