//! The file of associations: what is particular to it. What holds for every followed file is tested in
//! `source::file`.

mod storm;

use std::fs;
use std::path::Path;
use std::time::Duration;

use injection::AccountName;
use pod_identity_webhook::identities::association_set::AssociationSet;
use pod_identity_webhook::identities::sources::association_file;
use pod_identity_webhook::process::Readiness;
use pod_identity_webhook::source::Source;
use pod_identity_webhook::webhook::Metrics;
use tokio::time::sleep;

use crate::support::client::Answer;
use crate::support::credentials::Credentials;
use crate::support::mounted::Files;
use crate::support::process::Process;
use crate::support::reviews::{WORLD, body};
use crate::support::server::Server;
use crate::support::wait::until;

const NAME: &str = "identities.json";

/// A file that names these accounts of the namespace `shop`.
fn naming(accounts: &[&str]) -> String {
    let entry = |name: &&str| format!(r#"{{"namespace":"shop","serviceAccount":"{name}"}}"#);
    let entries: Vec<_> = accounts.iter().map(entry).collect();
    format!("{{\"identities\":[{}]}}\n", entries.join(","))
}

fn flag(path: &Path) -> String {
    format!("--watch-container-credentials-config={}", path.display())
}

fn metric(name: &str) -> String {
    format!("pod_identity_webhook_source_{name}{{source=\"association-file\"}}")
}

/// What `/readyz` says of the file, if the server is ready.
fn note(readyz: &Answer) -> Option<String> {
    let text = String::from_utf8(readyz.body.to_vec()).unwrap();
    let line = text.lines().find_map(|line| line.strip_prefix("[+]association-file ")).map(str::to_owned);
    line.filter(|_| readyz.status == 200)
}

/// A server beside the small world of `reviews.rs`, ready.
async fn server(path: &Path) -> Server {
    let server = Server::on_manifests([WORLD, &flag(path), "--shutdown-delay=0"]).await;
    server.wait_until_ready().await;
    server
}

/// Waits until exactly these of the world's accounts have an association; `cart` has one by manifest.
async fn until_associated(server: &Server, accounts: &[&str]) {
    until("the associations count", async || {
        let mut associated = Vec::new();
        for account in ["orders", "plain", "nobody"] {
            let answer = server.client.post("/mutate", body(account)).await;
            match Credentials::of(&answer) {
                Credentials::Association(_) => associated.push(account),
                Credentials::Role(_) => assert_eq!(account, "orders"),
                Credentials::None => assert_ne!(account, "orders"),
            }
        }
        (associated == accounts).then_some(())
    })
    .await;
    let answer = server.client.post("/mutate", body("cart")).await;
    assert!(matches!(Credentials::of(&answer), Credentials::Association(_)), "{answer:?}");
}

#[tokio::test]
async fn takes_a_file_that_kubelet_swaps_in() {
    let files = Files::mounted(&[(NAME, &naming(&["plain"]))]);
    let server = server(&files.path(NAME)).await;
    until_associated(&server, &["plain"]).await;
    files.swap("..2026_2", &[(NAME, &naming(&["orders"]))]);
    until_associated(&server, &["orders"]).await;
    files.swap("..2026_3", &[(NAME, &naming(&["orders", "plain"]))]);
    until_associated(&server, &["orders", "plain"]).await;
    server.stop().await;
}

#[tokio::test]
async fn folder_that_is_missing_at_the_start_is_no_associations() {
    let files = Files::plain(&[]);
    let server = server(&files.path("later").join(NAME)).await;
    until_associated(&server, &[]).await;
    fs::create_dir(files.path("later")).unwrap();
    files.rewrite("later/identities.json", &naming(&["plain"]));
    until_associated(&server, &["plain"]).await;
    fs::remove_dir_all(files.path("later")).unwrap();
    until_associated(&server, &[]).await;
    server.stop().await;
}

#[tokio::test(start_paused = true)]
async fn file_of_the_largest_size_is_read() {
    let padding = " ".repeat((16 << 20) - naming(&["a"]).len());
    let files = Files::plain(&[(NAME, &(naming(&["a"]) + &padding))]);
    let metrics = Metrics::new().unwrap();
    let source =
        Source::new("association-file", AssociationSet::len, &Readiness::default(), &metrics.sources);
    tokio::spawn(association_file::follow(files.path(NAME), source.clone()));
    sleep(Duration::from_secs(2)).await;
    assert!(source.current().unwrap().contains(AccountName::new("shop", "a")));
}

#[tokio::test]
async fn trouble_is_said_once_and_shown_as_long_as_it_lasts() {
    let files = Files::plain(&[(NAME, &naming(&["plain"]))]);
    let process = Process::start(&[&flag(&files.path(NAME)), "--shutdown-delay=0"]).await;
    let noted = async |what: &str, wanted: &dyn Fn(&str) -> bool| {
        until(what, async || note(&process.admin("/readyz").await).filter(|note| wanted(note))).await
    };
    noted("the file was read", &|note| note == "ok").await;
    let errors = async || process.metric(&metric("errors_total")).await.unwrap();
    assert_eq!((process.metric(&metric("entries")).await, errors().await), (Some(1.0), 0.0));

    let secret = r#"{"identities":[{"namespace":"shop","serviceAccount":"AKIAIOSFODNN7EXAMPLE"#;
    files.rewrite(NAME, secret);
    until("several looks at it", async || (errors().await >= 4.0).then_some(())).await;
    let text = noted("the trouble", &|note| note != "ok").await;
    let reason = "not JSON: EOF while parsing a string at line 1 column 73";
    let (kept, path) = ("ok (keeps the set read ", files.path(NAME));
    assert!(text.starts_with(kept) && text.ends_with("s ago; the log says why)"), "{text}");
    process.logged(&format!("failed to read {}: {reason}", path.display())).await;
    assert_eq!(process.metric(&metric("entries")).await, Some(1.0));
    assert!(process.metric(&metric("age_seconds")).await.unwrap() > 1.0);
    let answer = process.client.post("/mutate", body("plain")).await;
    assert!(matches!(Credentials::of(&answer), Credentials::Association(_)));

    files.rewrite(
        NAME,
        r#"{"identities":[{"namespace":"shop"},{"namespace":"shop","serviceAccount":"orders"}]}"#,
    );
    let told = "ok (entries passed over: 1; the log says which)";
    noted("the complaint", &|note| note == told).await;
    assert_eq!(process.metric(&metric("passed_over_entries")).await, Some(1.0));
    files.rewrite(NAME, &naming(&["orders"]));
    noted("nothing to complain of", &|note| note == "ok").await;

    let count = |text: &str| process.log().iter().filter(|line| line.contains(text)).count();
    until("the last line", async || (count("associations replaced") == 2).then_some(())).await;
    let log = process.log();
    let complaint = "entries passed over: 1: identities[0] has no serviceAccount";
    assert_eq!((count(reason), count("source can be read again"), count(complaint)), (1, 1, 1), "{log:#?}");
    assert_eq!(count("AKIA"), 0, "{log:#?}");
}
