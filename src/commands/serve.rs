//! Serving: what the binary does without a subcommand.

use std::ffi::OsString;
use std::num::NonZero;
use std::process::ExitCode;

use anyhow::{Context, Result};

use super::{USAGE, allocator, causes, fail, refuse};
use crate::app::App;
use crate::args::Args;
use crate::lifecycle::Signals;
use crate::settings::Settings;
use crate::{descriptors, telemetry};

/// Most threads that serve. One answers tens of thousands of reviews a second, and each may hold a few MiB
/// of a hostile one: on a node of a hundred cores a hundred of them would be no use, and take their memory.
const THREADS: usize = 4;

/// Serves as `args` say, which were made of `arguments`.
pub(super) fn run(args: &Args, arguments: &[OsString]) -> ExitCode {
    let settings = match Settings::new(args) {
        Err(error) => return refuse(error, USAGE),
        Ok(settings) => settings,
    };
    allocator::tell(arguments);
    let log = match telemetry::init(settings.log) {
        Err(error) => return fail(&anyhow::Error::new(error).context("failed to start the log")),
        Ok(log) => log,
    };
    telemetry::log_panics();
    descriptors::raise();
    match serve(settings) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // By way of the log, which does not wait for ever where nobody reads.
            log.say(&format!("pod-identity-webhook: {}", causes(&error)));
            ExitCode::FAILURE
        }
    }
}

fn serve(settings: Settings) -> Result<()> {
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
        let start = tokio::spawn(App::bind(settings));
        let app = tokio::select! {
            biased;
            signal = signals.next() => {
                tracing::info!(signal, "stopped during the start");
                return Ok(());
            }
            app = start => app.context("the start failed")??,
        };
        app.run(signals).await
    });
    // Not dropped, which waits for calls that block: a name server or a file system that does not answer.
    runtime.shutdown_background();
    ended
}
