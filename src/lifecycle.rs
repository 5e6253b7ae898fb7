//! Start, readiness and end of the process: latches, signals, supervised tasks.

use std::future::Future;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use tokio::task::JoinSet;
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

type Check = Box<dyn Fn() -> Result<(), String> + Send + Sync>;

/// What has to hold for the process to be ready, each by its name.
#[derive(Clone, Default)]
pub struct Readiness(Arc<Mutex<Vec<(&'static str, Check)>>>);

impl std::fmt::Debug for Readiness {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_tuple("Readiness").field(&self.report().1).finish()
    }
}

impl Readiness {
    /// Adds a condition; its error says what is missing.
    pub fn require(
        &self,
        name: &'static str,
        check: impl Fn() -> Result<(), String> + Send + Sync + 'static,
    ) {
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

    /// Whether all hold, and a line each in the manner of Kubernetes' own components.
    #[must_use]
    pub fn report(&self) -> (bool, String) {
        let checks = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let mut is_ready = true;
        let mut lines = String::new();
        for (name, check) in checks.iter() {
            match check() {
                Ok(()) => lines.extend(["[+]", name, " ok\n"]),
                Err(missing) => {
                    is_ready = false;
                    lines.extend(["[-]", name, " ", &missing, "\n"]);
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
pub struct Tasks(JoinSet<&'static str>);

impl Tasks {
    /// Starts a task under a name for the log.
    pub fn spawn(&mut self, name: &'static str, task: impl Future<Output = ()> + Send + 'static) {
        self.0.spawn(async move {
            task.await;
            name
        });
    }

    /// Waits for the first task that ends, and says which and how.
    pub async fn first_end(&mut self) -> String {
        match self.0.join_next().await {
            // No task at all: nothing that could end.
            None => std::future::pending().await,
            Some(Ok(name)) => format!("task {name} ended"),
            Some(Err(error)) => format!("a task failed: {error}"),
        }
    }

    /// Waits until all of these tasks have ended; others may go on.
    pub async fn ended(&mut self, names: &[&'static str]) {
        let mut left = names.to_vec();
        while !left.is_empty() {
            match self.0.join_next().await {
                None => return,
                Some(Ok(name)) => left.retain(|waited_for| *waited_for != name),
                // A task that failed has ended too; its name went with it.
                Some(Err(error)) => {
                    tracing::error!(%error, "a task failed");
                    left.pop();
                }
            }
        }
    }
}

/// Takes SIGTERM and SIGINT from now on; the future waits for one and says which. Before that, a
/// signal ends the process at once, or does nothing at all: the kernel spares a container's first
/// process what it has no handler for.
pub fn signals() -> std::io::Result<impl Future<Output = &'static str>> {
    use tokio::signal::unix::{SignalKind, signal};
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    Ok(async move {
        tokio::select! {
            _ = terminate.recv() => "SIGTERM",
            _ = interrupt.recv() => "SIGINT",
        }
    })
}
