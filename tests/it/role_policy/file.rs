//! The file by the clock of the test, which goes on only where everybody waits.

use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use injection::AccountName;
use injection::policy::{RolePolicy, Ruling};
use pod_identity_webhook::lifecycle::Readiness;
use pod_identity_webhook::metrics::Metrics;
use pod_identity_webhook::role_policy;
use pod_identity_webhook::source::Source;
use tokio::time::sleep;

use super::{NAME, allowing, metric};
use crate::support::mounted::Files;

const IN_TIME: Duration = Duration::from_secs(2);

fn follow(path: &Path) -> (Arc<Source<RolePolicy>>, Metrics) {
    let metrics = Metrics::new().unwrap();
    let source = Source::new(role_policy::NAME, RolePolicy::len, &Readiness::default(), &metrics);
    tokio::spawn(role_policy::follow(path.to_owned(), source.clone()));
    (source, metrics)
}

/// The namespaces that the policy lets use roles, of those that occur here.
fn allowed(source: &Source<RolePolicy>) -> Option<Vec<&'static str>> {
    let current = source.current()?;
    let may =
        |name: &&str| matches!(current.judge(AccountName::new(name, "any"), "arn:x"), Ruling::Allowed { .. });
    Some(["a", "b", "c"].into_iter().filter(may).collect())
}

#[tokio::test(start_paused = true)]
async fn every_change_counts_within_two_seconds() {
    let files = Files::mounted(&[(NAME, &allowing(&["a"]))]);
    let (source, _) = follow(&files.path(NAME));
    sleep(IN_TIME).await;
    assert_eq!(allowed(&source).unwrap(), ["a"]);
    files.swap("..2026_2", &[(NAME, &allowing(&["b"]))]);
    sleep(IN_TIME).await;
    assert_eq!(allowed(&source).unwrap(), ["b"]);
    // Through the link, and in its place.
    files.rewrite(NAME, &allowing(&["c"]));
    sleep(IN_TIME).await;
    assert_eq!(allowed(&source).unwrap(), ["c"]);
    files.rename_over(NAME, &allowing(&["a", "b"]));
    sleep(IN_TIME).await;
    assert_eq!(allowed(&source).unwrap(), ["a", "b"]);
    files.rewrite(NAME, &allowing(&[]));
    sleep(IN_TIME).await;
    assert_eq!(allowed(&source).unwrap(), [""; 0]);
}

/// In YAML the first part of a policy may be one as well, and allow more.
#[tokio::test(start_paused = true)]
async fn policy_that_is_written_in_pieces_counts_as_a_whole_alone() {
    let whole = "rules:\n- namespaces: [a]\n  roles: ['*']\n  serviceAccounts: [other]\n";
    let (part, _) = whole.split_once("  serviceAccounts").unwrap();
    let files = Files::plain(&[(NAME, &allowing(&["b"]))]);
    let (source, _) = follow(&files.path(NAME));
    sleep(IN_TIME).await;
    for text in ["", part, whole] {
        files.rewrite(NAME, text);
        sleep(Duration::from_millis(500)).await;
        assert_eq!(allowed(&source).unwrap(), ["b"], "{text}");
    }
    sleep(IN_TIME).await;
    assert_eq!(allowed(&source).unwrap(), [""; 0]);
}

#[tokio::test(start_paused = true)]
async fn nothing_that_cannot_be_read_replaces_what_could() {
    let good = allowing(&["a"]);
    let files = Files::plain(&[(NAME, &good)]);
    let path = files.path(NAME);
    let (source, metrics) = follow(&path);
    let make_pipe = || assert!(std::process::Command::new("mkfifo").arg(&path).status().unwrap().success());
    let deep = "[".repeat(1 << 19);
    let bad: [(&str, &dyn Fn()); 14] = [
        ("nothing", &|| ()),
        ("empty", &|| files.rewrite(NAME, " \n")),
        ("comments", &|| files.rewrite(NAME, "# rules\n")),
        ("half of JSON", &|| files.rewrite(NAME, r#"{"rules": [{"namespaces": ["b"]"#)),
        ("half of YAML", &|| files.rewrite(NAME, &allowing(&["b"])[..20])),
        ("NUL bytes", &|| files.rewrite(NAME, &"\0".repeat(4096))),
        ("no UTF-8", &|| fs::write(&path, b"\xff\xfe{\0}\0").unwrap()),
        ("another type", &|| files.rewrite(NAME, "rules: {namespaces: [b]}")),
        ("an unknown field", &|| files.rewrite(NAME, "rules: []\nrule: []\n")),
        ("deep nesting", &|| files.rewrite(NAME, &deep)),
        ("20 MB", &|| files.rewrite(NAME, &format!("rules: []{}", " ".repeat(20 << 20)))),
        ("a folder", &|| fs::create_dir(&path).unwrap()),
        ("a pipe", &make_pipe),
        ("a link to itself", &|| std::os::unix::fs::symlink(&path, &path).unwrap()),
    ];
    let errors = || {
        let text = metrics.scrape().unwrap();
        let line = text.lines().find_map(|line| line.strip_prefix(&metric("errors_total"))).unwrap();
        line.trim().parse::<f64>().unwrap()
    };
    for (what, make) in bad {
        sleep(IN_TIME).await;
        assert_eq!(allowed(&source).unwrap(), ["a"], "before {what}");
        let before = errors();
        drop(fs::remove_dir(&path).or_else(|_| fs::remove_file(&path)));
        make();
        sleep(Duration::from_mins(1)).await;
        assert_eq!(allowed(&source).unwrap(), ["a"], "{what}");
        assert!(errors() > before + 100.0, "{what}: {}", errors());
        drop(fs::remove_dir(&path).or_else(|_| fs::remove_file(&path)));
        files.rewrite(NAME, &good);
    }
}

#[tokio::test(start_paused = true)]
async fn bad_policy_at_the_start_is_no_policy() {
    for text in ["", "{", "rules: [{}]", "rule: []"] {
        let files = Files::plain(&[(NAME, text)]);
        let (source, _) = follow(&files.path(NAME));
        sleep(Duration::from_mins(1)).await;
        assert_eq!(allowed(&source), None, "{text:?}");
        files.rewrite(NAME, &allowing(&["a"]));
        sleep(IN_TIME).await;
        assert_eq!(allowed(&source).unwrap(), ["a"], "{text:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn policy_of_the_largest_size_is_read() {
    let policy = allowing(&["a"]);
    let padding = "#".repeat((1 << 20) - policy.len());
    let files = Files::plain(&[(NAME, &(policy + &padding))]);
    let (source, _) = follow(&files.path(NAME));
    sleep(IN_TIME).await;
    assert_eq!(allowed(&source).unwrap(), ["a"]);
}
