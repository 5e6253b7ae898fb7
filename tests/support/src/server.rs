//! The server in this process: the same code as the binary's, with the test's own signal.

use std::ffi::OsString;
use std::net::SocketAddr;

use clap::Parser;
use futures_util::stream;
use pod_identity_webhook::cli::Cli;
use pod_identity_webhook::process::{Readiness, Signals};
use pod_identity_webhook::webhook::App;
use pod_identity_webhook::webhook::Settings;
use tempfile::TempDir;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use crate::client::{self, Answer, Client};
use crate::wait::until;

/// A server that runs until it is stopped or dropped.
pub struct Server {
    pub address: SocketAddr,
    pub metrics_address: SocketAddr,
    pub client: Client,
    /// The conditions, with more details than `/readyz` shows.
    pub readiness: Readiness,
    /// The authority of the certificate, in PEM.
    pub authority: String,
    signal: Option<oneshot::Sender<()>>,
    task: JoinHandle<anyhow::Result<()>>,
}

/// The settings that these arguments give, with free ports on the loopback address.
pub fn settings<A: Into<OsString>>(args: impl IntoIterator<Item = A>) -> Settings {
    let fixed = ["pod-identity-webhook", "--bind-address=127.0.0.1", "--port=0", "--metrics-port=0"];
    let args = fixed.into_iter().map(OsString::from).chain(args.into_iter().map(Into::into));
    Settings::new(&Cli::try_parse_from(args).unwrap().webhook).unwrap()
}

impl Server {
    /// A server on manifests, with a certificate made in memory.
    pub async fn on_manifests<A: Into<OsString>>(args: impl IntoIterator<Item = A>) -> Self {
        Self::with(args, |_| ()).await
    }

    /// A server on manifests, with settings that no argument reaches.
    pub async fn with<A: Into<OsString>>(
        args: impl IntoIterator<Item = A>,
        change: impl FnOnce(&mut Settings),
    ) -> Self {
        let folder = TempDir::new().unwrap();
        let authority = folder.path().join("ca.crt");
        let out = OsString::from(format!("--tls-ca-out={}", authority.display()));
        let mut settings = settings(args.into_iter().map(Into::into).chain([out]));
        change(&mut settings);
        Self::start(settings, || std::fs::read_to_string(&authority).unwrap()).await
    }

    /// A server with these settings; `authority` is read once it is bound.
    pub async fn start(settings: Settings, authority: impl FnOnce() -> String) -> Self {
        let app = App::bind(settings).await.unwrap();
        let (address, metrics_address) = (app.address(), app.metrics_address());
        let readiness = app.readiness();
        let (signal, signalled) = oneshot::channel::<()>();
        // A dropped sender counts as a signal: a test that fails must not leave a server behind.
        let signals = stream::once(async {
            drop(signalled.await);
            "the test's signal"
        });
        let task = tokio::spawn(app.run(Signals::new(signals)));
        let authority = authority();
        let client = Client::new(address, &authority);
        Self { address, metrics_address, client, readiness, authority, signal: Some(signal), task }
    }

    /// Waits until every source was read.
    pub async fn wait_until_ready(&self) {
        until("the server is ready", async || (self.admin("/readyz").await.status == 200).then_some(()))
            .await;
    }

    /// Tells the server to stop, as SIGTERM would.
    pub fn signal(&mut self) {
        drop(self.signal.take());
    }

    /// Stops the server and waits for its end.
    pub async fn stop(mut self) {
        self.signal();
        self.task.await.unwrap().unwrap();
    }

    /// The answer of a probe or of the metrics path.
    pub async fn admin(&self, path: &str) -> Answer {
        client::get_plain(self.metrics_address, path).await
    }

    /// The value of one line of the metrics, `None` if there is no such line.
    pub async fn metric(&self, name_and_labels: &str) -> Option<f64> {
        client::metric(self.metrics_address, name_and_labels).await
    }
}
