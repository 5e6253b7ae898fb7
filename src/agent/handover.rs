//! An upgrade without a gap: the new agent of a node listens beside the old one, which then ends.
//!
//! Both have the same addresses, so a probe of them may be answered by either; what asks for one of the two asks it on a
//! port of its own, which it has written into a file of its container. The new one listens once it has read what it
//! needs: until then the old one has all the connections.
//!
//! The same for an agent that is killed, where a second one stands by in its pod: it waits for the lock that the kernel
//! takes from a process which dies.

use std::fs::File;
use std::io::{Read, Write};
use std::net::{IpAddr, SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context, Result, anyhow, bail};
use tokio::net::{TcpListener, TcpSocket};
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;

use super::args::{ProbeArgs, Question};
use super::listen::listen;
use crate::cli::exit::fail;
use crate::process::{Latch, Readiness, Shutdown};

/// How long a probe waits: kubelet's probes have ten seconds.
const PATIENCE: Duration = Duration::from_secs(5);

/// How often to look whether everything is read, which happens once.
const AGAIN: Duration = Duration::from_millis(20);

/// How far an agent is on its way to answer pods.
#[derive(Debug, Clone, Default)]
pub(super) struct Stage {
    /// It could, and stands by.
    standing_by: Latch,
    answering: CancellationToken,
}

impl Stage {
    /// It answers pods from now on.
    pub(super) fn answers(&self) {
        self.answering.cancel();
    }

    /// Whether it answers pods, or would if another did not.
    pub(super) fn is_ready(&self) -> bool {
        self.answering.is_cancelled() || self.standing_by.is_set()
    }

    /// Serves on a socket once the agent answers pods.
    pub(super) async fn later<F: Future<Output = ()>>(
        self,
        shutdown: Shutdown,
        socket: TcpSocket,
        serve: impl FnOnce(TcpListener) -> F,
    ) {
        tokio::select! {
            biased;
            () = shutdown.stopping.cancelled() => return,
            () = self.answering.cancelled() => {}
        }
        match listen(socket) {
            Ok(listener) => serve(listener).await,
            // The end of this part ends the process.
            Err(error) => tracing::error!("{error:#}"),
        }
    }
}

/// What an agent waits for before it takes connections.
pub(super) struct Turn {
    pub(super) readiness: Readiness,
    pub(super) shutdown: Shutdown,
    /// The file whose lock the one has that answers, where another stands by.
    pub(super) lock: Option<PathBuf>,
    pub(super) stage: Stage,
}

/// A turn that has come. Where another agent stands by, its own comes when this is dropped.
pub(super) struct Lead {
    _lock: Option<File>,
}

impl Turn {
    /// Waits until everything is read and no other agent of this pod answers; `None`: the process ends before.
    pub(super) async fn come(&self) -> Result<Option<Lead>> {
        while !self.readiness.shown().0 {
            tokio::select! {
                biased;
                () = self.shutdown.stopping.cancelled() => return Ok(None),
                () = sleep(AGAIN) => {}
            }
        }
        let Some(lock) = &self.lock else { return Ok(Some(Lead { _lock: None })) };
        let text = || format!("--standby-lock: failed to lock {}", lock.display());
        let file = File::options().create(true).append(true).open(lock).with_context(text)?;
        // One that is alone stands by for nobody: it is not ready before it answers.
        if file.try_lock().is_ok() {
            return Ok(Some(Lead { _lock: Some(file) }));
        }
        // A thread waits, which keeps nobody from ending the process.
        let locked = tokio::task::spawn_blocking(move || file.lock().map(|()| file));
        let _is_first = self.stage.standing_by.set();
        tokio::select! {
            biased;
            () = self.shutdown.stopping.cancelled() => Ok(None),
            locked = locked => {
                tracing::info!("this agent answers from now on");
                Ok(Some(Lead { _lock: Some(locked?.with_context(text)?) }))
            }
        }
    }
}

/// Leaves the port of this process's probes in a file; a reader finds all of it or nothing.
pub(super) fn leave(file: &Path, probes: SocketAddr) -> Result<()> {
    let new = file.with_added_extension("new");
    let written = std::fs::write(&new, probes.port().to_string()).and_then(|()| std::fs::rename(&new, file));
    written.with_context(|| format!("--handover-file: failed to write {}", file.display()))
}

/// `agent probe`.
pub(super) fn probe(args: &ProbeArgs) -> ExitCode {
    match ask(args) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => fail(&error),
    }
}

fn ask(ProbeArgs { question, file }: &ProbeArgs) -> Result<()> {
    let path = match question {
        Question::Live => "/livez",
        Question::Ready => "/ready",
    };
    let text = std::fs::read_to_string(file);
    let text = text.with_context(|| format!("the server has not written {} yet", file.display()))?;
    let port: u16 = text.parse().with_context(|| format!("{}: {text:?} is no port", file.display()))?;
    let address = SocketAddr::new(IpAddr::from([127, 0, 0, 1]), port);
    let answer = get(address, path).with_context(|| format!("the agent on {address} does not answer"))?;
    let (head, body) = answer.split_once("\r\n\r\n").ok_or_else(|| anyhow!("half an answer"))?;
    if !head.starts_with("HTTP/1.1 200 ") {
        bail!("the agent is not ready:\n{}", body.trim_end());
    }
    Ok(())
}

fn get(address: SocketAddr, path: &str) -> std::io::Result<String> {
    let mut stream = TcpStream::connect_timeout(&address, PATIENCE)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_write_timeout(Some(PATIENCE))?;
    write!(stream, "GET {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n")?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    Ok(answer)
}
