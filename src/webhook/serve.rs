//! Serving the webhook: what the binary does without a subcommand.

use std::ffi::OsString;
use std::process::ExitCode;

use super::app::App;
use super::args::WebhookArgs;
use super::settings::Settings;
use crate::cli::exit::{USAGE, causes, fail, refuse};
use crate::process::{self, allocator, descriptors};
use crate::telemetry;

/// Serves as `args` say, which were parsed from `arguments`.
pub(crate) fn run(args: &WebhookArgs, arguments: &[OsString]) -> ExitCode {
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
    match process::block_on(async { Ok(App::bind(settings).await?.running()) }) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // The log says it: unlike standard error, it does not wait for ever for a reader.
            log.say(&format!("pod-identity-webhook: {}", causes(&error)));
            ExitCode::FAILURE
        }
    }
}
