//! `issuer check`: goes the way that STS goes for a token, and says where it would stop, why, and what to do.
//!
//! `walk` reads, `judge` makes findings of what was seen, and text or JSON shows them. It changes nothing.

pub(super) mod args;
mod document;
mod finding;
mod judge;
mod report;
mod seen;
mod settings;
mod text;
mod walk;

use std::process::ExitCode;

use anyhow::{Context, Result};
use tokio_rustls::rustls::crypto::aws_lc_rs;

use args::{CheckArgs, CheckOutput};
use report::Report;
use seen::Seen;
use settings::Settings;
use text::Text;

use crate::cli::exit::{USAGE, fail, print, refuse};

/// Runs `issuer check`.
pub(crate) fn run(args: &CheckArgs) -> ExitCode {
    let settings = match Settings::try_from(args) {
        Ok(settings) => settings,
        Err(error) => return refuse(error, USAGE),
    };
    match checked(&settings) {
        Err(error) => fail(&error),
        Ok((text, is_well)) => {
            let printed = print(&text);
            if is_well { printed } else { ExitCode::FAILURE }
        }
    }
}

/// What is printed, and whether nothing failed.
fn checked(settings: &Settings) -> Result<(String, bool)> {
    // kube and rustls ask for the process's cryptography; a second call finds it installed.
    drop(aws_lc_rs::default_provider().install_default());
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.context("failed to start the runtime")?;
    let seen = runtime.block_on(walk::walk(settings));
    // A look-up of a name that was given up goes on, and is not waited for.
    runtime.shutdown_background();
    let report = Report::new(&settings.issuer, thumbprint(&seen), judge::judge(&seen, settings));
    let text = match settings.output {
        CheckOutput::Text => Text(&report).to_string(),
        CheckOutput::Json => serde_json::to_string_pretty(&report)? + "\n",
    };
    Ok((text, report.all_well))
}

/// That of the server of the keys, or, if they could not be asked for, of the document.
fn thumbprint(seen: &Seen) -> Option<String> {
    let fetched = seen.keys.as_ref().or(seen.document.as_ref())?;
    judge::thumbprint(&fetched.reached.as_ref().ok()?.chain)
}
