//! `issuer publish`: the discovery document and the keys of an issuer, written to where they are served.

pub(super) mod args;

use std::process::ExitCode;

use args::PublishArgs;

use crate::cli::exit::{USAGE, refuse};

/// Runs `issuer publish`.
pub(super) fn run(_: &PublishArgs) -> ExitCode {
    refuse("'issuer publish' is not there yet", USAGE)
}
