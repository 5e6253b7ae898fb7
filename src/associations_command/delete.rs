//! `associations delete`.

use std::process::ExitCode;

use injection::AccountName;

use super::args::{DeleteArgs, DryRun};
use super::describe::missing;
use super::refusal::{Asked, Refusal};
use super::target::Target;
use super::update::ATTEMPTS;
use super::{Ended, manifest};
use crate::association::Why;
use crate::cli::exit::{print, say};

pub(super) async fn run(args: &DeleteArgs) -> Ended {
    let DeleteArgs { names, namespace, ignore_not_found, dry_run, cluster } = args;
    let target = Target::find(cluster, namespace.as_deref()).await?;
    let mut code = ExitCode::SUCCESS;
    for name in names {
        let account = AccountName::new(&target.namespace, name);
        match delete(&target, account, dry_run.dry_run).await {
            Ok(true) => {
                let line = format!("{} deleted{}\n", manifest::name(account), dry_run.dry_run.suffix());
                if print(&line) != ExitCode::SUCCESS {
                    code = ExitCode::FAILURE;
                }
            }
            Ok(false) if *ignore_not_found => {}
            Ok(false) => {
                say(missing(account));
                code = ExitCode::FAILURE;
            }
            // The others are deleted all the same.
            Err(refusal) => {
                say(refusal);
                code = ExitCode::FAILURE;
            }
        }
    }
    Ok(code)
}

/// Deletes an association as it is now; whether there was one.
async fn delete(target: &Target, account: AccountName<'_>, dry_run: DryRun) -> Result<bool, Refusal> {
    let what = format!("association {account}");
    let namespace = Some(account.namespace);
    let mut attempt = 1;
    loop {
        let Some(found) = Asked::GetToChange.of(&what, namespace, target.store.find(account)).await? else {
            return Ok(false);
        };
        let Some(writing) = dry_run.writing() else { return Ok(true) };
        match Asked::Delete.of(&what, namespace, target.store.delete(&found, writing)).await {
            Err(refusal) if refusal.why() == Why::Changed && attempt < ATTEMPTS => attempt += 1,
            ended => return ended.map(|()| true),
        }
    }
}
