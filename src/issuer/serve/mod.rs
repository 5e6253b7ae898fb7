//! `issuer serve`: the two documents over TLS, for clusters that have no place for static files.
//!
//! `folder` follows what `issuer publish` writes, `answers` has the two paths, `app` puts the server together.

mod answers;
mod app;
pub(super) mod args;
mod folder;
mod settings;

use std::process::ExitCode;

use args::ServeArgs;
use settings::Settings;

use crate::cli::exit::{USAGE, causes, fail, refuse};
use crate::process;
use crate::telemetry::{self, Log};

/// Runs `issuer serve`.
pub(super) fn run(args: &ServeArgs) -> ExitCode {
    let settings = match Settings::try_from(args) {
        Err(error) => return refuse(error, USAGE),
        Ok(settings) => settings,
    };
    let log = Log { verbosity: 0, format: args.log.log_format, is_quiet: false };
    let log = match telemetry::init(log) {
        Err(error) => return fail(&anyhow::Error::new(error).context("failed to start the log")),
        Ok(log) => log,
    };
    telemetry::log_panics();
    for doubt in settings.place.issuer.doubts() {
        tracing::warn!("{doubt}");
    }
    match process::block_on(app::start(settings)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            log.say(&format!("pod-identity-webhook: {}", causes(&error)));
            ExitCode::FAILURE
        }
    }
}
