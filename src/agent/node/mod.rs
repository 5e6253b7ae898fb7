//! `agent initialize` and `agent teardown`: the node's addresses at which SDKs ask, on a link of their own.
//!
//! ```text
//! kernel reads → plan says what is missing → kernel makes it, and again until nothing is
//! ```
//!
//! An init container runs it in the host's network namespace before the server starts. What is there already is used as
//! it is, AWS's agent's own link too, and nothing that is somebody else's is ever changed. Called by `serve`.

#[cfg(target_os = "linux")]
mod error;
#[cfg(target_os = "linux")]
mod kernel;
#[cfg_attr(not(target_os = "linux"), allow(dead_code, reason = "the flags alone are read there"))]
pub mod link;
#[cfg(target_os = "linux")]
mod plan;
#[cfg(target_os = "linux")]
mod progress;
#[cfg(target_os = "linux")]
mod removal;
#[cfg(target_os = "linux")]
mod run;
#[cfg(target_os = "linux")]
mod state;

#[cfg(target_os = "linux")]
pub(super) use run::{initialize, teardown};

#[cfg(not(target_os = "linux"))]
pub(super) use elsewhere::{initialize, teardown};

#[cfg(not(target_os = "linux"))]
mod elsewhere {
    //! Nodes run Linux; the rest of the program runs elsewhere too.

    use std::process::ExitCode;

    use super::super::args::{InitializeArgs, TeardownArgs};
    use crate::cli::exit::{USAGE, refuse};

    const REASON: &str = "the agent's addresses can be put on nodes with Linux alone";

    pub(in super::super) fn initialize(_: &InitializeArgs) -> ExitCode {
        refuse(REASON, USAGE)
    }

    pub(in super::super) fn teardown(_: &TeardownArgs) -> ExitCode {
        refuse(REASON, USAGE)
    }
}
