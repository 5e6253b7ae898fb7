//! How the API server is reached, and as whom: what a kubeconfig or the pod says, before anything is connected.

use std::path::PathBuf;

use http::Uri;
use kube::Config;
use kube::config::{AuthInfo, InClusterError};
use tokio_rustls::rustls::pki_types::ServerName;

use super::credentials::{Credentials, TokenFile};
use super::proxy::Proxy;
use super::renewed::Renewed;
use super::tls::{Identity, Pem, TlsSources, Trust};

/// How the API server is reached, and as whom.
pub(super) struct Access {
    /// The API server's URL.
    pub(super) server: Uri,
    /// The proxy of a kubeconfig, which `NO_PROXY` makes no exception to.
    pub(super) proxy: Option<Proxy>,
    /// Whom the client trusts, and what it shows of itself.
    pub(super) tls: TlsSources,
    /// The API server's name in its certificate, if that is not its host in the URL.
    pub(super) server_name: Option<ServerName<'static>>,
    /// What requests say of who sends them.
    pub(super) credentials: Credentials,
    /// Whom they are sent for, if that is somebody else: the `as` of kube's type alone.
    pub(super) impersonation: AuthInfo,
}

/// Why there is no access from within the cluster. The start fails with it.
#[derive(Debug, thiserror::Error)]
pub enum InPodError {
    /// This runs in no pod, or one without a token.
    #[error(transparent)]
    Mounts(InClusterError),
    /// The token cannot be used.
    #[error("{0}")]
    Token(String),
}

impl Access {
    /// An API server to which the client says nothing of itself.
    pub(super) fn anonymous(server: Uri) -> Self {
        Self {
            server,
            proxy: None,
            tls: TlsSources { trust: Trust::Host, identity: Identity::None },
            server_name: None,
            credentials: Credentials::None,
            impersonation: AuthInfo::default(),
        }
    }

    /// What Kubernetes mounts into the pod this runs in.
    pub(super) fn in_cluster() -> Result<Self, InPodError> {
        let config = Config::incluster().map_err(InPodError::Mounts)?;
        let mut access = Self::anonymous(config.cluster_url);
        if let Some(path) = config.root_cert_file {
            access.tls.trust = Trust::Authorities(Pem::File(path));
        }
        if let Some(path) = config.auth_info.token_file.map(PathBuf::from) {
            let file = Renewed::read(TokenFile { path, token: None }).map_err(InPodError::Token)?;
            access.credentials = Credentials::File(file);
        }
        Ok(access)
    }
}
