//! The first commands of docs/self-hosted-irsa.md: from a cluster that AWS knows nothing of to a pod with a role.

use std::ffi::OsString;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail, ensure};

use super::and_back;
use crate::harness::issuer_host::{IssuerHost, sign_for};
use crate::harness::page::{self, Page};
use crate::harness::{Test, command, eks_endpoint};

const TEXT: &str = include_str!("../../../../../../docs/self-hosted-irsa.md");

/// As the page has them.
const HOST: &str = "oidc.example.com";
const ISSUER: &str = "https://oidc.example.com/prod";
const AWS_CLI: &str = "public.ecr.aws/aws-cli/aws-cli:2.31.0";

pub async fn eleven_commands_make_an_issuer_and_a_pod_with_a_role(test: Test) -> Result<()> {
    let page = Page::section(TEXT, "## From nothing to a pod with a role")?;
    ensure!(page.commands() == 11, "{} commands", page.commands());
    page::tag(&test, &test.image("client-boto3")?, AWS_CLI).await?;
    let programs = tempfile::tempdir()?;
    let path = path(&test, programs.path()).await?;
    let mut host = None;
    let between = async |block: usize, home: &Path| {
        match block {
            // A web server, and the API server's flags.
            1 => {
                let served = IssuerHost::of(&test.cluster, HOST, home.join("www")).await?;
                knows(&test, programs.path(), &served)?;
                host = Some(served);
                sign_for(&test, ISSUER, &[&private_key(&home.join("issuer"))?]).await
            }
            // AWS would read the documents without being told.
            _ => host.as_ref().context("no web server")?.believed_by_sts(&page::shop(&test)).await,
        }
    };
    // It is the one thing outside of the namespace.
    let then = async |_| command::kubectl(["delete", "clusterrolebinding", "e2e-sts-shop"]).await.map(drop);
    let done = page.follow_with(&test, &path, between, then).await;
    and_back(&test, done).await
}

/// The programs of a user, of which this project's is another once it has to find the host.
async fn path(test: &Test, programs: &Path) -> Result<OsString> {
    let usual = page::path(test).await?;
    Ok(std::env::join_paths([programs.to_owned()].into_iter().chain(std::env::split_paths(&usual)))?)
}

/// Has `issuer check` know where the host is, which no DNS knows, and who has signed its certificate.
fn knows(test: &Test, programs: &Path, host: &IssuerHost) -> Result<()> {
    let program = programs.join("pod-identity-webhook");
    let script = format!(
        "#!/bin/sh\n[ \"$2\" != check ] || set -- \"$@\" --resolve={HOST}={} --ca-file={}\nexec {} \"$@\"\n",
        host.address,
        host.authority_file().display(),
        eks_endpoint::program(&test.cluster)?.display(),
    );
    std::fs::write(&program, script)?;
    Ok(std::fs::set_permissions(program, std::fs::Permissions::from_mode(0o755))?)
}

fn private_key(folder: &Path) -> Result<PathBuf> {
    for file in std::fs::read_dir(folder)? {
        let file = file?.path();
        if file.extension().is_some_and(|end| end == "key") {
            return Ok(file);
        }
    }
    bail!("no key in {}", folder.display())
}
