//! Serving: what the binary does without a subcommand.

use std::process::ExitCode;

use anyhow::{Context, Result};

use super::{USAGE, fail, refuse};
use crate::app::App;
use crate::args::Args;
use crate::settings::Settings;
use crate::{lifecycle, telemetry};

pub(super) fn run(args: &Args) -> ExitCode {
    match Settings::new(args) {
        Err(error) => refuse(error, USAGE),
        Ok(settings) => match serve(settings) {
            Ok(()) => ExitCode::SUCCESS,
            Err(error) => fail(&error),
        },
    }
}

fn serve(settings: Settings) -> Result<()> {
    telemetry::init(settings.log);
    telemetry::log_panics();
    // As many threads as the CPU quota gives, which std reads from the cgroup.
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .context("failed to start the runtime")?;
    let ended = runtime.block_on(async {
        let signals = lifecycle::Signals::of_process().context("failed to take signals")?;
        App::bind(settings).await?.run(signals).await
    });
    // Not dropped, which waits for calls that block: a name server or a file system that does not answer.
    runtime.shutdown_background();
    ended
}
