//! A way from this machine to a Service, even if its address cannot be reached from here.

use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context, Result};
use tokio::io::{AsyncBufReadExt, BufReader, Lines};
use tokio::process::{Child, ChildStdout, Command};
use tokio::time::timeout;

/// How long it may take to begin: a moment, unless the Service has no pod.
const LIMIT: Duration = Duration::from_secs(30);

/// `kubectl port-forward`; ends when it is dropped.
pub struct PortForward {
    /// `HOST:PORT` on this machine.
    pub address: String,
    _child: Child,
    /// Kept open: kubectl writes a line for every connection, and ends if it cannot.
    _lines: Lines<BufReader<ChildStdout>>,
}

impl PortForward {
    /// Opens a way to a port of a Service, by one of its pods.
    pub async fn to(namespace: &str, service: &str, port: u16) -> Result<Self> {
        let mut child = Command::new("kubectl")
            .args(["port-forward", "--namespace", namespace, "--address=127.0.0.1"])
            .args([format!("service/{service}"), format!(":{port}")])
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .context("failed to run kubectl")?;
        let stdout = child.stdout.take().context("kubectl without output")?;
        let mut lines = BufReader::new(stdout).lines();
        let line = timeout(LIMIT, lines.next_line()).await.context("kubectl port-forward says nothing")??;
        // Forwarding from 127.0.0.1:35421 -> 8443
        let line = line.context("kubectl port-forward ended at once")?;
        let address = line.split(' ').nth(2).with_context(|| format!("no address in '{line}'"))?;
        Ok(Self { address: address.to_owned(), _child: child, _lines: lines })
    }
}
