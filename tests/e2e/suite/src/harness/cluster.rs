//! The cluster under test: its API, and what its provider can do beside it.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use kube::Client;
use tokio_rustls::rustls::crypto::aws_lc_rs;

use super::{command, until};

/// A cluster, by `KUBECONFIG` and the environment that `make e2e` sets.
pub struct Cluster {
    pub client: Client,
    /// The webhook's image, as its pods name it.
    pub image: String,
    /// The suite's own images, by their names.
    images: String,
    /// The same program on this machine, for a webhook by URL.
    pub binary: Option<PathBuf>,
    /// The executable that takes the provider's verbs.
    provider: Option<PathBuf>,
}

/// Why a test was left out: this cluster cannot do what it needs.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct Skipped(pub String);

impl Cluster {
    /// The cluster that the environment names.
    pub async fn of_environment() -> Result<Self> {
        drop(aws_lc_rs::default_provider().install_default());
        let client = Client::try_default().await.context("no cluster: make e2e brings one up")?;
        let version = client.apiserver_version().await.context("the cluster does not answer")?;
        let image = std::env::var("IMAGE").context("IMAGE names the webhook's image; make e2e sets it")?;
        println!("Kubernetes {}, image {image}", version.git_version);
        let images = std::env::var("IMAGES").unwrap_or_default();
        let path = |name| std::env::var_os(name).map(PathBuf::from);
        Ok(Self { client, image, images, binary: path("WEBHOOK"), provider: path("PROVIDER") })
    }

    /// What a verb of the provider printed. A provider that lacks it leaves the test out.
    pub async fn verb(&self, words: &[&str]) -> Result<String> {
        let skipped = || Skipped(format!("the cluster's provider has no {}", words.first().unwrap_or(&"")));
        let provider = self.provider.as_ref().ok_or_else(skipped)?;
        let output = command::output(provider, words, "").await?;
        match output.code {
            0 => Ok(output.stdout.trim().to_owned()),
            3 => Err(skipped().into()),
            code => anyhow::bail!("{words:?} ended with {code}:\n{}{}", output.stdout, output.stderr),
        }
    }

    /// An image of the suite's own by its short name, out of `IMAGES`.
    pub fn image_of(&self, name: &str) -> Result<String> {
        let ending = format!("/{name}:");
        let found = self.images.split_whitespace().find(|image| image.contains(&ending));
        Ok(found.ok_or_else(|| Skipped(format!("IMAGES names no image {name}")))?.to_owned())
    }

    /// Waits until the API server tells clients of these kinds in `GROUP/VERSION`: kubectl and helm go by that, and it may
    /// come a moment after the definitions are established.
    pub async fn await_kinds(&self, group_version: &str, kinds: &[&str]) -> Result<()> {
        until(&format!("{kinds:?} of {group_version} are served"), async || {
            let resources = match self.client.list_api_group_resources(group_version).await {
                Ok(list) => list.resources,
                Err(kube::Error::Api(status)) if status.code == 404 => return Ok(None),
                Err(error) => return Err(error.into()),
            };
            let is_told = |kind: &&str| resources.iter().any(|resource| resource.kind == *kind);
            Ok(kinds.iter().all(is_told).then_some(()))
        })
        .await
    }

    /// Where API server and pods reach this machine.
    pub async fn host_address(&self) -> Result<String> {
        self.verb(&["host-address"]).await
    }
}

/// The project's folder.
pub fn root() -> &'static Path {
    // tests/e2e/suite
    Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(3).unwrap_or(Path::new("."))
}
