//! `pod-identity-webhook`: arguments in, exit code out.

use std::process::ExitCode;

fn main() -> ExitCode {
    pod_identity_webhook::cli::main(std::env::args_os())
}
