//! The command that is run beside the endpoint.

use std::ffi::OsString;
use std::io::IsTerminal;
use std::os::unix::process::ExitStatusExt;
use std::process::ExitStatus;

use anyhow::{Context, Result};
use rustix::process::{Pid, Signal, kill_process};
use tokio::process::{Child, Command};

use super::variables::{REMOVED, Variables};
use crate::process::Signals;

/// Exit codes of shells for a program that is not there, or is no program.
const NOT_FOUND: u8 = 127;
const NOT_A_PROGRAM: u8 = 126;

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

/// Waits for the command's end; what would end this process is passed on to it.
pub(super) async fn ended(mut child: Child, mut signals: Signals) -> Result<u8> {
    let id = child.id().and_then(|id| Pid::from_raw(i32::try_from(id).ok()?));
    loop {
        tokio::select! {
            biased;
            status = child.wait() => return Ok(code(status.context("failed to wait for the command")?)),
            signal = signals.next() => {
                let signal = match signal {
                    // The terminal has sent it to both.
                    "SIGINT" if std::io::stdin().is_terminal() => continue,
                    "SIGINT" => Signal::INT,
                    _ => Signal::TERM,
                };
                if let Some(Err(error)) = id.map(|id| kill_process(id, signal)) {
                    // It has ended by itself.
                    tracing::debug!(%error, "the command was not signalled");
                }
            }
        }
    }
}

/// A command's exit code, as shells have it for one that a signal has ended.
fn code(status: ExitStatus) -> u8 {
    let code = status.code().or_else(|| status.signal().map(|signal| 128 + signal));
    code.and_then(|code| u8::try_from(code).ok()).unwrap_or(u8::MAX)
}
