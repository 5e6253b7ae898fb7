//! What the binary does: serve, or one of the subcommands; and how it ends.

mod inject;
mod serve;

use std::ffi::OsString;
use std::fmt::Display;
use std::process::ExitCode;

use clap::Parser;
use clap::error::ErrorKind;

use crate::args::{Args, Command};

/// A flag or value that cannot be used.
const USAGE: u8 = 2;

/// Runs what the arguments ask for; the first is the program's name.
pub fn main(arguments: impl IntoIterator<Item = OsString>) -> ExitCode {
    let args = match Args::try_parse_from(arguments) {
        Ok(args) => args,
        Err(error) => return explain(&error),
    };
    match &args.command {
        Some(Command::Inject(inject)) => inject::run(inject),
        None if args.serve.server.version => {
            println!("pod-identity-webhook {}", env!("CARGO_PKG_VERSION"));
            ExitCode::SUCCESS
        }
        None => serve::run(&args),
    }
}

/// Help as it is; everything else in one line.
fn explain(error: &clap::Error) -> ExitCode {
    if matches!(error.kind(), ErrorKind::DisplayHelp | ErrorKind::DisplayVersion) {
        // To a closed pipe, nothing more can be said.
        drop(error.print());
        return ExitCode::SUCCESS;
    }
    let text = error.render().to_string();
    let what: Vec<_> = text.lines().take_while(|line| !line.is_empty()).map(str::trim).collect();
    let what = what.join(" ");
    refuse(what.strip_prefix("error: ").unwrap_or(&what), USAGE)
}

fn refuse(why: impl Display, code: u8) -> ExitCode {
    eprintln!("pod-identity-webhook: {why}; see --help");
    ExitCode::from(code)
}

/// The work itself failed: why, with its causes.
fn fail(error: &anyhow::Error) -> ExitCode {
    eprintln!("pod-identity-webhook: {error:#}");
    ExitCode::FAILURE
}
