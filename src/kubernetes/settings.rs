//! Which cluster is asked.

use std::fmt;
use std::path::PathBuf;

use kube::Client;
use tokio::sync::OnceCell;

use super::client::{self, ClientError};
use crate::cli::error::{SettingsError, invalid};
use crate::cli::kubernetes::KubernetesArgs;

/// Which cluster is asked, and how it is reached.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Settings {
    /// `None`: the configuration of the pod this runs in.
    pub kubeconfig: Option<PathBuf>,
    /// The server to use instead of the kubeconfig's.
    pub server: Option<http::Uri>,
}

/// A cluster whose client is made once, when it is first needed: all users share its connections.
#[derive(Default)]
pub struct Cluster {
    settings: Settings,
    client: OnceCell<Client>,
}

impl Cluster {
    /// The cluster that these settings name.
    #[must_use]
    pub fn new(settings: Settings) -> Self {
        Self { settings, client: OnceCell::new() }
    }

    /// The cluster's client.
    pub async fn client(&self) -> Result<Client, ClientError> {
        let Settings { kubeconfig, server } = &self.settings;
        let make = || client::client(kubeconfig.as_deref(), server.as_ref());
        self.client.get_or_try_init(make).await.cloned()
    }
}

impl fmt::Debug for Cluster {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Cluster").field("settings", &self.settings).finish_non_exhaustive()
    }
}

impl TryFrom<&KubernetesArgs> for Settings {
    type Error = SettingsError;

    fn try_from(args: &KubernetesArgs) -> Result<Self, SettingsError> {
        let KubernetesArgs { kubeconfig, kube_api } = args;
        Ok(Self {
            // An empty flag counts as absent, as in Go.
            kubeconfig: (!kubeconfig.is_empty()).then(|| kubeconfig.into()),
            server: server(kube_api)?,
        })
    }
}

/// The URL that `--kube-api` has, if it is not empty.
pub(super) fn server(kube_api: &str) -> Result<Option<http::Uri>, SettingsError> {
    if kube_api.is_empty() {
        return Ok(None);
    }
    let url: Option<http::Uri> = kube_api.parse().ok();
    let url = url.filter(|url| matches!(url.scheme_str(), Some("http" | "https")));
    let refused = || invalid("--kube-api", kube_api, "expected a URL such as https://10.0.0.1:6443");
    url.ok_or_else(refused).map(Some)
}

impl fmt::Display for Settings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.kubeconfig {
            Some(path) => write!(f, "kubeconfig={}", path.display())?,
            None => f.write_str("kubeconfig=(in cluster)")?,
        }
        self.server.iter().try_for_each(|server| write!(f, " kube-api={server}"))
    }
}
