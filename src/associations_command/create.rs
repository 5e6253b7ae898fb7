//! `associations create`.

use anyhow::anyhow;
use injection::AccountName;

use super::args::CreateArgs;
use super::refusal::Asked;
use super::target::{self, Target};
use super::written::Object;
use super::{Ended, Failure, change};
use crate::association::{Spec, check};
use crate::cli::exit::print;

pub(super) async fn run(args: &CreateArgs) -> Ended {
    let CreateArgs { name, namespace, output, dry_run, cluster, .. } = args;
    let spec = change::spec(args)?;
    let dry_run = dry_run.dry_run;
    let Some(writing) = dry_run.writing() else {
        let namespace = target::namespace(cluster, namespace.as_deref()).await?;
        let account = AccountName::new(&namespace, name);
        valid(account, &spec)?;
        return Ok(print(&Object::Meant(account, &spec).told(*output, "created", dry_run)));
    };
    let target = Target::find(cluster, namespace.as_deref()).await?;
    let account = AccountName::new(&target.namespace, name);
    valid(account, &spec)?;
    let created = target.store.create(account, &spec, &[], writing);
    let created =
        Asked::Create.of(format_args!("association {account}"), Some(&target.namespace), created).await?;
    let created = created.ok_or_else(|| {
        anyhow!("association {account} exists already: 'associations describe' shows it, 'associations update' changes it")
    })?;
    Ok(print(&Object::Answered(&created).told(*output, "created", dry_run)))
}

/// Looks whether the API server would take it, in the same words for all verbs.
pub(super) fn valid(account: AccountName<'_>, spec: &Spec) -> Result<(), Failure> {
    check(account, spec).map_err(|error| anyhow!("association {account} is not valid: {error}").into())
}
