//! What is printed when a test fails: its pods, their events, the webhook's log.

use std::time::SystemTime;

use super::release::SHARED;
use super::{Test, command};

/// Bytes of the longest part; the rest can be looked up, because the namespace stays.
const LONGEST: usize = 12_000;

/// Everything that a reader of a CI log would ask for.
pub async fn of(test: &Test, since: SystemTime) -> String {
    let namespace = test.namespace.as_str();
    let age = format!("--since={}s", since.elapsed().map_or(3600, |age| age.as_secs() + 2));
    let own = "app.kubernetes.io/name=pod-identity-webhook";
    let mut report = format!("namespace {namespace}");
    let parts: [(&str, &[&str]); 6] = [
        ("pods", &["get", "pods", "--output=wide"]),
        ("pods in full", &["describe", "pods"]),
        ("events", &["get", "events", "--sort-by=.lastTimestamp"]),
        ("accounts", &["get", "serviceaccounts", "--output=yaml"]),
        (
            "logs",
            &["logs", "--selector=!absent", "--all-containers", "--prefix", "--tail=50", "--ignore-errors"],
        ),
        ("log of its own webhook", &["logs", "--selector", own, "--prefix", "--tail=200"]),
    ];
    for (title, words) in parts {
        section(&mut report, title, namespace, words, |_| true).await;
    }
    let words = ["logs", "--selector", own, "--prefix", "--tail=-1", &age];
    let about = |line: &str| line.contains(namespace) || !line.contains(" admission");
    section(&mut report, "log of the shared webhook", SHARED, &words, about).await;
    report
}

async fn section(
    report: &mut String,
    title: &str,
    namespace: &str,
    words: &[&str],
    keep: impl Fn(&str) -> bool,
) {
    let words: Vec<_> = words.iter().copied().chain(["--namespace", namespace]).collect();
    let output = match command::output("kubectl", words, "").await {
        Ok(output) => output.stdout + &output.stderr,
        Err(error) => format!("{error:#}"),
    };
    let mut kept = String::new();
    for line in output.lines().filter(|line| keep(line)) {
        kept.push_str(line);
        kept.push('\n');
    }
    // The end is kept, because it says what happened last.
    let start = kept.ceil_char_boundary(kept.len().saturating_sub(LONGEST));
    report.extend(["\n--- ", title, "\n", kept.get(start..).unwrap_or_default()]);
}
