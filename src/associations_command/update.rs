//! `associations update`.

use anyhow::anyhow;
use injection::AccountName;

use super::args::UpdateArgs;
use super::change::Change;
use super::create::valid;
use super::describe::missing;
use super::refusal::Asked;
use super::target::Target;
use super::written::Object;
use super::{Ended, Failure};
use crate::association::Why;
use crate::cli::error::SettingsError;
use crate::cli::exit::print;

/// How often an association is read and written, if somebody else writes in between each time.
pub(super) const ATTEMPTS: usize = 5;

pub(super) async fn run(args: &UpdateArgs) -> Ended {
    let UpdateArgs { name, namespace, output, dry_run, cluster, .. } = args;
    let (change, dry_run) = (Change::read(args)?, dry_run.dry_run);
    if change.is_empty() {
        let why = "it, or another flag that changes something, says what is to be changed";
        return Err(
            SettingsError::Incomplete { flag: "associations update", other: "--role-arn", why }.into()
        );
    }
    let target = Target::find(cluster, namespace.as_deref()).await?;
    let account = AccountName::new(&target.namespace, name);
    let what = format!("association {account}");
    let namespace = Some(target.namespace.as_str());
    let mut attempt = 1;
    loop {
        let before = Asked::GetToChange.of(&what, namespace, target.store.find(account)).await?;
        let before = before.ok_or_else(|| Failure::Failed(anyhow!(missing(account))))?;
        let spec = change.applied(&before.spec);
        valid(account, &spec)?;
        if spec == before.spec {
            return Ok(print(&Object::Answered(&before).told(*output, "unchanged", dry_run)));
        }
        let Some(writing) = dry_run.writing() else {
            return Ok(print(&Object::Meant(account, &spec).told(*output, "updated", dry_run)));
        };
        let replaced = target.store.replace(&before, &spec, &[], writing);
        match Asked::Update.of(&what, namespace, replaced).await {
            // What is not named is to stay as it is now, not as it was.
            Err(refusal) if refusal.why() == Why::Changed && attempt < ATTEMPTS => attempt += 1,
            Err(refusal) => return Err(refusal.into()),
            Ok(after) => return Ok(print(&Object::Answered(&after).told(*output, "updated", dry_run))),
        }
    }
}
