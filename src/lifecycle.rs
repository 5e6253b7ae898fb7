//! Start, readiness and end of the process: latches, signals, supervised tasks.

use std::collections::HashMap;
use std::future::Future;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use futures_util::stream::{self, BoxStream};
use futures_util::{Stream, StreamExt};
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::mpsc::{self, UnboundedReceiver};
use tokio::task::{self, JoinError, JoinSet};
use tokio_util::sync::CancellationToken;

/// Something that happens once and stays so: losing the API server later must not take every
/// replica out of the Service.
#[derive(Debug, Clone, Default)]
pub struct Latch(Arc<AtomicBool>);

impl Latch {
    /// Sets the latch; answers whether this was the first time.
    #[must_use]
    pub fn set(&self) -> bool {
        !self.0.swap(true, Ordering::AcqRel)
    }

    /// Whether it was set.
    #[must_use]
    pub fn is_set(&self) -> bool {
        self.0.load(Ordering::Acquire)
    }
}

/// How it stands with something that has to hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Condition {
    /// It holds.
    Holds,
    /// It holds, and yet there is something that an operator should know.
    HoldsBut(Note),
    /// It does not: what is missing.
    Fails(Note),
}

/// What there is to say of a condition.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Note {
    /// To whoever reaches a port: how many and where, never a name of anybody's object.
    pub shown: String,
    /// To whoever reads the log.
    pub detail: String,
}

impl From<String> for Note {
    fn from(text: String) -> Self {
        Self { shown: text.clone(), detail: text }
    }
}

impl From<Result<(), String>> for Condition {
    fn from(result: Result<(), String>) -> Self {
        result.map_or_else(|missing| Self::Fails(missing.into()), |()| Self::Holds)
    }
}

type Check = Box<dyn Fn() -> Condition + Send + Sync>;

/// What has to hold for the process to be ready, each by its name.
#[derive(Clone, Default)]
pub struct Readiness(Arc<Mutex<Vec<(&'static str, Check)>>>);

impl std::fmt::Debug for Readiness {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_tuple("Readiness").field(&self.report().1).finish()
    }
}

impl Readiness {
    /// Adds a condition; the error of a `Result` says what is missing.
    pub fn require<C: Into<Condition>>(
        &self,
        name: &'static str,
        check: impl Fn() -> C + Send + Sync + 'static,
    ) {
        let check = move || check().into();
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push((name, Box::new(check)));
    }

    /// Adds a latch as a condition.
    #[must_use]
    pub fn latch(&self, name: &'static str, missing: &'static str) -> Latch {
        let latch = Latch::default();
        let condition = latch.clone();
        self.require(name, move || if condition.is_set() { Ok(()) } else { Err(missing.to_owned()) });
        latch
    }

    /// Whether all hold, and a line each in the manner of Kubernetes' own components, for whoever asks.
    #[must_use]
    pub fn shown(&self) -> (bool, String) {
        self.lines(|note| note.shown)
    }

    /// The same with all that is known, for this process alone.
    #[must_use]
    pub fn report(&self) -> (bool, String) {
        self.lines(|note| note.detail)
    }

    fn lines(&self, text: impl Fn(Note) -> String) -> (bool, String) {
        let checks = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let mut is_ready = true;
        let mut lines = String::new();
        for (name, check) in checks.iter() {
            match check() {
                Condition::Holds => lines.extend(["[+]", name, " ok\n"]),
                Condition::HoldsBut(note) => lines.extend(["[+]", name, " ok (", &text(note), ")\n"]),
                Condition::Fails(missing) => {
                    is_ready = false;
                    lines.extend(["[-]", name, " ", &text(missing), "\n"]);
                }
            }
        }
        lines.push_str(if is_ready { "readyz check passed\n" } else { "readyz check failed\n" });
        (is_ready, lines)
    }
}

/// The two steps of an end: first no new work is invited, then what is under way is finished.
#[derive(Debug, Clone, Default)]
pub struct Shutdown {
    /// The end is near: not ready, every answer closes its connection.
    pub leaving: CancellationToken,
    /// Nothing more is accepted; what is under way is finished.
    pub stopping: CancellationToken,
}

/// Tasks that live as long as the process. One that ends before it was told to is a fault of ours
/// that must not go unseen: the process ends, and Kubernetes starts it anew.
#[derive(Debug, Default)]
pub struct Tasks {
    set: JoinSet<()>,
    names: HashMap<task::Id, &'static str>,
}

impl Tasks {
    /// Starts a task under a name for the log.
    pub fn spawn(&mut self, name: &'static str, task: impl Future<Output = ()> + Send + 'static) {
        let id = self.set.spawn(task).id();
        self.names.insert(id, name);
    }

    /// Waits for the next task that ends: its name, and the panic if it ended by one.
    async fn next_end(&mut self) -> Option<(&'static str, Result<(), JoinError>)> {
        let (id, result) = match self.set.join_next_with_id().await? {
            Ok((id, ())) => (id, Ok(())),
            Err(error) => (error.id(), Err(error)),
        };
        Some((self.names.remove(&id).unwrap_or("without a name"), result))
    }

    /// Waits for the first task that ends, and says which and how.
    pub async fn first_end(&mut self) -> String {
        match self.next_end().await {
            // No task at all: nothing that could end.
            None => std::future::pending().await,
            Some((name, Ok(()))) => format!("task {name} ended"),
            Some((name, Err(error))) => format!("task {name} failed: {error}"),
        }
    }

    /// Waits until all of these tasks have ended; others may go on. Whether none of them failed.
    pub async fn ended(&mut self, names: &[&'static str]) -> bool {
        let mut left = names.to_vec();
        let mut is_well = true;
        while !left.is_empty() {
            let Some((name, result)) = self.next_end().await else {
                return is_well;
            };
            left.retain(|waited_for| *waited_for != name);
            if let Err(error) = result {
                tracing::error!(name, %error, "task failed");
                is_well = false;
            }
        }
        is_well
    }
}

/// Signals to stop, one after the other, each by its name.
pub struct Signals(BoxStream<'static, &'static str>);

impl Signals {
    /// Takes SIGTERM and SIGINT from now on. Before that, a signal ends the process at once, or does
    /// nothing at all: the kernel spares a container's first process what it has no handler for.
    ///
    /// Signals that other programs take for "read your files again" or "tell more" end nothing here: what
    /// changes is followed anyway. Nor does a write whose reader has gone, which says so itself. Rust's runtime
    /// ignores that signal, but a process that failed to become another one has it as the system does.
    pub fn of_process() -> std::io::Result<Self> {
        let mut terminate = signal(SignalKind::terminate())?;
        let mut interrupt = signal(SignalKind::interrupt())?;
        let mut hangup = signal(SignalKind::hangup())?;
        let mut user_1 = signal(SignalKind::user_defined1())?;
        let mut user_2 = signal(SignalKind::user_defined2())?;
        // Once taken it stays taken, though nobody waits for it.
        drop(signal(SignalKind::pipe())?);
        let (told, signals) = mpsc::unbounded_channel();
        // A task, so that they are heard whatever else is waited for.
        tokio::spawn(async move {
            loop {
                let ignored = tokio::select! {
                    biased;
                    _ = terminate.recv() => told.send("SIGTERM").err().map(|_| "SIGTERM"),
                    _ = interrupt.recv() => told.send("SIGINT").err().map(|_| "SIGINT"),
                    _ = hangup.recv() => Some("SIGHUP"),
                    _ = user_1.recv() => Some("SIGUSR1"),
                    _ = user_2.recv() => Some("SIGUSR2"),
                };
                if let Some(signal) = ignored {
                    tracing::info!(signal, "ignored: files and the cluster are followed without it");
                }
            }
        });
        let next = async |mut signals: UnboundedReceiver<&'static str>| {
            let name = signals.recv().await?;
            Some((name, signals))
        };
        Ok(Self::new(stream::unfold(signals, next)))
    }

    /// Signals that come from elsewhere.
    pub fn new(signals: impl Stream<Item = &'static str> + Send + 'static) -> Self {
        Self(signals.boxed())
    }

    /// Waits for the next one; for ever, once there is none to come.
    pub async fn next(&mut self) -> &'static str {
        match self.0.next().await {
            Some(name) => name,
            None => std::future::pending().await,
        }
    }
}

impl std::fmt::Debug for Signals {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Signals").finish_non_exhaustive()
    }
}
