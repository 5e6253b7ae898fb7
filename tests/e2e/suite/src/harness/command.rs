//! The tools that users have: kubectl, helm, a provider's verbs.

use std::ffi::OsStr;
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use tokio::io::AsyncWriteExt;
use tokio::process::Command;
use tokio::time::timeout;

/// A tool that hangs must not hang the suite: longer than any wait that is asked of one.
const LIMIT: Duration = Duration::from_mins(5);

/// What a tool left behind.
#[derive(Debug)]
pub struct Output {
    pub code: i32,
    pub stdout: String,
    pub stderr: String,
}

/// Runs a tool to its end, with `input` on its standard input.
pub async fn output<A: AsRef<OsStr>>(
    program: impl AsRef<OsStr>,
    arguments: impl IntoIterator<Item = A>,
    input: &str,
) -> Result<Output> {
    let program = program.as_ref();
    let mut child = Command::new(program)
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .with_context(|| format!("failed to run {}", program.display()))?;
    let stdin = child.stdin.take();
    let feed = async {
        if let Some(mut stdin) = stdin {
            // A tool that does not read its input has closed it.
            drop(stdin.write_all(input.as_bytes()).await);
        }
    };
    let ended = async { tokio::join!(feed, child.wait_with_output()).1 };
    let output = timeout(LIMIT, ended)
        .await
        .with_context(|| format!("waited {LIMIT:?} for the end of {}", program.display()))??;
    Ok(Output {
        code: output.status.code().unwrap_or(-1),
        stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
        stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
    })
}

/// Runs a tool that has to succeed, and gives what it printed.
pub async fn run<A: AsRef<OsStr> + Clone>(
    program: impl AsRef<OsStr>,
    arguments: impl IntoIterator<Item = A>,
    input: &str,
) -> Result<String> {
    let arguments: Vec<A> = arguments.into_iter().collect();
    let words: Vec<_> = arguments.iter().map(|word| word.as_ref().to_string_lossy().into_owned()).collect();
    let output = output(program.as_ref(), arguments, input).await?;
    if output.code != 0 {
        let program = program.as_ref().display();
        bail!(
            "{program} {} ended with {}:\n{}{}",
            words.join(" "),
            output.code,
            output.stdout,
            output.stderr
        );
    }
    Ok(output.stdout)
}

/// `kubectl` with these words.
pub async fn kubectl<A: AsRef<OsStr> + Clone>(words: impl IntoIterator<Item = A>) -> Result<String> {
    run("kubectl", words, "").await
}

/// `kubectl apply` of manifests.
pub async fn apply(manifests: &str) -> Result<()> {
    run("kubectl", ["apply", "--filename=-"], manifests).await.map(drop)
}
