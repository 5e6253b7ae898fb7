//! The first commands of docs/associations.md.

use anyhow::{Result, ensure};

use crate::harness::identity::Identity;
use crate::harness::page::Page;
use crate::harness::{Test, until, workload};

const TEXT: &str = include_str!("../../../../../../docs/associations.md");

pub async fn five_commands_make_a_pod_with_a_role(test: Test) -> Result<()> {
    let page = Page::section(TEXT, "## From nothing to a pod with a role")?;
    ensure!(page.commands() == 5, "{} commands", page.commands());
    page.follow(&test, async |shop| {
        until("pods of the account have the association by the watch, too", async || {
            let pod = shop.dry_run(workload::unscheduled("another", "search")).await?;
            Ok((Identity::of(&pod)? == Identity::Association).then_some(()))
        })
        .await
    })
    .await
}
