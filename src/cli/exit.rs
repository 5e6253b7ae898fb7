//! How the process ends: what is printed, what is said to whoever started it, and the exit code.

use std::fmt::Display;
use std::io::Write;
use std::process::ExitCode;

use injection::text::visible;

/// The exit code for a flag or a value that cannot be used.
pub(crate) const USAGE: u8 = 2;

/// Prints the result of a command.
pub(crate) fn print(text: &str) -> ExitCode {
    let mut out = std::io::stdout();
    // What is left in its buffer at the end would be lost without a word.
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Ok(()) => ExitCode::SUCCESS,
        // Whoever read it has seen enough.
        Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => ExitCode::SUCCESS,
        Err(error) => fail(&anyhow::Error::new(error).context("failed to write to standard output")),
    }
}

/// Says something in one line, on standard error.
pub(crate) fn say(what: impl Display) {
    // Not eprintln, which panics where nobody listens.
    drop(writeln!(std::io::stderr(), "pod-identity-webhook: {}", visible(&what.to_string())));
}

/// Says why nothing was done.
pub(crate) fn refuse(why: impl Display, code: u8) -> ExitCode {
    say(why);
    ExitCode::from(code)
}

/// The work itself failed: why, with its causes.
pub(crate) fn fail(error: &anyhow::Error) -> ExitCode {
    say(causes(error));
    ExitCode::FAILURE
}

/// An error in one line.
pub(crate) fn causes(error: &anyhow::Error) -> String {
    let mut text = error.to_string();
    for cause in error.chain().skip(1).map(ToString::to_string) {
        // Many errors have their cause in their own words already.
        if !text.contains(&cause) {
            text = format!("{text}: {cause}");
        }
    }
    text
}
