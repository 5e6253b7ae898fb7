//! `agent`: what it is told to do.

use std::process::ExitCode;

#[cfg(feature = "eks-api")]
use super::app::App;
use super::args::{AgentArgs, ServeArgs, Verb};
use super::settings::Settings;
use super::{handover, node};
use crate::cli::exit::{USAGE, print, refuse};
#[cfg(feature = "eks-api")]
use crate::cli::exit::{causes, fail};
#[cfg(feature = "eks-api")]
use crate::{
    process::{self, descriptors},
    telemetry,
};

/// Does what the arguments say.
pub(crate) fn run(args: &AgentArgs) -> ExitCode {
    match &args.verb {
        Some(Verb::Version) => print(concat!("pod-identity-webhook ", env!("CARGO_PKG_VERSION"), "\n")),
        Some(Verb::Initialize(args)) => node::initialize(args),
        Some(Verb::Teardown(args)) => node::teardown(args),
        Some(Verb::Probe(args)) => handover::probe(args),
        Some(Verb::Server(args)) => serve(args),
        None => serve(&args.serve),
    }
}

/// Without the SDK there is nothing to serve, and the rest is not linked.
#[cfg(not(feature = "eks-api"))]
fn serve(args: &ServeArgs) -> ExitCode {
    match Settings::new(args, |name| std::env::var(name).ok()) {
        Err(error) => refuse(error, USAGE),
        Ok(_) => {
            refuse("'agent' needs the cargo feature eks-api, which this binary was built without", USAGE)
        }
    }
}

#[cfg(feature = "eks-api")]
fn serve(args: &ServeArgs) -> ExitCode {
    let settings = match Settings::new(args, |name| std::env::var(name).ok()) {
        Err(error) => return refuse(error, USAGE),
        Ok(settings) => settings,
    };
    let log = match telemetry::init(settings.log) {
        Err(error) => return fail(&anyhow::Error::new(error).context("failed to start the log")),
        Ok(log) => log,
    };
    telemetry::log_panics();
    descriptors::raise();
    let start = async move {
        let upstream = settings.upstream.clone();
        let app =
            App::bind(settings, async move |metrics| Ok(super::upstream::connect(upstream, metrics).await?))
                .await?;
        let App { addresses, probes, metrics, running } = app;
        tracing::info!(?addresses, %probes, %metrics, "serving");
        Ok(running)
    };
    match process::block_on(start) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            log.say(&format!("pod-identity-webhook: {}", causes(&error)));
            ExitCode::FAILURE
        }
    }
}
