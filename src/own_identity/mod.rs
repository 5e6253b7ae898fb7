//! `identity`: which AWS identity the container has that this runs in, and whether its token can be used.
//!
//! It is the only place that reads the variables of AWS SDKs. It asks neither a cluster nor AWS, and never prints the
//! token.

pub mod args;
mod claims;
mod pair;
mod report;

use std::ffi::OsString;
use std::process::ExitCode;
use std::time::{SystemTime, UNIX_EPOCH};

use args::IdentityArgs;
use report::Report;

use crate::cli::exit::{print, say};

/// Prints what is known, and says what is wrong.
pub(crate) fn run(args: &IdentityArgs) -> ExitCode {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
    let now = i64::try_from(now).unwrap_or(i64::MAX);
    let Report { text, notes, problem } = report::report(args, &variable, now);
    let printed = print(&text);
    for note in notes {
        say(note);
    }
    let Some(problem) = problem else { return printed };
    say(problem);
    ExitCode::FAILURE
}

/// A variable that says something: to SDKs an empty one is not there.
fn variable(name: &str) -> Option<OsString> {
    std::env::var_os(name).filter(|value| !value.is_empty())
}
