//! `issuer publish`: the discovery document and the keys of an issuer, written to where they are served.
//!
//! `sources` reads keys, `plan` decides which are published, `publication` writes what differs, `watch` does it again and again.

pub(super) mod args;
mod history;
mod plan;
mod publication;
mod report;
mod settings;
mod sources;
mod watch;

use std::process::ExitCode;

use anyhow::{Context, anyhow};
use tokio_rustls::rustls::crypto::aws_lc_rs;

use args::PublishArgs;
use publication::Published;
use report::Report;
use settings::{Settings, To};

use crate::cli::exit::{USAGE, causes, fail, print, refuse, say};
use crate::issuer::target::{Directory, Target};
use crate::process;
use crate::telemetry::{self, Log};

/// Runs `issuer publish`.
pub(super) fn run(args: &PublishArgs) -> ExitCode {
    let settings = match Settings::try_from(args) {
        Err(error) => return refuse(error, USAGE),
        Ok(settings) => settings,
    };
    for doubt in settings.issuer.doubts() {
        say(format_args!("warning: {doubt}"));
    }
    // kube and rustls ask for the process's cryptography; a second call finds it installed.
    drop(aws_lc_rs::default_provider().install_default());
    if args.watch {
        return watch(args, settings);
    }
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let ended = runtime
        .context("failed to start the runtime")
        .and_then(|runtime| runtime.block_on(once(args, &settings)));
    match ended {
        Ok(Published { plan, objects }) => {
            let report =
                Report { plan: &plan, rules: &settings.rules, objects: &objects, is_dry: settings.is_dry };
            print(&report.to_string())
        }
        Err(error) => fail(&error),
    }
}

/// Publishes once. A source that cannot be read ends it: whoever types the command sees it and can leave it out.
async fn once(args: &PublishArgs, settings: &Settings) -> anyhow::Result<Published> {
    let target = target(args, settings).await?;
    let (sources, mut failed) = sources::read(&settings.places).await;
    if !failed.is_empty() {
        let last = failed.split_off(failed.len() - 1);
        failed.iter().for_each(say);
        let last = last.iter().map(ToString::to_string).collect::<String>();
        return Err(anyhow!("{last}; nothing was published"));
    }
    Ok(publication::publish(settings, &target, &sources, true).await?)
}

fn watch(args: &PublishArgs, settings: Settings) -> ExitCode {
    let log = Log { verbosity: 0, format: args.log.log_format, is_quiet: false };
    let log = match telemetry::init(log) {
        Err(error) => return fail(&anyhow::Error::new(error).context("failed to start the log")),
        Ok(log) => log,
    };
    telemetry::log_panics();
    let target_args = TargetArgs::of(args);
    let ended = process::block_on(async move {
        let target = target_args.open(&settings).await?;
        Ok(watch::start(settings, target))
    });
    match ended {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            log.say(&format!("pod-identity-webhook: {}", causes(&error)));
            ExitCode::FAILURE
        }
    }
}

async fn target(args: &PublishArgs, settings: &Settings) -> anyhow::Result<Target> {
    TargetArgs::of(args).open(settings).await
}

/// How S3 is reached.
#[cfg_attr(not(feature = "eks-api"), expect(dead_code, reason = "there is no S3 without the SDK"))]
struct TargetArgs {
    region: Option<String>,
    profile: Option<String>,
    is_path_style: bool,
}

impl TargetArgs {
    fn of(args: &PublishArgs) -> Self {
        let PublishArgs { region, profile, s3_path_style, .. } = args;
        Self { region: region.clone(), profile: profile.clone(), is_path_style: *s3_path_style }
    }

    #[cfg_attr(not(feature = "eks-api"), expect(clippy::unused_async, reason = "S3 waits for credentials"))]
    async fn open(self, settings: &Settings) -> anyhow::Result<Target> {
        match &settings.to {
            To::Directory(path) => Ok(Target::Directory(Directory::open(path)?)),
            #[cfg(feature = "eks-api")]
            To::S3 { bucket, prefix } => {
                let Self { region, profile, is_path_style } = self;
                let s3 = crate::issuer::target::S3::connect(bucket, prefix, region, profile, is_path_style);
                Ok(Target::S3(s3.await?))
            }
            #[cfg(not(feature = "eks-api"))]
            To::S3 { .. } => Err(anyhow!("S3 needs the cargo feature eks-api")),
        }
    }
}
