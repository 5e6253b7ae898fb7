//! Signals to stop.

use futures_util::stream::{self, BoxStream};
use futures_util::{Stream, StreamExt};
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::mpsc::{self, UnboundedReceiver};

/// Signals to stop, one after the other, each by its name.
pub struct Signals(BoxStream<'static, &'static str>);

impl Signals {
    /// Takes SIGTERM and SIGINT from now on. Before that, a signal ends the process at once, or does
    /// nothing at all: the kernel spares a container's first process what it has no handler for.
    ///
    /// Signals that other programs take for "read your files again" or "log more" are ignored: what changes
    /// is followed anyway. So is SIGPIPE: a write whose reader has gone fails by itself. Rust's runtime
    /// ignores it too, but not any more in a process that failed to start itself again.
    pub fn of_process() -> std::io::Result<Self> {
        let mut terminate = signal(SignalKind::terminate())?;
        let mut interrupt = signal(SignalKind::interrupt())?;
        let mut hangup = signal(SignalKind::hangup())?;
        let mut user_1 = signal(SignalKind::user_defined1())?;
        let mut user_2 = signal(SignalKind::user_defined2())?;
        // The signal stays taken, even though nothing waits for it.
        drop(signal(SignalKind::pipe())?);
        let (told, signals) = mpsc::unbounded_channel();
        // A task of its own hears the signals whatever else is being waited for.
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

    /// Signals that this stream gives.
    pub fn new(signals: impl Stream<Item = &'static str> + Send + 'static) -> Self {
        Self(signals.boxed())
    }

    /// Waits for the next signal; for ever once the stream has ended.
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
