//! A process from start to end: its servers and tasks run until a signal, and end without losing a call.

use std::num::NonZero;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use futures_util::future::BoxFuture;
use tokio::time::{sleep, timeout};

use super::shutdown::Shutdown;
use super::signals::Signals;
use super::tasks::Tasks;

/// Most threads that serve. One answers tens of thousands of reviews a second and may hold a few MiB of a
/// hostile one: a hundred of them, on a node of a hundred cores, would take that memory and be of no use.
const THREADS: usize = 4;

/// The servers keep to the limit of the drain themselves; this is for one that does not.
const DRAIN_SLACK: Duration = Duration::from_secs(1);

/// A server under its name for the log: it ends once it was told to stop and is drained.
pub type Serving = (&'static str, BoxFuture<'static, ()>);

/// What runs: servers that are drained at the end, and tasks that are not waited for.
pub struct Running {
    /// The servers.
    pub servers: Vec<Serving>,
    /// The tasks.
    pub tasks: Tasks,
    /// Tells the servers that the end has come.
    pub shutdown: Shutdown,
    /// How long to go on serving after the signal to stop.
    pub shutdown_delay: Duration,
    /// How long the servers may drain.
    pub drain: Duration,
}

impl Running {
    /// Serves until the first of `signals`, and then ends without losing a call; the second cuts the delay
    /// short. An error if a part ends that should not.
    pub async fn until(self, mut signals: Signals) -> Result<()> {
        let Self { servers, mut tasks, shutdown, shutdown_delay: delay, drain } = self;
        let servers = servers.into_iter().map(|(name, serve)| tasks.spawn(name, serve)).collect();
        tokio::select! {
            biased;
            end = tasks.first_end() => bail!("{end}: stopping, so that Kubernetes starts the process anew"),
            signal = signals.next() => {
                tracing::info!(signal, ?delay, "shutting down: still ready and serving for the delay");
            }
        }
        // Clients that chose this replica a moment ago still call it; those that keep a connection are told
        // to make a new one, elsewhere.
        shutdown.leaving.cancel();
        tokio::select! {
            biased;
            end = tasks.first_end() => bail!("{end} while leaving"),
            signal = signals.next() => tracing::info!(signal, "not waiting any longer"),
            () = sleep(delay) => {}
        }
        shutdown.stopping.cancel();
        tracing::info!("draining");
        match timeout(drain + DRAIN_SLACK, tasks.ended(servers)).await {
            Ok(true) => tracing::info!("stopped"),
            Ok(false) => bail!("a part failed while draining"),
            Err(_) => tracing::warn!("stopped before everything was drained"),
        }
        Ok(())
    }
}

/// Runs what `start` puts together, on a runtime of its own, until a signal ends it.
pub(crate) fn block_on(start: impl Future<Output = Result<Running>> + Send + 'static) -> Result<()> {
    // The CPU quota sets the number of threads; std reads it from the cgroup.
    let threads = std::thread::available_parallelism().map_or(1, NonZero::get).min(THREADS);
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(threads)
        .enable_all()
        .build()
        .context("failed to start the runtime")?;
    let ended = runtime.block_on(async {
        let mut signals = Signals::of_process().context("failed to take signals")?;
        // The start is a task of its own: even if it hangs a whole thread, signals are still heard.
        let start = tokio::spawn(start);
        let running = tokio::select! {
            biased;
            signal = signals.next() => {
                tracing::info!(signal, "stopped during the start");
                return Ok(());
            }
            running = start => running.context("the start failed")??,
        };
        running.until(signals).await
    });
    // A drop would wait for calls that block: a name server or a file system that does not answer.
    runtime.shutdown_background();
    ended
}
