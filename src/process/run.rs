//! From a start to an end: servers and tasks run until a signal, and take their leave without losing a call.

use std::num::NonZero;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use futures_util::future::BoxFuture;
use tokio::time::{sleep, timeout};

use super::shutdown::Shutdown;
use super::signals::Signals;
use super::tasks::Tasks;

/// Most threads that serve. One answers tens of thousands of reviews a second, and each may hold a few MiB
/// of a hostile one: on a node of a hundred cores a hundred of them would be no use, and take their memory.
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
    /// Tells the servers of the end.
    pub shutdown: Shutdown,
    /// How long to serve on after the signal to stop.
    pub shutdown_delay: Duration,
    /// How long the servers may drain.
    pub drain: Duration,
}

impl Running {
    /// Serves until the first of `signals`, and takes its leave without losing a call; the second
    /// cuts the delay short. An error if a part ends that should not.
    pub async fn until(self, mut signals: Signals) -> Result<()> {
        let Self { servers, mut tasks, shutdown, shutdown_delay: delay, drain } = self;
        let servers = servers.into_iter().map(|(name, serve)| tasks.spawn(name, serve)).collect();
        tokio::select! {
            biased;
            end = tasks.first_end() => bail!("{end}: stopping, so that Kubernetes starts the process anew"),
            signal = signals.next() => {
                tracing::info!(signal, ?delay, "shutting down: not ready any more, still serving for the delay");
            }
        }
        // Whoever chose this replica a moment ago still calls it; whoever keeps a connection is
        // told to make a new one, elsewhere.
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
    // As many threads as the CPU quota gives, which std reads from the cgroup.
    let threads = std::thread::available_parallelism().map_or(1, NonZero::get).min(THREADS);
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(threads)
        .enable_all()
        .build()
        .context("failed to start the runtime")?;
    let ended = runtime.block_on(async {
        let mut signals = Signals::of_process().context("failed to take signals")?;
        // A task of its own: what hangs in it, be it a whole thread, keeps no signal from being heard.
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
    // Not dropped, which waits for calls that block: a name server or a file system that does not answer.
    runtime.shutdown_background();
    ended
}
