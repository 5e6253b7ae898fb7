//! The command that is run beside the endpoint.

use std::ffi::OsString;
use std::os::unix::process::ExitStatusExt;
use std::process::ExitStatus;
use std::time::Duration;

use anyhow::{Context, Result};
use rustix::process::{Pid, Signal, getpgrp, kill_process};
use rustix::termios::tcgetpgrp;
use tokio::process::{Child, Command};
use tokio::time::timeout;

use super::signals::{Received, Taken};
use super::variables::{REMOVED, Variables};

/// Exit codes of shells for a program that is not there, or is no program.
const NOT_FOUND: u8 = 127;
const NOT_A_PROGRAM: u8 = 126;

/// How long a command may take to end once it is told to.
const GRACE: Duration = Duration::from_secs(5);

/// Starts the command with these variables.
pub(super) fn start(command: &[OsString], variables: &Variables) -> std::io::Result<Child> {
    let (program, arguments) =
        command.split_first().map_or((OsString::new(), &[][..]), |(program, rest)| (program.clone(), rest));
    let mut command = Command::new(program);
    command.args(arguments).envs(variables.set()).kill_on_drop(true);
    for name in REMOVED {
        command.env_remove(name);
    }
    command.spawn()
}

/// The exit code for a command that could not be started, as shells have it.
pub(super) fn not_started(error: &std::io::Error) -> u8 {
    if error.kind() == std::io::ErrorKind::NotFound { NOT_FOUND } else { NOT_A_PROGRAM }
}

/// Waits for the command's end; what would end this process, or tell it something, is passed on to it. Once `unserved`
/// is over the command's clients have nobody to ask, and it is ended.
pub(super) async fn ended(
    mut child: Child,
    mut received: Received,
    unserved: impl Future<Output = ()>,
) -> Result<u8> {
    let id = child.id().and_then(|id| Pid::from_raw(i32::try_from(id).ok()?));
    let send = |signal| {
        if let Some(Err(error)) = id.map(|id| kill_process(id, signal)) {
            // It has ended by itself.
            tracing::debug!(%error, "the command was not signalled");
        }
    };
    let mut unserved = std::pin::pin!(unserved);
    let waited = "failed to wait for the command";
    loop {
        tokio::select! {
            biased;
            status = child.wait() => return Ok(code(status.context(waited)?)),
            () = &mut unserved => break,
            taken = received.next() => match taken {
                Taken::Interrupt | Taken::Quit if is_in_foreground() => {}
                taken => send(taken.signal()),
            },
        }
    }
    send(Signal::TERM);
    if let Ok(status) = timeout(GRACE, child.wait()).await {
        return Ok(code(status.context(waited)?));
    }
    child.kill().await.context("failed to end the command")?;
    Ok(code(child.wait().await.context(waited)?))
}

/// Whether the terminal has this process's group in its foreground: what its keys send then has gone to the command too,
/// which is of the same group, and would come twice.
fn is_in_foreground() -> bool {
    let terminal = std::fs::File::open("/dev/tty");
    terminal.is_ok_and(|terminal| tcgetpgrp(terminal).is_ok_and(|group| group == getpgrp()))
}

/// A command's exit code, as shells have it for one that a signal has ended.
fn code(status: ExitStatus) -> u8 {
    let code = status.code().or_else(|| status.signal().map(|signal| 128 + signal));
    code.and_then(|code| u8::try_from(code).ok()).unwrap_or(u8::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A shell that has said that it is ready.
    async fn ready(script: &str) -> Child {
        let mut shell = Command::new("sh");
        let mut child = shell.args(["-c", script]).stdout(std::process::Stdio::piped()).spawn().unwrap();
        let mut line = [0; 6];
        tokio::io::AsyncReadExt::read_exact(child.stdout.as_mut().unwrap(), &mut line).await.unwrap();
        child
    }

    #[tokio::test]
    async fn a_command_that_nobody_answers_is_ended_and_its_code_kept() {
        let child = ready("trap 'exit 9' TERM; echo ready; while :; do sleep 0.05; done").await;
        assert_eq!(ended(child, Received::of(&[]), std::future::ready(())).await.unwrap(), 9);
    }

    #[tokio::test]
    async fn signals_are_passed_on_as_they_came() {
        for (taken, code) in
            [(Taken::Hangup, 129), (Taken::User1, 138), (Taken::User2, 140), (Taken::Terminate, 143)]
        {
            // Under nohup this process ignores the hangup, and what it starts would too.
            let child = ready("exec env --default-signal sh -c 'echo ready; exec sleep 60'").await;
            let ended = ended(child, Received::of(&[taken]), std::future::pending()).await.unwrap();
            assert_eq!(ended, code, "{taken:?}");
        }
    }
}
