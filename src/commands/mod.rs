//! What the binary does: serve, or one of the subcommands; and how it ends.

mod allocator;
mod inject;
mod serve;

use std::error::Error;
use std::ffi::OsString;
use std::fmt::Display;
use std::io::Write;
use std::process::ExitCode;

use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{CommandFactory, Parser};
use injection::text::visible;

use crate::args::{Args, Command};

/// A flag or value that cannot be used.
const USAGE: u8 = 2;

/// Runs what the arguments ask for; the first is the program's name.
pub fn main(arguments: impl IntoIterator<Item = OsString>) -> ExitCode {
    let arguments: Vec<_> = arguments.into_iter().collect();
    let args = match Args::try_parse_from(&arguments) {
        Ok(args) => args,
        Err(error) => return explain(&error),
    };
    match &args.command {
        Some(Command::Inject(inject)) => inject::run(inject),
        None if args.version => print(concat!("pod-identity-webhook ", env!("CARGO_PKG_VERSION"), "\n")),
        None => serve::run(&args, &arguments),
    }
}

/// Help as it is; everything else in one line, in the words of [`crate::settings::SettingsError`].
fn explain(error: &clap::Error) -> ExitCode {
    if error.kind() == ErrorKind::DisplayHelp {
        // To a closed pipe, nothing more can be said.
        drop(error.print());
        return ExitCode::SUCCESS;
    }
    let text = |kind| match error.get(kind) {
        Some(ContextValue::String(text)) => Some(text.as_str()),
        _ => None,
    };
    // Without the placeholder of its value.
    let flag = text(ContextKind::InvalidArg).map(|flag| flag.split([' ', '[']).next().unwrap_or(flag));
    // One line, whatever is in it.
    let value = text(ContextKind::InvalidValue).map(str::escape_debug);
    let line = match (error.kind(), flag, value) {
        (ErrorKind::ValueValidation, Some(flag), Some(value)) => {
            let allowed = error.source().map(ToString::to_string).unwrap_or_default();
            format!("invalid value '{value}' for '{flag}': {allowed}")
        }
        (ErrorKind::InvalidValue, Some(flag), Some(value)) => match error.get(ContextKind::ValidValue) {
            Some(ContextValue::Strings(allowed)) if !allowed.is_empty() => {
                format!("invalid value '{value}' for '{flag}': expected {}", allowed.join(" or "))
            }
            _ => format!("'{flag}' needs a value"),
        },
        (ErrorKind::UnknownArgument, Some(flag), _) => {
            let near = text(ContextKind::SuggestedArg).map(|near| format!("did you mean '{near}'?"));
            format!("unknown flag or argument '{flag}'; {}", near.as_deref().unwrap_or("see --help"))
        }
        _ => match text(ContextKind::InvalidSubcommand) {
            Some(word) if Args::command().find_subcommand(word).is_some() => {
                format!("'{word}' has to come first, and its flags after it")
            }
            // The Go webhook passes words by, and so a boolean's value that follows a blank: whoever
            // writes `--in-cluster false` there has it true.
            Some(word @ ("true" | "false")) => {
                format!("'{word}' is neither flag nor subcommand; a boolean is written --flag={word}")
            }
            Some(word) => format!("'{word}' is neither flag nor subcommand; see --help"),
            None => {
                let text = error.render().to_string();
                let what: Vec<_> = text.lines().take_while(|line| !line.is_empty()).map(str::trim).collect();
                let what = what.join(" ");
                format!("{}; see --help", what.strip_prefix("error: ").unwrap_or(&what))
            }
        },
    };
    refuse(line, USAGE)
}

fn print(text: &str) -> ExitCode {
    let mut out = std::io::stdout();
    // What is left in its buffer at the end would be lost without a word.
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Ok(()) => ExitCode::SUCCESS,
        // Whoever read it has seen enough.
        Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => ExitCode::SUCCESS,
        Err(error) => fail(&anyhow::Error::new(error).context("failed to write to standard output")),
    }
}

fn say(what: impl Display) {
    // Not eprintln, which panics where nobody listens.
    drop(writeln!(std::io::stderr(), "pod-identity-webhook: {}", visible(&what.to_string())));
}

fn refuse(why: impl Display, code: u8) -> ExitCode {
    say(why);
    ExitCode::from(code)
}

/// The work itself failed: why, with its causes.
fn fail(error: &anyhow::Error) -> ExitCode {
    say(causes(error));
    ExitCode::FAILURE
}

/// An error in one line.
fn causes(error: &anyhow::Error) -> String {
    let mut text = error.to_string();
    for cause in error.chain().skip(1).map(ToString::to_string) {
        // Many errors have their cause in their own words already.
        if !text.contains(&cause) {
            text = format!("{text}: {cause}");
        }
    }
    text
}
