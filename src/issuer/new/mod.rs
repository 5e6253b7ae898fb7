//! `issuer new`: makes a key for a cluster to sign its tokens with, and prints what comes next.
//!
//! `key_pair` writes the files, `guide` says what to do, `iam` has AWS's part. Nothing is asked and nothing else is changed.

pub(super) mod args;
mod guide;
mod iam;
mod key_pair;
mod settings;

use std::process::ExitCode;

use args::NewArgs;
use key_pair::KeyPair;
use settings::Settings;

use crate::cli::exit::{USAGE, fail, print, refuse, say};

/// Runs `issuer new`.
pub(super) fn run(args: &NewArgs) -> ExitCode {
    let settings = match Settings::try_from(args) {
        Err(error) => return refuse(error, USAGE),
        Ok(settings) => settings,
    };
    for doubt in settings.issuer.doubts() {
        say(format_args!("warning: {doubt}"));
    }
    let made =
        KeyPair::new(settings.key).and_then(|pair| pair.write(&settings.out).map(|files| (pair, files)));
    match made {
        Ok((pair, files)) => print(&guide::text(&settings, &pair, &files)),
        Err(error) => fail(&error.into()),
    }
}
