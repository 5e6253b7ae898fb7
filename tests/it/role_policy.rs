//! The role policy of a server: read before anything is answered, followed, kept while its file cannot be
//! read; one word says what it forbids in answers, metrics, log and audit.

mod associations;
mod file;

use std::path::Path;

use http::StatusCode;
use serde_json::{Value, json};

use crate::support::credentials::Credentials;
use crate::support::mounted::Files;
use crate::support::process::Process;
use crate::support::reviews::{WORLD, body};
use crate::support::server::Server;
use crate::support::wait::until;

const NAME: &str = "policy.yaml";

/// A policy that allows every role to these namespaces.
fn allowing(namespaces: &[&str]) -> String {
    let rule = |namespace: &&str| format!("- namespaces: [{namespace}]\n  roles: ['*']\n");
    let rules: String = namespaces.iter().map(rule).collect();
    if rules.is_empty() { "rules: []\n".to_owned() } else { format!("rules:\n{rules}") }
}

fn flag(path: &Path) -> String {
    format!("--role-policy={}", path.display())
}

fn metric(name: &str) -> String {
    format!("pod_identity_webhook_source_{name}{{source=\"role-policy\"}}")
}

/// A server beside the small world of `reviews.rs`.
async fn server(path: &Path) -> Server {
    Server::on_manifests([WORLD, &flag(path), "--shutdown-delay=0"]).await
}

/// Whether the pod of `shop/orders`, which has a role, is admitted.
async fn is_allowed(server: &Server) -> bool {
    let answer = server.client.post("/mutate", body("orders")).await;
    assert_eq!(answer.status, StatusCode::OK);
    answer.json()["response"]["allowed"] == json!(true)
}

async fn until_allowed(server: &Server, allowed: bool) {
    until("the policy counts", async || (is_allowed(server).await == allowed).then_some(())).await;
}

#[tokio::test]
async fn nothing_is_answered_before_the_policy_was_read() {
    let files = Files::plain(&[]);
    let server = server(&files.path(NAME)).await;
    let report = until("the file is missed", async || {
        let text = server.readiness.report().1;
        text.contains("failed to read").then_some(text)
    })
    .await;
    let missing =
        format!("[-]role-policy not read yet: failed to read {}: No such file", files.path(NAME).display());
    assert!(report.lines().any(|line| line.starts_with(&missing)), "{report}");
    // This holds with a role or without: no pod may depend on the order in which things are found out.
    for account in ["orders", "cart", "plain", "nobody"] {
        let answer = server.client.post("/mutate", body(account)).await;
        assert_eq!(answer.status, StatusCode::SERVICE_UNAVAILABLE, "{account}");
        assert_eq!((answer.header("retry-after"), answer.header("connection")), ("1", "close"));
        assert_eq!(answer.json()["message"], json!("the role policy is not read yet"));
    }
    files.rewrite(NAME, &allowing(&["shop"]));
    server.wait_until_ready().await;
    assert!(is_allowed(&server).await);
    server.stop().await;
}

#[tokio::test]
async fn takes_a_policy_however_it_is_written() {
    let files = Files::plain(&[(NAME, &allowing(&["bank"]))]);
    let plain = server(&files.path(NAME)).await;
    plain.wait_until_ready().await;
    assert!(!is_allowed(&plain).await);
    files.rewrite(NAME, &allowing(&["bank", "shop"]));
    until_allowed(&plain, true).await;
    files.rename_over(NAME, &allowing(&["bank"]));
    until_allowed(&plain, false).await;
    files.rewrite(NAME, r#"{"rules": [{"namespaces": ["sho*"], "roles": ["arn:aws:iam::*:role/orders"]}]}"#);
    until_allowed(&plain, true).await;
    plain.stop().await;

    let files = Files::mounted(&[(NAME, &allowing(&["bank"]))]);
    let mounted = server(&files.path(NAME)).await;
    mounted.wait_until_ready().await;
    assert!(!is_allowed(&mounted).await);
    files.swap("..2026_2", &[(NAME, &allowing(&["shop"]))]);
    until_allowed(&mounted, true).await;
    files.swap("..2026_3", &[(NAME, &allowing(&[]))]);
    until_allowed(&mounted, false).await;
    mounted.stop().await;
}

/// The answer to a pod of `shop/orders` without its patch, and the process's log once it has ended.
async fn told(mode: &str) -> (Value, Vec<String>) {
    let files = Files::plain(&[(NAME, &allowing(&["bank"]))]);
    let mode = format!("--role-policy-mode={mode}");
    let mut process = Process::start(&[&flag(&files.path(NAME)), &mode, "--shutdown-delay=0"]).await;
    until("the process is ready", async || (process.admin("/readyz").await.status == 200).then_some(()))
        .await;
    let answer = process.client.post("/mutate", body("orders")).await;
    assert_eq!(answer.status, StatusCode::OK);
    let mut response = answer.json()["response"].take();
    if response["allowed"] == json!(true) {
        assert!(matches!(Credentials::of(&answer), Credentials::Role(_)), "{answer:?}");
        response.as_object_mut().unwrap().retain(|name, _| !name.starts_with("patch"));
    }
    // The policy does not concern an account without a role, nor one with an association.
    for account in ["plain", "cart"] {
        let answer = process.client.post("/mutate", body(account)).await.json();
        assert_eq!(answer["response"]["allowed"], json!(true));
    }
    let outcome = response["auditAnnotations"]["outcome"].as_str().unwrap();
    let count = "pod_identity_webhook_admission_duration_seconds_count";
    for outcome in [outcome, "injected", "no_identity"] {
        let metric = format!("{count}{{outcome=\"{outcome}\"}}");
        assert_eq!(process.metric(&metric).await, Some(1.0), "{outcome}");
    }
    let line = process.logged("service_account=\"orders\"").await;
    assert!(line.contains(&format!("outcome=\"{outcome}\"")), "{line}");
    process.terminate();
    assert!(process.ended().await.success());
    let text = response.to_string().replace(&files.path(NAME).display().to_string(), "POLICY");
    (serde_json::from_str(&text).unwrap(), process.log())
}

const ROLE: &str = "arn:aws:iam::111122223333:role/orders";

/// What the audit log says of the forbidden role.
const FORBIDDEN: &str = "arn:aws:iam::111122223333:role/orders: no rule names the ServiceAccount";

#[tokio::test]
async fn a_role_that_is_not_allowed_refuses_the_pod_by_one_word() {
    let (response, log) = told("enforce").await;
    let message = format!(
        "annotation eks.amazonaws.com/role-arn of ServiceAccount shop/orders: the role policy POLICY does not \
         allow \"{ROLE}\" there: no rule names the ServiceAccount; use a role that the policy allows, or \
         allow this one in it"
    );
    let expected = json!({
        "uid": response["uid"],
        "allowed": false,
        "status": {"code": 403, "reason": "Forbidden", "message": message},
        "auditAnnotations": {"outcome": "role_policy_denied", "role-policy": FORBIDDEN},
    });
    assert_eq!(response, expected);
    // A role is a variable's value: those are never logged.
    assert!(log.iter().all(|line| !line.contains("role/orders")), "{log:#?}");
}

#[tokio::test]
async fn a_role_that_is_not_allowed_is_warned_of_by_one_word() {
    let (response, log) = told("warn").await;
    let warning = format!(
        "the role policy does not allow \"{ROLE}\" for shop/orders: no rule names the ServiceAccount; the pod \
         gets it because the policy only warns"
    );
    let expected = json!({
        "uid": response["uid"],
        "allowed": true,
        "warnings": [warning],
        "auditAnnotations": {"outcome": "role_policy_warned", "role-policy": FORBIDDEN},
    });
    assert_eq!(response, expected);
    assert!(log.iter().all(|line| !line.contains("role/orders")), "{log:#?}");
}

#[tokio::test]
async fn trouble_is_said_once_and_shown_as_long_as_it_lasts() {
    let files = Files::plain(&[(NAME, &allowing(&["bank", "shop"]))]);
    let process = Process::start(&[&flag(&files.path(NAME)), "--shutdown-delay=0"]).await;
    let noted = async |what: &str, wanted: &dyn Fn(&str) -> bool| {
        until(what, async || {
            let report = String::from_utf8(process.admin("/readyz").await.body.to_vec()).unwrap();
            let line = report.lines().find_map(|line| line.strip_prefix("[+]role-policy "));
            line.filter(|note| wanted(note)).map(str::to_owned)
        })
        .await
    };
    noted("the policy was read", &|note| note == "ok").await;
    let errors = async || process.metric(&metric("errors_total")).await.unwrap();
    assert_eq!((process.metric(&metric("entries")).await, errors().await), (Some(2.0), 0.0));

    files.rewrite(NAME, "rules:\n- namespace: [bank]\n  roles: ['*']\n");
    until("several looks at it", async || (errors().await >= 3.0).then_some(())).await;
    let path = files.path(NAME);
    let reason = format!(
        "failed to read {}: line 2, rules[0].namespace: no such field; the fields are namespaces, \
         serviceAccounts and roles",
        path.display()
    );
    let note = noted("the mistake", &|note| note != "ok").await;
    assert!(
        note.starts_with("ok (keeps the set read ") && note.ends_with("s ago; the log says why)"),
        "{note}"
    );
    process.logged(&reason).await;
    assert_eq!(process.metric(&metric("entries")).await, Some(2.0));
    assert!(process.metric(&metric("age_seconds")).await.unwrap() > 1.0);
    let answer = process.client.post("/mutate", body("orders")).await;
    assert!(matches!(Credentials::of(&answer), Credentials::Role(_)));

    std::fs::remove_file(&path).unwrap();
    let gone = format!("failed to read {}: No such file or directory", path.display());
    process.logged(&gone).await;
    files.rewrite(NAME, &allowing(&["bank", "shop"]));
    noted("nothing to complain of", &|note| note == "ok").await;
    process.logged("source can be read again").await;

    let log = process.log();
    let count = |text: &str| log.iter().filter(|line| line.contains(text)).count();
    assert_eq!((count(&reason), count(&gone), count("source can be read again")), (1, 1, 1), "{log:#?}");
    assert_eq!(count("rules replaced"), 1, "{log:#?}");
}
