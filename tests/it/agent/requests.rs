//! The contract of AWS's agent as a table: requests, good and of each bad kind, and the whole answer to each. What of an
//! answer is AWS's agent's, byte for byte, and what is ours, docs/agent-contract.md says; the table there is made of this
//! one, and `UPDATE=1` writes it.

mod heads;
mod tokens;

use std::collections::BTreeSet;
use std::fmt::Write;
use std::path::Path;

use serde_json::Value;

use super::issuer;
use super::{Answer, Node};
use crate::support::fake_api::{Fault, Route};
use crate::support::wait::until;

const PAGE: &str = "docs/agent-contract.md";

/// What is around the table.
const BEGIN: &str = "<!-- written by the test of the agent's requests -->\n";
const END: &str = "<!-- end of what it writes -->\n";

/// One request and its answer.
struct Row {
    /// The request, in words.
    what: &'static str,
    sent: Sent,
    status: u16,
    /// What AWS's agent answers, as far as it is known, and what follows that is our own; a line end follows both. Beside
    /// 200, which has credentials for a body: with what AWS's agent refuses the same request, if it does.
    text: [&'static str; 2],
}

/// What is sent.
enum Sent {
    /// This head, in which `TOKEN` is a good token.
    Head(&'static str),
    /// What an SDK sends, with this for a token; it is told a good one.
    Value(fn(&Node, &str) -> String),
    /// The same with a token that the cluster has signed, with claims that were changed so.
    Claims(fn(&mut Value)),
    /// What an SDK sends, while the API server cannot be asked.
    Unreviewed,
    /// The same, one time more than is answered in a second.
    TooMany,
}

/// The body of a good answer, whose members have this order.
const GOOD: &str = "{\"AccessKeyId\":\"ASIA-p1\",\"SecretAccessKey\":\"secret\",\
\"Token\":\"arn:aws:iam::123456789012:role/app\",\"AccountId\":\"123456789012\",\"Expiration\":\"EXPIRATION\"}";

/// All requests, about in the order in which the agent looks for what is wrong.
fn rows() -> impl Iterator<Item = &'static Row> {
    heads::REFUSED.iter().chain(&tokens::TOKENS).chain(&heads::ANSWERED)
}

#[tokio::test]
async fn each_is_answered_as_by_awss_agent() {
    let node = Node::start(&[]).await;
    let good = node.token("p1");
    let mut differences = String::new();
    for row in rows() {
        let answer = match row.sent {
            Sent::Head(head) => node.send(&head.replace("TOKEN", &good)).await,
            Sent::Value(value) => node.ask(&value(&node, &good)).await,
            Sent::Claims(change) => {
                let mut claims = issuer::claims("orders", "p1");
                change(&mut claims);
                let token = node.issuer.sign(&claims);
                node.api.confirm_token(&token, "account-orders", "p1");
                node.ask(&token).await
            }
            Sent::Unreviewed => {
                let node = Node::start(&[]).await;
                node.api.set_fault_of_tokens(Route::Review, Fault::Status(500));
                node.ask(&node.token("p1")).await
            }
            Sent::TooMany => {
                let node = Node::start(&["--max-requests-per-second=10"]).await;
                let token = node.token("p1");
                until("one is refused", async || {
                    let answer = node.ask(&token).await;
                    (answer.status != 200).then_some(answer)
                })
                .await
            }
        };
        compare(row, &answer, &mut differences);
    }
    assert!(differences.is_empty(), "\n{differences}");
    // Of all those that are refused, the API server was asked about those alone that it had signed for this node's pods, and
    // AWS about none.
    assert_eq!((node.upstream.calls(), node.api.traffic().reviews), (1, 4));
}

/// Notes what of the answer is not as the row says.
fn compare(row: &Row, answer: &Answer, differences: &mut String) {
    let Row { what, status, text: [awss, ours], .. } = row;
    let is_good = *status == 200;
    let body =
        if is_good { GOOD.replace("EXPIRATION", &expiration(answer)) } else { format!("{awss}{ours}\n") };
    let content_type = if is_good { "application/json" } else { "text/plain; charset=utf-8" };
    let header = |name: &str| {
        let lines = answer.head.lines().filter_map(|line| line.split_once(": "));
        lines.filter(|(key, _)| *key == name).map(|(_, value)| value).collect::<Vec<_>>()
    };
    let nosniff: &[&str] = if is_good { &[] } else { &["nosniff"] };
    let is_so = answer.status == *status
        && answer.body == body
        && header("content-type") == [content_type]
        && header("x-content-type-options") == nosniff
        && header("content-length") == [body.len().to_string()];
    if !is_so {
        writeln!(differences, "{what}: expected {status} {body:?}, got {answer:?}").unwrap();
    }
}

/// When the credentials end, if it is said as AWS's agent says it: RFC 3339, in UTC, with a `Z`.
fn expiration(answer: &Answer) -> String {
    let body: Value = serde_json::from_str(&answer.body).unwrap_or_default();
    let text = body["Expiration"].as_str().unwrap_or_default();
    let is_time = text.parse::<k8s_openapi::jiff::Timestamp>().is_ok() && text.ends_with('Z');
    if is_time { text.to_owned() } else { "no time".to_owned() }
}

#[test]
fn there_are_many_and_each_once() {
    let requests: BTreeSet<_> = rows().map(|row| row.what).collect();
    assert_eq!(requests.len(), rows().count());
    assert!(requests.len() >= 40, "{}", requests.len());
    let statuses: BTreeSet<_> = rows().map(|row| row.status).collect();
    assert_eq!(statuses, BTreeSet::from([200, 400, 403, 404, 429, 503]));
}

#[test]
fn the_page_says_what_is_answered() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(PAGE);
    let page = std::fs::read_to_string(&path).unwrap();
    let (before, rest) = page.split_once(BEGIN).expect("where the table begins");
    let (_, after) = rest.split_once(END).expect("where the table ends");
    let expected = format!("{before}{BEGIN}{}{END}{after}", written());
    if std::env::var_os("UPDATE").is_some() {
        std::fs::write(path, expected).unwrap();
    } else {
        assert_eq!(page, expected, "UPDATE=1 writes it");
    }
}

/// The table, as Markdown.
fn written() -> String {
    let code = |text: &str| if text.is_empty() { String::new() } else { format!("`{}`", text.trim()) };
    let mut table =
        "| request | status | text of AWS's agent | text of ours |\n|---|---|---|---|\n".to_owned();
    for Row { what, status, text: [awss, ours], .. } in rows() {
        let credentials = "the credentials".to_owned();
        let [awss, ours] = match (*status, *awss) {
            (200, "") => [credentials, String::new()],
            // AWS's agent refuses what is answered here.
            (200, refusal) => [code(refusal), credentials],
            _ => [code(awss), code(ours)],
        };
        writeln!(table, "| {what} | {status} | {awss} | {ours} |").unwrap();
    }
    table
}
