//! The node's agent against a fake API server and an upstream that a test decides on: who gets which credentials, and
//! what others are told.

mod attacks;
mod contract;
mod eks_auth;
mod grants;
mod handover;
mod issuer;
mod line;
mod requests;
#[cfg(feature = "eks-api")]
mod sts;
mod taint;
mod tokens;
#[cfg(feature = "eks-api")]
mod upstream;

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};

use clap::Parser;
use futures_util::{FutureExt, stream};
use k8s_openapi::jiff::Timestamp;
use pod_identity_webhook::agent::args::ServeArgs;
use pod_identity_webhook::agent::cache::{Ask, Fetch};
use pod_identity_webhook::agent::settings::Settings;
use pod_identity_webhook::agent::{App, Credentials, Failure};
use pod_identity_webhook::process::Signals;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::oneshot;

use crate::association_resources::{OWN, body};
use crate::support::client;
use crate::support::fake_api::{FakeApi, Resource};
use crate::support::wait::until;
use issuer::Issuer;

const ROLE: &str = "arn:aws:iam::123456789012:role/app";
const NODE: &str = "node-1";
const PODS: Resource = Resource { group: "", version: "v1", plural: "pods", kind: "Pod" };

#[derive(Parser)]
struct Line {
    #[command(flatten)]
    args: ServeArgs,
}

/// Makes credentials that tell the role, unless a test has it fail.
#[derive(Clone, Default)]
struct Upstream {
    calls: Arc<AtomicUsize>,
    fails: Arc<Mutex<Option<Failure>>>,
}

impl Upstream {
    fn fetch(&self) -> Fetch {
        let upstream = self.clone();
        Box::new(move |ask: Ask| {
            upstream.calls.fetch_add(1, Ordering::SeqCst);
            let failure = upstream.fails.lock().unwrap().clone();
            async move { failure.map_or_else(|| Ok(credentials(&ask)), Err) }.boxed()
        })
    }

    fn calls(&self) -> usize {
        self.calls.load(Ordering::SeqCst)
    }
}

/// Credentials whose key is the pod's, and whose token names the role, if it is known here.
fn credentials(ask: &Ask) -> Credentials {
    let role = ask.terms.as_ref().map(|terms| terms.role_arn.to_string());
    Credentials {
        access_key_id: format!("ASIA-{}", ask.subject.pod_uid),
        secret_access_key: "secret".to_owned(),
        session_token: role.unwrap_or_default(),
        account_id: "123456789012".to_owned(),
        expiration: Timestamp::try_from(SystemTime::now() + Duration::from_hours(1)).unwrap(),
        longest: Duration::from_hours(1),
    }
}

/// A cluster, its issuer and an agent on one of its nodes.
struct Node {
    api: FakeApi,
    issuer: Issuer,
    upstream: Upstream,
    address: std::net::SocketAddr,
    probes: std::net::SocketAddr,
    metrics: std::net::SocketAddr,
    _signal: oneshot::Sender<()>,
}

/// What an agent answers.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Answer {
    status: u16,
    head: String,
    body: String,
}

impl Node {
    async fn start(flags: &[&str]) -> Self {
        let (api, issuer) = Self::cluster().await;
        Self::start_on(api, issuer, flags).await
    }

    /// A cluster in which `orders` has a role.
    async fn cluster() -> (FakeApi, Issuer) {
        let issuer = Issuer::new("key-1");
        let api = FakeApi::start().await;
        api.install(OWN);
        api.install(PODS);
        api.sign_tokens(issuer::URL, &issuer.keys());
        api.put_object(OWN, "shop", "orders", body(json!({ "spec": { "roleArn": ROLE } })));
        (api, issuer)
    }

    async fn start_on(api: FakeApi, issuer: Issuer, flags: &[&str]) -> Self {
        let node = Self::start_cold(api, issuer, flags).await;
        until("the agent is ready", async || {
            let conditions = client::get_plain(node.probes, "/ready").await;
            (conditions.status == 200).then_some(())
        })
        .await;
        node
    }

    async fn start_cold(api: FakeApi, issuer: Issuer, flags: &[&str]) -> Self {
        Self::try_start(api, issuer, flags).await.unwrap()
    }

    async fn try_start(api: FakeApi, issuer: Issuer, flags: &[&str]) -> anyhow::Result<Self> {
        let upstream = Upstream::default();
        let url = format!("--kube-api={}", api.url());
        let usual = ["--upstream=web-identity", "--port=0"];
        let is_said = |usual: &&str| {
            let name = usual.split_inclusive('=').next().unwrap();
            flags.iter().any(|flag| flag.starts_with(name))
        };
        let usual: Vec<_> = usual.into_iter().filter(|usual| !is_said(usual)).collect();
        let fixed = [
            "agent",
            "--cluster-name=prod",
            "--bind-hosts=127.0.0.1",
            "--probe-port=0",
            "--metrics-address=127.0.0.1",
            "--metrics-port=0",
            "--node-name=node-1",
            &url,
        ];
        let line = Line::try_parse_from(fixed.iter().chain(&usual).chain(flags)).unwrap();
        let settings = Settings::new(&line.args, |_| None).unwrap();
        let fetch = upstream.fetch();
        let app = App::bind(settings, async move |_| Ok(fetch)).await?;
        let App { addresses, probes, metrics, running } = app;
        let (signal, signalled) = oneshot::channel::<()>();
        let signals = stream::once(async {
            drop(signalled.await);
            "the test's signal"
        });
        tokio::spawn(running.until(Signals::new(signals)));
        Ok(Self { api, issuer, upstream, address: addresses[0], probes, metrics, _signal: signal })
    }

    /// A token of a pod of `orders`, which the API server confirms.
    fn token(&self, pod: &str) -> String {
        let token = self.issuer.sign(&issuer::claims("orders", pod));
        self.api.confirm_token(&token, "account-orders", pod);
        token
    }

    /// Asks as an SDK does.
    async fn ask(&self, token: &str) -> Answer {
        self.try_ask(token).await.unwrap()
    }

    /// The same, where the connection may be closed.
    async fn try_ask(&self, token: &str) -> Option<Answer> {
        self.try_send(&format!(
            "GET /v1/credentials HTTP/1.1\r\nHost: 169.254.170.23\r\nAuthorization: {token}\r\n"
        ))
        .await
    }

    /// Sends this head, to which the end of the connection is added.
    async fn send(&self, head: &str) -> Answer {
        self.try_send(head).await.unwrap()
    }

    async fn try_send(&self, head: &str) -> Option<Answer> {
        let mut stream = TcpStream::connect(self.address).await.ok()?;
        stream.write_all(format!("{head}Connection: close\r\n\r\n").as_bytes()).await.ok()?;
        let mut text = String::new();
        stream.read_to_string(&mut text).await.ok()?;
        let (head, body) = text.split_once("\r\n\r\n")?;
        let status = head.split(' ').nth(1)?.parse().ok()?;
        Some(Answer { status, head: head.to_lowercase(), body: body.to_owned() })
    }
}

impl Answer {
    fn json(&self) -> Value {
        assert_eq!(self.status, 200, "{self:?}");
        serde_json::from_str(&self.body).unwrap()
    }

    /// Which pod's credentials they are, and of which role.
    fn identity(&self) -> (String, String) {
        let body = self.json();
        let text = |member: &str| body[member].as_str().unwrap().to_owned();
        (text("AccessKeyId"), text("Token"))
    }
}
