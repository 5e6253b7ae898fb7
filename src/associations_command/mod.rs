//! `associations`: the cluster's own Pod Identity associations, from a command line with kubectl's habits.
//!
//! A file a verb; `target` says which cluster and which namespace, `refusal` what is said if the API server does not do
//! it. Results go to standard output, everything else to standard error. It acts as the user of the kubeconfig, and as
//! nobody else.

pub mod args;
mod change;
mod create;
mod delete;
mod describe;
mod export;
mod import;
mod list;
mod manifest;
mod refusal;
mod table;
mod target;
mod update;
mod written;

use std::process::ExitCode;

use anyhow::Context;
use tokio_rustls::rustls::crypto::aws_lc_rs;

use args::{AssociationsArgs, Verb};
use refusal::Refusal;

use crate::association::DEFINITION;
use crate::cli::error::SettingsError;
use crate::cli::exit::{USAGE, fail, print, refuse};

/// Why a verb was not done at all.
enum Failure {
    /// The flags cannot be used.
    Usage(SettingsError),
    /// Something went wrong.
    Failed(anyhow::Error),
}

/// What was printed on the way to the end, and how it ended.
type Ended = Result<ExitCode, Failure>;

impl From<SettingsError> for Failure {
    fn from(error: SettingsError) -> Self {
        Self::Usage(error)
    }
}

impl From<anyhow::Error> for Failure {
    fn from(error: anyhow::Error) -> Self {
        Self::Failed(error)
    }
}

impl From<Refusal> for Failure {
    fn from(error: Refusal) -> Self {
        Self::Failed(error.into())
    }
}

/// Runs `associations`.
pub(crate) fn run(args: &AssociationsArgs) -> ExitCode {
    match ended(&args.verb) {
        Ok(code) => code,
        Err(Failure::Usage(error)) => refuse(error, USAGE),
        Err(Failure::Failed(error)) => fail(&error),
    }
}

fn ended(verb: &Verb) -> Ended {
    // kube and rustls ask for the process's cryptography; a second call finds it installed.
    drop(aws_lc_rs::default_provider().install_default());
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.context("failed to start the runtime")?;
    runtime.block_on(async {
        match verb {
            Verb::List(args) => list::run(args).await,
            Verb::Describe(args) => describe::run(args).await,
            Verb::Create(args) => create::run(args).await,
            Verb::Update(args) => update::run(args).await,
            Verb::Delete(args) => delete::run(args).await,
            Verb::Import(args) => import::run(args).await,
            Verb::Export(args) => export::run(args).await,
            Verb::Definition(_) => Ok(print(DEFINITION)),
        }
    })
}
