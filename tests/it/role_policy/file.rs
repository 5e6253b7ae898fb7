//! What is particular to the policy's file, by the test's clock, which goes on only while every task waits.
//! What holds for every followed file is tested in `source::file`.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use injection::AccountName;
use injection::policy::{RolePolicy, Ruling};
use pod_identity_webhook::process::Readiness;
use pod_identity_webhook::role_policy;
use pod_identity_webhook::source::Source;
use pod_identity_webhook::webhook::Metrics;
use tokio::time::sleep;

use super::{NAME, allowing};
use crate::support::mounted::Files;

const IN_TIME: Duration = Duration::from_secs(2);

fn follow(path: &Path) -> Arc<Source<RolePolicy>> {
    let metrics = Metrics::new().unwrap();
    let source = Source::new(role_policy::NAME, RolePolicy::len, &Readiness::default(), &metrics.sources);
    tokio::spawn(role_policy::follow(path.to_owned(), source.clone()));
    source
}

/// Those of the namespaces here that the policy lets use roles.
fn allowed(source: &Source<RolePolicy>) -> Option<Vec<&'static str>> {
    let current = source.current()?;
    let may =
        |name: &&str| matches!(current.judge(AccountName::new(name, "any"), "arn:x"), Ruling::Allowed { .. });
    Some(["a", "b", "c"].into_iter().filter(may).collect())
}

/// The first part of a policy in YAML may be a policy too, and allow more.
#[tokio::test(start_paused = true)]
async fn policy_that_is_written_in_pieces_counts_as_a_whole_alone() {
    let whole = "rules:\n- namespaces: [a]\n  roles: ['*']\n  serviceAccounts: [other]\n";
    let (part, _) = whole.split_once("  serviceAccounts").unwrap();
    let files = Files::plain(&[(NAME, &allowing(&["b"]))]);
    let source = follow(&files.path(NAME));
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
async fn bad_policy_at_the_start_is_no_policy() {
    for text in ["", "{", "rules: [{}]", "rule: []"] {
        let files = Files::plain(&[(NAME, text)]);
        let source = follow(&files.path(NAME));
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
    let source = follow(&files.path(NAME));
    sleep(IN_TIME).await;
    assert_eq!(allowed(&source).unwrap(), ["a"]);
}
