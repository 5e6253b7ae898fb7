//! AWS's clients of EKS, each as its users have it: the command line, and the SDKs in programs that do what they are told
//! (`tests/e2e/clients`).

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::Arc;

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader, Lines};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};
use tokio::sync::OnceCell;
use tokio::time::timeout;

use super::cluster::{Skipped, root};
use super::eks_endpoint::{self, Endpoint};
use super::wait::PATIENCE;
use super::{Cluster, command};
use crate::rust_client;

/// A client's kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Cli,
    Boto3,
    JavaScript,
    Rust,
}

/// All that are tried.
pub const KINDS: [Kind; 4] = [Kind::Cli, Kind::Boto3, Kind::JavaScript, Kind::Rust];

/// A client with an endpoint of its own.
pub struct EksClient {
    pub kind: Kind,
    /// The version that it says itself.
    pub version: String,
    way: Way,
}

enum Way {
    /// A process for each call.
    Command { aws: PathBuf, endpoint: Arc<Endpoint>, more: Vec<(String, String)> },
    /// One that takes calls: the endpoint's child.
    Process { child: Box<Child>, calls: ChildStdin, answers: Lines<BufReader<ChildStdout>> },
}

/// What a call came to, as the client tells it.
pub type Outcome = std::result::Result<Value, Refusal>;

/// An error of EKS.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// Its name.
    pub name: String,
    /// What a program catches: the name, or something for all that have no class of their own.
    pub class: String,
    pub message: String,
}

/// Where the clients are, installed once.
pub async fn folder() -> Result<&'static Path> {
    static FOLDER: OnceCell<PathBuf> = OnceCell::const_new();
    let install = async || {
        let install = root().join("tests/e2e/clients/install");
        let printed = command::run(install, [] as [&str; 0], "").await?;
        anyhow::Ok(PathBuf::from(printed.trim()))
    };
    FOLDER.get_or_try_init(install).await.map(PathBuf::as_path)
}

impl Kind {
    /// Its name as documents have it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Cli => "AWS CLI",
            Self::Boto3 => "boto3",
            Self::JavaScript => "SDK for JavaScript",
            Self::Rust => "SDK for Rust",
        }
    }

    /// The program that takes calls.
    async fn program(self) -> Result<Vec<PathBuf>> {
        let folder = folder().await?;
        Ok(match self {
            Self::Cli => vec![folder.join("aws")],
            Self::Boto3 => vec!["python3".into(), folder.join("python/client.py")],
            Self::JavaScript => {
                let program = folder.join("js/client.mjs");
                ensure!(program.exists(), Skipped("there is no Node for AWS's SDK for JavaScript".into()));
                vec!["node".into(), program]
            }
            Self::Rust => vec![std::env::current_exe()?, rust_client::NAME.into()],
        })
    }
}

impl EksClient {
    /// Starts one that is run by the endpoint (`eks-endpoint -- CLIENT`); the command line, which is started for each
    /// call, is told of one that serves.
    pub async fn start(kind: Kind, cluster: &Cluster, kubeconfig: &Path) -> Result<Self> {
        if kind == Kind::Cli {
            let endpoint = Endpoint::serve(cluster, kubeconfig, &[]).await?;
            return Self::of_endpoint(kind, &Arc::new(endpoint), &[]).await;
        }
        let program = kind.program().await?;
        // Nothing of the user is read but his kubeconfig.
        let home = folder().await?;
        let mut command = eks_endpoint::client(eks_endpoint::program(cluster)?, home);
        command.args(eks_endpoint::arguments(kubeconfig)).arg("--").args(program);
        Self::by_process(kind, command).await
    }

    /// Starts one that is told of this endpoint, and whatever else the environment is to have.
    pub async fn of_endpoint(kind: Kind, endpoint: &Arc<Endpoint>, more: &[(&str, &str)]) -> Result<Self> {
        let program = kind.program().await?;
        let (first, rest) = program.split_first().context("no program")?;
        if kind == Kind::Cli {
            return Self::by_command(first, endpoint.clone(), more).await;
        }
        let mut command = endpoint.client(first);
        command.args(rest).envs(more.iter().copied());
        Self::by_process(kind, command).await
    }

    async fn by_command(aws: &Path, endpoint: Arc<Endpoint>, more: &[(&str, &str)]) -> Result<Self> {
        let aws = aws.to_owned();
        let more = more.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        let said = endpoint.client(&aws).arg("--version").output().await?;
        // aws-cli/1.46.3 Python/3.11.7 …
        let said = String::from_utf8_lossy(&said.stdout).into_owned();
        let version = said.strip_prefix("aws-cli/").and_then(|said| said.split(' ').next());
        let version = version.with_context(|| format!("no version: {said}"))?.to_owned();
        Ok(Self { kind: Kind::Cli, version, way: Way::Command { aws, endpoint, more } })
    }

    async fn by_process(kind: Kind, mut command: Command) -> Result<Self> {
        let command = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::inherit());
        // The SDK says on which date it will want a newer Node.
        command.env("NODE_NO_WARNINGS", "1");
        // The endpoint ends when its child does, and that when there are no more calls.
        let mut child = command.kill_on_drop(false).spawn().with_context(|| kind.name())?;
        let calls = child.stdin.take().context("no input")?;
        let answers = BufReader::new(child.stdout.take().context("no output")?).lines();
        let way = Way::Process { child: Box::new(child), calls, answers };
        let mut client = Self { kind, version: String::new(), way };
        let said = client.line().await?;
        said["version"].as_str().context("no version")?.clone_into(&mut client.version);
        Ok(client)
    }

    /// Makes a call of EKS, with AWS's names.
    pub async fn call(&mut self, call: &str, input: Value) -> Result<Outcome> {
        self.asked(json!({"call": call, "input": input})).await
    }

    /// The same with all pages, as the client itself reads them.
    pub async fn pages(&mut self, call: &str, input: Value) -> Result<Outcome> {
        self.asked(json!({"call": call, "input": input, "paged": true})).await
    }

    /// Makes a call that has to succeed.
    pub async fn done(&mut self, call: &str, input: Value) -> Result<Value> {
        let outcome = self.call(call, input).await?;
        outcome.map_err(|refusal| anyhow::anyhow!("{} {call}: {refusal:?}", self.kind.name()))
    }

    /// The command line with these words, as it ends.
    pub async fn run(&self, words: &[&str]) -> Result<std::process::Output> {
        let Way::Command { aws, endpoint, more } = &self.way else { anyhow::bail!("no command line") };
        let more = more.iter().map(|(name, value)| (name, value));
        let ended = endpoint.client(aws).args(words).envs(more).output();
        Ok(timeout(PATIENCE, ended).await.context("aws does not end")??)
    }

    async fn asked(&mut self, line: Value) -> Result<Outcome> {
        if let Way::Process { calls, .. } = &mut self.way {
            calls.write_all(format!("{line}\n").as_bytes()).await?;
            let answer = self.line().await?;
            let text = |name: &str| answer[name].as_str().unwrap_or_default().to_owned();
            if let Some(output) = answer.get("output") {
                return Ok(Ok(output.clone()));
            }
            return Ok(Err(Refusal { name: text("error"), class: text("class"), message: text("message") }));
        }
        let words = words(&line)?;
        let output = self.run(&words.iter().map(String::as_str).collect::<Vec<_>>()).await?;
        if output.status.success() {
            return Ok(Ok(told(&output.stdout)?));
        }
        let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
        Ok(Err(refused(&stderr).with_context(|| format!("aws {words:?}: {stderr}"))?))
    }

    async fn line(&mut self) -> Result<Value> {
        let Way::Process { answers, child, .. } = &mut self.way else { anyhow::bail!("no process") };
        let line = timeout(PATIENCE, answers.next_line()).await.context("a client does not answer")??;
        match line {
            Some(line) => Ok(serde_json::from_str(&line)?),
            None => anyhow::bail!("{} ended with {}", self.kind.name(), child.wait().await?),
        }
    }
}

/// A call as words of the command line.
fn words(line: &Value) -> Result<Vec<String>> {
    let kebab = |name: &str| {
        let parts = name.chars().flat_map(|c| {
            let dash = c.is_ascii_uppercase().then_some('-');
            dash.into_iter().chain([c.to_ascii_lowercase()])
        });
        parts.collect::<String>().trim_start_matches('-').to_owned()
    };
    let mut words = vec!["eks".to_owned(), kebab(line["call"].as_str().context("no call")?)];
    for (name, value) in line["input"].as_object().into_iter().flatten() {
        let option = kebab(name);
        match value {
            Value::Bool(true) => words.push(format!("--{option}")),
            Value::Bool(false) => words.push(format!("--no-{option}")),
            Value::String(text) => words.extend([format!("--{option}"), text.clone()]),
            Value::Array(all) => {
                words.push(format!("--{option}"));
                words.extend(all.iter().filter_map(Value::as_str).map(str::to_owned));
            }
            other => words.extend([format!("--{option}"), other.to_string()]),
        }
    }
    words.push("--output=json".to_owned());
    Ok(words)
}

/// What the command line printed, if anything.
fn told(stdout: &[u8]) -> Result<Value> {
    if stdout.trim_ascii().is_empty() { Ok(json!({})) } else { Ok(serde_json::from_slice(stdout)?) }
}

/// `An error occurred (NAME) when calling the CALL operation: MESSAGE`
fn refused(stderr: &str) -> Option<Refusal> {
    let (name, rest) = stderr.split_once("An error occurred (")?.1.split_once(')')?;
    let message = rest.split_once(" operation")?.1.split_once(": ")?.1.trim();
    Some(Refusal { name: name.to_owned(), class: name.to_owned(), message: message.to_owned() })
}
