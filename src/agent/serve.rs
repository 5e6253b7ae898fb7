//! `agent`: what it is told to do.

use std::process::ExitCode;
use std::sync::Arc;

#[cfg(feature = "eks-api")]
use anyhow::Context;
use anyhow::Result;

use super::app::App;
use super::args::{AgentArgs, ServeArgs, Verb};
use super::cache::Fetch;
use super::metrics::Metrics;
use super::node;
use super::settings::{Settings, UpstreamSettings};
use crate::cli::exit::{USAGE, causes, fail, print, refuse};
use crate::process::{self, descriptors};
use crate::telemetry;

/// Does what the arguments say.
pub(crate) fn run(args: &AgentArgs) -> ExitCode {
    match &args.verb {
        Some(Verb::Version) => print(concat!("pod-identity-webhook ", env!("CARGO_PKG_VERSION"), "\n")),
        Some(Verb::Initialize(args)) => node::initialize(args),
        Some(Verb::Teardown(args)) => node::teardown(args),
        Some(Verb::Server(args)) => serve(args),
        None => serve(&args.serve),
    }
}

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
        let app = App::bind(settings, async move |metrics| connect(upstream, metrics).await).await?;
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

#[cfg(feature = "eks-api")]
async fn connect(settings: UpstreamSettings, metrics: Arc<Metrics>) -> Result<Fetch> {
    super::upstream::connect(settings, metrics).await.context("failed to set up AWS's SDK")
}

#[cfg(not(feature = "eks-api"))]
async fn connect(_: UpstreamSettings, _: Arc<Metrics>) -> Result<Fetch> {
    let why = "the agent needs AWS's SDK: this binary was built without the feature eks-api";
    std::future::ready(Err(anyhow::anyhow!(why))).await
}
