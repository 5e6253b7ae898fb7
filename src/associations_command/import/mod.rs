//! `associations import`: associations from elsewhere, made in this cluster. One that fails stops no other.

mod apply;
#[cfg(feature = "eks-api")]
mod eks;
mod entry;
mod input;
mod progress;
mod selected;

use std::process::ExitCode;

use anyhow::anyhow;
use injection::AccountName;

use super::args::{DryRun, ImportArgs, ImportedController, ManifestOutput};
use super::create::valid;
use super::target::{self, Target};
use super::{Ended, Failure, manifest};
use crate::cli::error::SettingsError;
use crate::cli::exit::{causes, print, say};
use crate::identities::sources::association_resources::Controller;
use apply::Applying;
use entry::{Entry, Unusable};
use input::Input;
use selected::{Selected, Selection};

pub(super) async fn run(args: &ImportArgs) -> Ended {
    let dry_run = args.dry_run.dry_run;
    check(args)?;
    let needs_cluster = dry_run != DryRun::Client || args.from_cluster.is_some();
    let target = if needs_cluster {
        Some(Target::find(&args.cluster, args.namespace.as_deref()).await?)
    } else {
        None
    };
    let Input { readings, others } = read(args, target.as_ref()).await?;
    if readings.is_empty() {
        let others =
            if others == 0 { String::new() } else { format!(", but {others} objects of other kinds") };
        return Err(anyhow!(
            "the input has no associations{others}: 'associations import --help' says what is read"
        )
        .into());
    }
    let selection = Selection { namespace: args.namespace.as_deref(), cluster: args.of_cluster.as_deref() };
    let mut selected = Selected::of(readings, selection);
    selected.entries.retain(|entry| match valid(entry.account.get(), &entry.spec) {
        Ok(()) => true,
        Err(error) => {
            selected.unusable.push(Unusable { place: entry.place.clone(), why: said(&error) });
            false
        }
    });
    for Unusable { place, why } in &selected.unusable {
        say(format_args!("{place}: {why}"));
    }
    match (&target, dry_run.writing()) {
        (Some(target), Some(writing)) => {
            let applying =
                Applying { store: &target.store, writing, is_overwriting: args.overwrite, dry_run };
            applying.run(selected).await
        }
        _ => Ok(shown(&selected, args.output)),
    }
}

/// Looks at what clap cannot.
fn check(args: &ImportArgs) -> Result<(), Failure> {
    if args.output.is_some() && args.dry_run.dry_run != DryRun::Client {
        let why = "what is made is printed as lines, not as manifests";
        return Err(SettingsError::Incomplete { flag: "--output", other: "--dry-run=client", why }.into());
    }
    #[cfg(not(feature = "eks-api"))]
    if args.from_eks.is_some() {
        let instead = "use an image with it, or --from-file with what 'aws eks describe-pod-identity-association' prints";
        return Err(SettingsError::NotBuilt { flag: "--from-eks", feature: "eks-api", instead }.into());
    }
    Ok(())
}

async fn read(args: &ImportArgs, target: Option<&Target>) -> Result<Input, Failure> {
    #[cfg(feature = "eks-api")]
    if let Some(cluster) = &args.from_eks {
        return eks::read(cluster, args).await;
    }
    if let (Some(controller), Some(target)) = (args.from_cluster, target) {
        return of_controller(controller, target).await;
    }
    let namespace = match target {
        Some(target) => target.namespace.clone(),
        None => target::namespace(&args.cluster, args.namespace.as_deref()).await?,
    };
    Ok(Input::of_files(&args.from_file, &namespace))
}

async fn of_controller(controller: ImportedController, target: &Target) -> Result<Input, Failure> {
    let controller = match controller {
        ImportedController::Ack => Controller::Ack,
        ImportedController::Crossplane => Controller::Crossplane,
    };
    let read = Input::of_controller(&target.client, controller, Some(&target.namespace)).await;
    match read.map_err(anyhow::Error::new)? {
        Ok(input) => Ok(input),
        Err(kinds) => Err(anyhow!(
            "the cluster does not have {kinds}: give the cluster that has the controller's resources by --context, or its \
             manifests by --from-file"
        )
        .into()),
    }
}

/// Prints what would be made, without asking a cluster.
fn shown(selected: &Selected, output: Option<ManifestOutput>) -> ExitCode {
    let manifests = || -> Vec<_> {
        selected.entries.iter().map(|entry| manifest::fresh(entry.account.get(), &entry.spec)).collect()
    };
    let line = |Entry { account, .. }: &Entry| made(account.get(), "created", DryRun::Client);
    let printed = print(&match output {
        None => selected.entries.iter().map(line).collect(),
        Some(ManifestOutput::Yaml) => manifest::yaml(&manifests()),
        Some(ManifestOutput::Json) => manifest::json(&manifest::list(&manifests())),
    });
    let (all, failed) = (selected.entries.len(), selected.unusable.len());
    say(format_args!("{all} read{}, {failed} that cannot be used; no cluster was asked", selected.skipped()));
    if failed == 0 { printed } else { ExitCode::FAILURE }
}

/// The line of an association, with its namespace: an import is one of many.
fn made(account: AccountName<'_>, done: &str, dry_run: DryRun) -> String {
    format!("association {account} {done}{}\n", dry_run.suffix())
}

fn said(failure: &Failure) -> String {
    match failure {
        Failure::Usage(error) => error.to_string(),
        Failure::Failed(error) => causes(error),
    }
}
