//! How the process ends: what is printed, what is said to the user who started it, and the exit code.

use std::fmt::Display;
use std::io::Write;
use std::process::ExitCode;

use injection::text::visible;

/// The exit code for a flag or a value that cannot be used.
pub(crate) const USAGE: u8 = 2;

/// Prints the result of a command.
pub(crate) fn print(text: &str) -> ExitCode {
    let mut out = std::io::stdout();
    // Text that is left in the buffer at the end would be lost silently.
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Ok(()) => ExitCode::SUCCESS,
        // The reader has closed the pipe, having seen enough.
        Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => ExitCode::SUCCESS,
        Err(error) => fail(&anyhow::Error::new(error).context("failed to write to standard output")),
    }
}

/// Says something in one line, on standard error.
pub(crate) fn say(what: impl Display) {
    // This is not `eprintln`, which panics if standard error is closed.
    drop(writeln!(std::io::stderr(), "pod-identity-webhook: {}", visible(&what.to_string())));
}

/// Says why nothing was done.
pub(crate) fn refuse(why: impl Display, code: u8) -> ExitCode {
    say(why);
    ExitCode::from(code)
}

/// Says why the work itself failed, with the error's causes.
pub(crate) fn fail(error: &anyhow::Error) -> ExitCode {
    say(causes(error));
    ExitCode::FAILURE
}

/// An error in one line.
pub(crate) fn causes(error: &anyhow::Error) -> String {
    let mut text = error.to_string();
    for cause in error.chain().skip(1).map(ToString::to_string) {
        // Many errors name their cause in their own text already.
        if !text.contains(&cause) {
            text = format!("{text}: {cause}");
        }
    }
    text
}
