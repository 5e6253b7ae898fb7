//! The webhook as a process on this machine, called by URL as beside a control plane.

use std::path::Path;
use std::process::Stdio;

use anyhow::{Context, Result, bail};
use serde_json::Value;
use tempfile::TempDir;
use tokio::net::TcpStream;
use tokio::process::{Child, Command};

use super::certificates::Certificates;
use super::cluster::Skipped;
use super::http::Answer;
use super::{Cluster, http, until};

/// A webhook process; killed when it is dropped.
pub struct Process {
    /// What the API server calls, with `/mutate`.
    pub url: String,
    /// What the API server is to trust.
    pub authority: String,
    /// `HOST:PORT` of metrics and probes, on this machine.
    pub metrics: String,
    child: Child,
    folder: TempDir,
}

/// What the log says of a review.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Admission {
    /// The request's uid, the same when the API server asks again.
    pub uid: String,
    pub pod: String,
    pub outcome: String,
}

impl Process {
    /// Starts it with a kubeconfig and these flags beside what it needs, and waits until its ports are
    /// bound; not until it is ready.
    pub async fn start(cluster: &Cluster, kubeconfig: &Path, flags: &[&str]) -> Result<Self> {
        let address = cluster.host_address().await?;
        let binary = cluster
            .binary
            .as_ref()
            .ok_or_else(|| Skipped("WEBHOOK names no binary for this machine".into()))?;
        let certificates = Certificates::of(&[&address])?;
        let folder = tempfile::tempdir()?;
        let path = |name: &str| folder.path().join(name);
        std::fs::write(path("tls.crt"), &certificates.leaf.certificate_pem)?;
        std::fs::write(path("tls.key"), &certificates.leaf.key_pem)?;
        let log = std::fs::File::create(path("log"))?;
        let child = Command::new(binary)
            .args(["--in-cluster=false", "--port=0", "--metrics-port=0", "--shutdown-delay=0"])
            .args([
                format!("--bind-address={address}"),
                format!("--kubeconfig={}", kubeconfig.display()),
                format!("--tls-cert={}", path("tls.crt").display()),
                format!("--tls-key={}", path("tls.key").display()),
            ])
            .args(flags)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log)
            .kill_on_drop(true)
            .spawn()
            .with_context(|| format!("failed to run {}", binary.display()))?;
        let (url, metrics) = (String::new(), String::new());
        let mut process = Self { url, authority: certificates.authority, metrics, child, folder };
        let line = until("the webhook binds its ports", async || {
            if let Some(status) = process.child.try_wait()? {
                bail!("the webhook ended with {status}:\n{}", process.log());
            }
            Ok(process.log().lines().find(|line| line.contains(" serving ")).map(str::to_owned))
        })
        .await?;
        let word = |name: &str| line.split(' ').find_map(|word| word.strip_prefix(name)).map(str::to_owned);
        process.url = format!("https://{}/mutate", word("address=").context("no address= in the log")?);
        process.metrics = word("metrics_address=").context("no metrics_address= in the log")?;
        Ok(process)
    }

    /// The reviews that it answered so far, as far as they are in its log.
    pub fn admissions(&self) -> Vec<Admission> {
        let word = |line: &str, name: &str| {
            let value = line.split(' ').find_map(|word| word.strip_prefix(name));
            value.unwrap_or_default().trim_matches('"').to_owned()
        };
        let log = self.log();
        let lines = log.lines().filter(|line| line.contains(" admission "));
        lines
            .map(|line| Admission {
                uid: word(line, "uid="),
                pod: word(line, "pod="),
                outcome: word(line, "outcome="),
            })
            .collect()
    }

    /// Answer of a path of the metrics port.
    pub async fn get(&self, path: &str) -> Result<Answer> {
        let connection = TcpStream::connect(&self.metrics).await?;
        http::exchange(connection, http::request("GET", path, String::new())?).await
    }

    /// Answer to a review that is posted as the API server does.
    pub async fn post(&self, review: &Value) -> Result<Answer> {
        let (_, address) = self.url.split_once("://").context("no URL")?;
        let (address, path) = address.split_once('/').context("no path")?;
        let (host, _) = address.rsplit_once(':').context("no port")?;
        http::post(address, host, &self.authority, &format!("/{path}"), review).await
    }

    /// What it logged so far, which may be a moment behind what it answered.
    pub fn log(&self) -> String {
        let mut log = std::fs::read_to_string(self.folder.path().join("log")).unwrap_or_default();
        // The last line may be half there.
        log.truncate(log.rfind('\n').map_or(0, |end| end + 1));
        log
    }
}
