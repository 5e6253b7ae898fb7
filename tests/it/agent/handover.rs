//! An agent that is upgraded: the new one listens beside the old one, which then ends, and no pod asks in vain.

use std::process::{Command, Output};

use super::{Node, issuer};
use crate::support::client;
use crate::support::fake_api::{Fault, Route};
use crate::support::wait::until;

const BINARY: &str = env!("CARGO_BIN_EXE_pod-identity-webhook");

/// Attempts of an SDK.
const ATTEMPTS: usize = 3;

struct Files(tempfile::TempDir);

impl Files {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn path(&self, name: &str) -> String {
        self.0.path().join(name).display().to_string()
    }

    fn flag(&self, name: &str) -> String {
        format!("--handover-file={}", self.path(name))
    }

    /// Asks as kubelet does in the container that has this file.
    async fn probe(&self, name: &str, question: &str) -> Output {
        let arguments = ["agent", "probe", question, "--file", &self.path(name)].map(str::to_owned);
        let run = move || Command::new(BINARY).args(arguments).output().unwrap();
        tokio::task::spawn_blocking(run).await.unwrap()
    }
}

/// Asks as often as an SDK does.
async fn assert_answered(node: &Node, token: &str) {
    let mut answers = Vec::new();
    for _ in 0..ATTEMPTS {
        // A connection that comes between the last that is accepted and the socket's end is reset.
        answers.push(node.try_ask(token).await);
        if matches!(answers.last(), Some(Some(answer)) if answer.status == 200) {
            return;
        }
    }
    panic!("{answers:?}");
}

#[tokio::test]
async fn the_new_agent_takes_over_once_it_has_read_everything_and_no_pod_asks_in_vain() {
    let files = Files::new();
    let (api, issuer) = Node::cluster().await;
    let old = Node::start_on(api, issuer.clone(), &[&files.flag("old")]).await;
    let token = old.token("p1");
    assert_answered(&old, &token).await;
    assert!(files.probe("old", "ready").await.status.success());

    let (api, _) = Node::cluster().await;
    api.sign_tokens(issuer::URL, &issuer.keys());
    api.confirm_token(&token, "account-orders", "p1");
    api.set_fault_of_tokens(Route::Document, Fault::Status(503));
    let port = format!("--port={}", old.address.port());
    let new = Node::start_cold(api, issuer, &[&files.flag("new"), &port]).await;
    assert_eq!(new.address, old.address);
    let probed = files.probe("new", "ready").await;
    let said = String::from_utf8(probed.stderr).unwrap();
    assert!(
        !probed.status.success() && said.contains("[-]keys the cluster's keys are not read yet"),
        "{said}"
    );
    assert!(files.probe("new", "live").await.status.success());
    for _ in 0..100 {
        assert_answered(&old, &token).await;
    }
    // It had none of these connections.
    assert_eq!(new.upstream.calls(), 0);

    new.api.set_fault_of_tokens(Route::Document, Fault::None);
    until("the new one is ready", async || files.probe("new", "ready").await.status.success().then_some(()))
        .await;
    drop(old);
    until("the new one has answered", async || {
        assert_answered(&new, &token).await;
        (new.upstream.calls() > 0).then_some(())
    })
    .await;
}

#[tokio::test]
async fn a_second_agent_of_a_pod_stands_by_and_takes_over_at_once() {
    let files = Files::new();
    let lock = format!("--standby-lock={}", files.path("lock"));
    let (api, issuer) = Node::cluster().await;
    let first = Node::start_on(api, issuer.clone(), &[&files.flag("agent"), &lock]).await;
    let token = first.token("p1");
    assert_answered(&first, &token).await;

    let (api, _) = Node::cluster().await;
    api.sign_tokens(issuer::URL, &issuer.keys());
    api.confirm_token(&token, "account-orders", "p1");
    let port = format!("--port={}", first.address.port());
    let second = Node::start_on(api, issuer, &[&files.flag("standby"), &lock, &port]).await;
    assert!(files.probe("standby", "ready").await.status.success());
    for _ in 0..100 {
        assert_answered(&first, &token).await;
    }
    assert_eq!(second.upstream.calls(), 0);

    // The kernel takes the lock from a process that dies, as from this one's end.
    drop(first);
    // For some milliseconds nobody listens: an SDK asks again after a second.
    until("the second one answers", async || {
        let is_answered = second.try_ask(&token).await.is_some_and(|answer| answer.status == 200);
        (is_answered && second.upstream.calls() == 1).then_some(())
    })
    .await;
}

#[tokio::test]
async fn a_probe_before_the_server_is_there_says_so() {
    let files = Files::new();
    let probed = files.probe("none", "ready").await;
    let said = String::from_utf8(probed.stderr).unwrap();
    assert!(!probed.status.success());
    assert!(said.contains("the server has not written") && said.contains("none"), "{said}");
}

#[tokio::test]
async fn without_a_file_two_agents_do_not_share_addresses() {
    let (api, issuer) = Node::cluster().await;
    let one = Node::start_on(api, issuer.clone(), &[]).await;
    let (api, _) = Node::cluster().await;
    let port = format!("--port={}", one.address.port());
    let error = Node::try_start(api, issuer, &[&port]).await.err().unwrap();
    let said = format!("{error:#}");
    assert!(said.contains("failed to listen on") && said.contains("in use"), "{said}");
    // The probes of one that does are its own, and AWS's answer beside them.
    let probed = client::get_plain(one.probes, "/ready").await;
    assert_eq!(probed.status, 200);
}
