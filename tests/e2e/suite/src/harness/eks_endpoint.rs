//! The EKS endpoint as a user starts it on his machine, with his kubeconfig.

use std::ffi::OsStr;
use std::path::Path;
use std::process::Stdio;

use anyhow::{Context, Result};
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};
use tokio::time::timeout;

use super::Cluster;
use super::cluster::Skipped;
use super::wait::PATIENCE;

/// How clients name the cluster.
pub const CLUSTER: &str = "e2e";

/// The region that they name.
pub const REGION: &str = "eu-west-1";

/// The program on this machine.
pub fn program(cluster: &Cluster) -> Result<&Path> {
    let binary = cluster.binary.as_deref();
    Ok(binary.ok_or_else(|| Skipped("WEBHOOK names no binary for this machine".into()))?)
}

/// The arguments of an endpoint for whom this kubeconfig is of.
pub fn arguments(kubeconfig: &Path) -> Vec<String> {
    let kubeconfig = format!("--kubeconfig={}", kubeconfig.display());
    let [cluster, region] = [format!("--cluster-name={CLUSTER}"), format!("--region={REGION}")];
    vec!["eks-endpoint".to_owned(), kubeconfig, cluster, region]
}

/// An endpoint that serves until it is dropped.
pub struct Endpoint {
    /// `SCHEME://HOST:PORT`.
    pub url: String,
    /// What it prints for a shell to export.
    pub variables: Vec<(String, String)>,
    child: Child,
    folder: TempDir,
}

impl Endpoint {
    /// Starts one with these flags beside the usual ones, and waits until it serves.
    pub async fn serve(cluster: &Cluster, kubeconfig: &Path, flags: &[&str]) -> Result<Self> {
        let folder = tempfile::tempdir()?;
        let log = std::fs::File::create(folder.path().join("log"))?;
        let mut child = Command::new(program(cluster)?)
            .args(arguments(kubeconfig))
            .args(flags)
            // Where it puts its authority; it is killed and cannot take it away.
            .env("TMPDIR", folder.path())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(log)
            .kill_on_drop(true)
            .spawn()
            .context("failed to run eks-endpoint")?;
        let mut lines = BufReader::new(child.stdout.take().context("no output")?).lines();
        let mut variables = Vec::new();
        let read = async {
            while let Some(line) = lines.next_line().await? {
                // The last line.
                if line.starts_with("unset ") {
                    break;
                }
                let variable = line.strip_prefix("export ").and_then(|line| line.split_once('='));
                let (name, value) = variable.with_context(|| format!("no variable: {line}"))?;
                variables.push((name.to_owned(), value.trim_matches('\'').to_owned()));
            }
            anyhow::Ok(())
        };
        timeout(PATIENCE, read).await.context("eks-endpoint says nothing")??;
        let mut endpoint = Self { url: String::new(), variables, child, folder };
        let url = endpoint.variable("AWS_ENDPOINT_URL_EKS");
        endpoint.url = url.with_context(|| format!("no endpoint: {}", endpoint.log()))?.to_owned();
        Ok(endpoint)
    }

    /// What it says of a variable.
    pub fn variable(&self, name: &str) -> Option<&str> {
        self.variables.iter().find_map(|(known, value)| (known == name).then_some(value.as_str()))
    }

    /// `HOST:PORT`.
    pub fn address(&self) -> &str {
        self.url.split_once("://").map_or("", |(_, address)| address)
    }

    /// A client of AWS that knows of this endpoint, and of nothing else.
    pub fn client(&self, program: impl AsRef<OsStr>) -> Command {
        let mut command = client(program, self.folder.path());
        command.envs(self.variables.iter().map(|(name, value)| (name, value)));
        command
    }

    /// What it logged so far, which may be a moment behind what it answered.
    pub fn log(&self) -> String {
        let mut log = std::fs::read_to_string(self.folder.path().join("log")).unwrap_or_default();
        // The last line may be half there.
        log.truncate(log.rfind('\n').map_or(0, |end| end + 1));
        log
    }

    /// How many calls of this name it has answered, or refused.
    pub fn calls(&self, name: &str) -> usize {
        let word = format!("call=\"{name}\"");
        self.log().lines().filter(|line| line.contains(&word)).count()
    }

    /// The most memory that it has had, in bytes.
    pub fn peak_memory(&self) -> Result<u64> {
        let id = self.child.id().context("it has ended")?;
        let status = std::fs::read_to_string(format!("/proc/{id}/status"))?;
        let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")?.trim().strip_suffix(" kB"));
        Ok(peak.context("no VmHWM")?.parse::<u64>()? * 1024)
    }
}

/// A client of AWS at the home of a user who has nothing of AWS.
pub fn client(program: impl AsRef<OsStr>, home: &Path) -> Command {
    let mut command = Command::new(program);
    let of_aws = std::env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("AWS_"));
    for (name, _) in of_aws {
        command.env_remove(name);
    }
    command.env("HOME", home).kill_on_drop(true);
    command
}
