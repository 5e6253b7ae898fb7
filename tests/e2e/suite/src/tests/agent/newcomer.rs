//! The first commands of docs/pod-identity-anywhere.md: a pod lists a bucket of the stand-in.

use anyhow::{Result, ensure};

use super::calls;
use crate::harness::page::{self, Page};
use crate::harness::{Test, command, until};

const TEXT: &str = include_str!("../../../../../../docs/pod-identity-anywhere.md");

/// Its name on the page. Under it nodes have the suite's own image here, which has an older AWS CLI.
const AWS_CLI: &str = "public.ecr.aws/aws-cli/aws-cli:2.31.0";

pub async fn eight_commands_make_a_pod_that_lists_a_bucket(test: Test) -> Result<()> {
    let page = Page::section(TEXT, "## From nothing to a pod that lists a bucket")?;
    ensure!(page.commands() == 8, "{} commands", page.commands());
    page::tag(&test, &test.image("client-boto3")?, AWS_CLI).await?;
    page.follow(&test, async |shop| {
        let line = until("the listing is in the log of STS", async || {
            Ok(calls(&shop, "ListObjectsV2").await?.into_iter().next())
        })
        .await?;
        let session = "arn:aws:sts::111122223333:assumed-role/e2e-association/eks-dev-reports-";
        ensure!(line["arn"].as_str().is_some_and(|arn| arn.starts_with(session)), "{line}");
        // It is the one thing outside of the namespace.
        command::kubectl(["delete", "clusterrolebinding", "e2e-sts-shop"]).await.map(drop)
    })
    .await
}
