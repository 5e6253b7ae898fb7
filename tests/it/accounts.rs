//! The identity source against a fake API server: what a pod's review is answered while lists,
//! watches and GETs fail in every way.
//!
//! The clock of these tests can be moved on ([`skip`]): the webhook, the fake and the test share one
//! thread, so nothing runs between two of its ticks.

mod admin;
mod associations;
mod config_map;
mod endless;
mod events;
mod lies;
mod misses;
mod required;
mod scale;
mod shared_misses;
mod start;
mod storms;
mod watch;
mod watch_lost;

use std::time::Duration;

use pod_identity_webhook::certificates::Authority;
use pod_identity_webhook::webhook::Settings;
use serde_json::json;
use tempfile::TempDir;

use crate::support::client::{Answer, post};
use crate::support::credentials::Credentials;
use crate::support::fake_api::FakeApi;
use crate::support::reviews::creation;
use crate::support::server::{Server, settings};
use crate::support::wait::{eventually, within};

/// The gauges that tests wait for.
pub(crate) const UP: &str = "pod_identity_webhook_watch_up";
const ANNOTATED: &str = r#"pod_identity_webhook_service_accounts{annotated="true"}"#;

const ROLE_ARN: &str = "eks.amazonaws.com/role-arn";
const ORDERS: &str = "arn:aws:iam::123456789012:role/orders";
const BILLING: &str = "arn:aws:iam::123456789012:role/billing";

/// A webhook whose ServiceAccounts are those of a fake API server.
pub(crate) struct Webhook {
    pub(crate) server: Server,
    _certificate: TempDir,
}

/// What came back for a pod.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Said {
    /// Admitted, with this role.
    Role(String),
    /// Admitted, with an association and a token of so many seconds.
    Association(u64),
    /// Admitted unchanged.
    Nothing,
    /// Admitted unchanged, with the warning that its account does not exist.
    Missing,
    /// Answered 503, so the API server asks again.
    Unavailable,
}

/// Longer than the webhook waits between two attempts.
const LONG: Duration = Duration::from_secs(11);

fn role(role_arn: &str) -> Said {
    Said::Role(role_arn.to_owned())
}

fn annotation(role_arn: &str) -> [(&str, &str); 1] {
    [(ROLE_ARN, role_arn)]
}

/// An API server with an account that has a role and one that has none yet.
async fn shop() -> FakeApi {
    let api = FakeApi::start().await;
    api.put("shop", "orders", &annotation(ORDERS));
    api.put("shop", "gains", &[]);
    api
}

impl Webhook {
    /// Starts beside this API server, and waits until it is ready and its watch is up.
    async fn start(api: &FakeApi) -> Self {
        Self::start_with(api, |_| {}).await
    }

    /// As [`Self::start`], with settings changed.
    async fn start_with(api: &FakeApi, change: impl FnOnce(&mut Settings)) -> Self {
        let webhook = Self::start_cold(&api.url(), change).await;
        webhook.wait_until_ready().await;
        api.wait_for_watches(1).await;
        webhook.wait_for_metric(UP, 1.0).await;
        webhook
    }

    /// Starts and waits for nothing.
    pub(crate) async fn start_cold(url: &str, change: impl FnOnce(&mut Settings)) -> Self {
        Self::start_by(url, &[], change).await
    }

    /// As [`Self::start_cold`], with these flags besides.
    pub(crate) async fn start_by(url: &str, flags: &[&str], change: impl FnOnce(&mut Settings)) -> Self {
        let folder = TempDir::new().unwrap();
        let authority = Authority::new().unwrap();
        let leaf = authority.leaf(&["localhost".to_owned()]).unwrap();
        let (certificate, key) = (folder.path().join("tls.crt"), folder.path().join("tls.key"));
        std::fs::write(&certificate, leaf.certificate_pem).unwrap();
        std::fs::write(&key, leaf.key_pem).unwrap();
        let fixed = [
            format!("--kube-api={url}"),
            "--in-cluster=false".to_owned(),
            format!("--tls-cert={}", certificate.display()),
            format!("--tls-key={}", key.display()),
            "--shutdown-delay=0".to_owned(),
            "--enable-debugging-handlers".to_owned(),
        ];
        let flags = flags.iter().map(|flag| (*flag).to_owned());
        let mut settings = settings(fixed.into_iter().chain(flags));
        change(&mut settings);
        let server = Server::start(settings, || authority.certificate_pem()).await;
        Self { server, _certificate: folder }
    }

    /// Asks for a pod of this account, as an API server that waits ten seconds.
    pub(crate) async fn admit(&self, namespace: &str, account: &str) -> Said {
        self.admit_within(namespace, account, Duration::from_secs(10)).await
    }

    /// Asks for a pod of this account, as an API server that waits so long.
    async fn admit_within(&self, namespace: &str, account: &str, patience: Duration) -> Said {
        let path = format!("/mutate?timeout={}s", patience.as_secs());
        let answer = self.server.client.post(&path, review(namespace, account));
        read(&within("the answer", answer).await)
    }

    /// Asks for a pod of every one of these accounts at once, on connections that are open already. This
    /// begins at once; the answers come in order from the handles that it returns.
    async fn admit_all(&self, accounts: &[(&str, &str)]) -> Vec<tokio::task::JoinHandle<Said>> {
        let mut answers = Vec::new();
        for (namespace, account) in accounts {
            let mut connection = self.server.client.connect().await.unwrap();
            let review = review(namespace, account);
            answers.push(tokio::spawn(async move {
                read(&connection.send(post("/mutate?timeout=10s", review)).await.unwrap())
            }));
        }
        answers
    }

    /// Asks until the answer is this one.
    async fn wait_for_answer(&self, namespace: &str, account: &str, said: &Said) {
        eventually(said, async || {
            let now = self.admit(namespace, account).await;
            (now == *said).then_some(()).ok_or(now)
        })
        .await;
    }

    /// Two admissions that need no look-up: every byte that was sent to this process before has been
    /// read when they are answered, for all of it runs on one thread, in turns.
    pub(crate) async fn wait_until_read(&self) {
        for _ in 0..2 {
            let answer = self.server.client.post("/mutate", r#"{"kind": "none"}"#).await;
            assert_eq!(answer.status, 400);
        }
    }

    pub(crate) async fn is_ready(&self) -> bool {
        self.server.admin("/readyz").await.status == 200
    }

    /// The state of each condition, a line for each.
    pub(crate) fn readiness(&self) -> String {
        self.server.readiness.report().1
    }

    pub(crate) async fn wait_until_ready(&self) {
        eventually("readiness", async || self.is_ready().await.then_some(()).ok_or("not ready")).await;
    }

    async fn metric(&self, name_and_labels: &str) -> f64 {
        self.server.metric(name_and_labels).await.unwrap_or(0.0)
    }

    pub(crate) async fn wait_for_metric(&self, name_and_labels: &str, value: f64) {
        eventually((name_and_labels, value), async || {
            let now = self.metric(name_and_labels).await;
            (now.to_bits() == value.to_bits()).then_some(()).ok_or(now)
        })
        .await;
    }
}

/// Moves the clock on, and with it every wait of the webhook and of the fake. No answer may be awaited
/// meanwhile.
pub(crate) async fn skip(duration: Duration) {
    tokio::time::pause();
    tokio::time::advance(duration).await;
    tokio::time::resume();
}

/// The review of a pod that is being made.
pub(crate) fn review(namespace: &str, account: &str) -> String {
    let pod = json!({
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": { "name": "web", "namespace": namespace },
        "spec": { "serviceAccountName": account, "containers": [{ "name": "web", "image": "web" }] },
    });
    creation(namespace, &pod).to_string()
}

pub(crate) fn read(answer: &Answer) -> Said {
    if answer.status == 503 {
        assert_eq!(answer.header("retry-after"), "1");
        assert_eq!(answer.header("connection"), "close");
        return Said::Unavailable;
    }
    let credentials = Credentials::of(answer);
    let response = &answer.json()["response"];
    let warnings: Vec<_> = response["warnings"]
        .as_array()
        .into_iter()
        .flatten()
        .map(|warning| warning.as_str().unwrap())
        .collect();
    match (credentials, warnings.as_slice()) {
        (Credentials::Role(role_arn), []) => Said::Role(role_arn),
        (Credentials::Association(lifetime), []) => Said::Association(lifetime),
        (Credentials::None, []) => Said::Nothing,
        (Credentials::None, [warning]) => {
            assert!(warning.ends_with(" does not exist"), "{warning}");
            Said::Missing
        }
        (credentials, _) => panic!("{credentials:?}: {warnings:?}"),
    }
}
