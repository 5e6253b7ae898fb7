//! `issuer rotate`: says how far the exchange of the key that signs tokens is, what to do next, and what would break.
//!
//! `look` sees what is published and what API servers do, `step` decides, `progress` remembers, `report` tells. It changes
//! nothing but its own file.

pub(super) mod args;
mod look;
mod progress;
mod report;
mod settings;
mod step;

use std::collections::BTreeSet;
use std::process::ExitCode;

use anyhow::{Context, Result, bail, ensure};
use k8s_openapi::jiff::Timestamp;
use tokio_rustls::rustls::crypto::aws_lc_rs;

use args::{RotateArgs, RotateOutput};
use progress::Progress;
use report::Report;
use settings::Settings;
use step::{Rules, Seen, Step};

use crate::cli::exit::{USAGE, fail, print, refuse};
use crate::issuer::keys;
use crate::source::regular_file;

/// The exit code while there is something to do, or to wait for.
const UNFINISHED: u8 = 3;

/// Runs `issuer rotate`.
pub(super) fn run(args: &RotateArgs) -> ExitCode {
    let settings = match Settings::try_from(args) {
        Err(error) => return refuse(error, USAGE),
        Ok(settings) => settings,
    };
    match rotated(&settings) {
        Err(error) => fail(&error),
        Ok((text, code)) => {
            let printed = print(&text);
            if printed == ExitCode::SUCCESS { ExitCode::from(code) } else { printed }
        }
    }
}

/// What is printed, and the exit code.
fn rotated(settings: &Settings) -> Result<(String, u8)> {
    // kube and rustls ask for the process's cryptography; a second call finds it installed.
    drop(aws_lc_rs::default_provider().install_default());
    let new = new_key(settings)?;
    let known = Progress::read(&settings.state, settings.issuer.as_str(), &new)?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.context("failed to start the runtime")?;
    let seen = runtime.block_on(look::look(settings));
    // A look-up of a name that was given up goes on, and is not waited for.
    runtime.shutdown_background();
    let seen = seen?;
    let mut progress = match known {
        Some(known) => known,
        None => begin(settings, &seen, &new)?,
    };
    let servers = seen.servers.iter().map(|server| server.url.clone()).collect();
    progress.meet(servers, &settings.state)?;
    if settings.is_emergency && !progress.emergency {
        confirm(settings)?;
        progress.emergency = true;
    }
    let rules = if progress.emergency { Rules::WITHOUT_WAITING } else { settings.rules };
    let now = Timestamp::now();
    let (step, dangers) = step::step(&mut progress, &seen, rules, now);
    progress.write(&settings.state)?;
    let report = Report { settings, progress: &progress, step: &step, dangers: &dangers, now };
    let text = match settings.output {
        RotateOutput::Text => report.to_string(),
        RotateOutput::Json => report.to_json(),
    };
    let code = match (dangers.is_empty(), &step) {
        (false, _) => 1,
        (true, Step::Over { .. }) => 0,
        (true, _) => UNFINISHED,
    };
    Ok((text, code))
}

/// The id of the one key of --new-key.
fn new_key(settings: &Settings) -> Result<String> {
    let path = settings.new_key.display();
    let bytes = regular_file::read(&settings.new_key, keys::LARGEST)
        .with_context(|| format!("failed to read {path}"))?;
    let keys = keys::read(&bytes).with_context(|| format!("failed to read {path}"))?;
    match keys.as_slice() {
        [key] => key.kid().map(str::to_owned).with_context(|| format!("the key of {path} has no id")),
        keys => bail!("{path} has {} keys: --new-key is a file with the one key that is to sign", keys.len()),
    }
}

/// A rotation from what signs now.
fn begin(settings: &Settings, seen: &Seen, new: &str) -> Result<Progress> {
    let old: BTreeSet<_> = seen.servers.iter().map(|server| server.signs.clone()).collect();
    ensure!(
        old.iter().any(|kid| kid != new),
        "every API server signs with {new} already, the key of --new-key, and {} does not say which was the old one: there is \
         nothing to begin",
        settings.state.display()
    );
    let old = old.into_iter().filter(|kid| kid != new).collect();
    Ok(Progress::begin(settings.issuer.as_str(), old, new, false))
}

fn confirm(settings: &Settings) -> Result<()> {
    ensure!(
        settings.is_confirmed,
        "--emergency needs --yes: AWS and others may not know the new key when it begins to sign, and refuse its tokens; and \
         tokens of the old key are refused before pods have others"
    );
    Ok(())
}
