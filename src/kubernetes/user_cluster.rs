//! The cluster of whoever runs a command: found as kubectl finds it, and reached as that user. What serves in a cluster
//! goes by flags alone and is no concern of this.

use std::ffi::OsString;
use std::fmt;
use std::io::ErrorKind;
use std::path::PathBuf;

use http::Uri;
use kube::{Client, Config};
use tokio::task::spawn_blocking;

use super::access::{Access, InPodError};
use super::client::{connect, through_proxy, without_kubeconfig};
use super::kubeconfig::{Context, KubeconfigError, MisreadError, read_all};
use super::proxy::ProxyError;
use super::settings::server;
use super::tls::Trust;
use crate::cli::error::SettingsError;
use crate::cli::user_cluster::UserClusterArgs;

/// The namespace where none is named.
const DEFAULT_NAMESPACE: &str = "default";

/// Which cluster is meant, by the flags.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct UserClusterSettings {
    /// The one kubeconfig to use; `None`: see [`Environment`].
    pub kubeconfig: Option<PathBuf>,
    /// The context; `None`: the current one.
    pub context: Option<String>,
    /// The server to use instead of the kubeconfig's.
    pub server: Option<Uri>,
}

/// Where a kubeconfig is looked for that no flag names.
#[derive(Debug, Clone, Default)]
pub struct Environment {
    /// The variable KUBECONFIG, with files as PATH has folders.
    pub kubeconfig: Option<OsString>,
    /// The user's home folder.
    pub home: Option<PathBuf>,
}

/// A cluster, and what its kubeconfig says of it.
#[derive(Clone)]
pub struct UserCluster {
    /// Reaches the API server as the user.
    pub client: Client,
    /// The namespace of whatever has none: that of the context or of the pod, or `default`.
    pub namespace: String,
    /// The name that the kubeconfig has for the cluster.
    pub cluster_name: Option<String>,
    /// The API server's URL, without a slash at its end.
    pub server: String,
    /// The authorities that the API server's certificate is verified by, as PEM; `None`: those of the host, or nobody's.
    pub authority_pem: Option<Vec<u8>>,
}

/// Why there is no cluster to ask. The command ends with it.
#[derive(Debug, thiserror::Error)]
pub enum UserClusterError {
    /// A kubeconfig cannot be used.
    #[error("failed to use the kubeconfig {files}: {source}{}", to_do(.source))]
    Kubeconfig {
        /// The files that it is about.
        files: String,
        /// What is wrong.
        source: KubeconfigError,
    },
    /// The variable names files, none of which there is.
    #[error(
        "the variable KUBECONFIG names no file that exists: {files}; correct it, or unset it to use ~/.kube/config"
    )]
    NoFile {
        /// What it names.
        files: String,
    },
    /// A context needs a kubeconfig.
    #[error(
        "there is no kubeconfig that could have the context {context:?}: give --kubeconfig or set the variable KUBECONFIG"
    )]
    NoKubeconfig {
        /// The context's name.
        context: String,
    },
    /// There is no kubeconfig, and this runs in no pod.
    #[error(
        "there is no cluster to ask: give --kubeconfig, set the variable KUBECONFIG, or write ~/.kube/config"
    )]
    Nowhere,
    /// What Kubernetes mounts into the pod cannot be used.
    #[error("failed to read the in-cluster configuration: {0}")]
    InCluster(#[source] InPodError),
    /// The environment's proxy cannot be used.
    #[error("failed to use a proxy for the API server: {0}")]
    Proxy(#[source] ProxyError),
    /// What was read cannot be used.
    #[error("failed to set up the Kubernetes client: {0}")]
    Client(String),
}

fn to_do(error: &KubeconfigError) -> &'static str {
    match error {
        KubeconfigError::NoContext => ", or give --context",
        KubeconfigError::Missing { what: "context" | "current-context", .. } => {
            ": 'kubectl config get-contexts' lists what is, for --context"
        }
        _ => "",
    }
}

impl UserCluster {
    /// Finds the cluster. Nothing is asked of it yet.
    ///
    /// # Errors
    /// There is none, or what is said of it cannot be used.
    pub async fn find(
        settings: UserClusterSettings,
        environment: Environment,
    ) -> Result<Self, UserClusterError> {
        // Files are read.
        let finding = spawn_blocking(move || find(settings, &environment));
        finding.await.map_err(|error| UserClusterError::Client(error.to_string()))?
    }
}

fn find(settings: UserClusterSettings, environment: &Environment) -> Result<UserCluster, UserClusterError> {
    let UserClusterSettings { kubeconfig, context, server } = settings;
    let files = match kubeconfig {
        Some(path) => vec![path],
        None => environment.files()?,
    };
    let (access, Context { cluster_name, namespace }) = match (files.as_slice(), context) {
        ([], Some(context)) => return Err(UserClusterError::NoKubeconfig { context }),
        ([], None) => in_pod(server.as_ref())?,
        (files, context) => {
            read_all(files, context.as_deref(), server.as_ref()).map_err(UserClusterError::of)?
        }
    };
    let failed = |why: String| match files.as_slice() {
        [] => UserClusterError::Client(why),
        files => UserClusterError::Kubeconfig { files: listed(files), source: KubeconfigError::Use(why) },
    };
    let access = through_proxy(access, server).map_err(UserClusterError::Proxy)?;
    let server = access.server.to_string().trim_end_matches('/').to_owned();
    let authority_pem = match &access.tls.trust {
        Trust::Authorities(pem) => Some(pem.read("certificate-authority").map_err(failed)?),
        Trust::Host | Trust::Anyone => None,
    };
    let filled = |text: String| Some(text).filter(|text| !text.is_empty());
    Ok(UserCluster {
        client: connect(access).map_err(failed)?,
        namespace: filled(namespace).unwrap_or_else(|| DEFAULT_NAMESPACE.to_owned()),
        cluster_name: filled(cluster_name),
        server,
        authority_pem,
    })
}

fn in_pod(server: Option<&Uri>) -> Result<(Access, Context), UserClusterError> {
    let access = without_kubeconfig(server).map_err(|error| match error {
        InPodError::Mounts(_) => UserClusterError::Nowhere,
        InPodError::Token(_) => UserClusterError::InCluster(error),
    })?;
    let namespace = Config::incluster().map(|config| config.default_namespace).unwrap_or_default();
    Ok((access, Context { cluster_name: String::new(), namespace }))
}

impl Environment {
    /// That of this process.
    #[must_use]
    pub fn of_process() -> Self {
        Self { kubeconfig: std::env::var_os("KUBECONFIG"), home: std::env::home_dir() }
    }

    /// The files that there are.
    fn files(&self) -> Result<Vec<PathBuf>, UserClusterError> {
        // A file that cannot be looked at is one: reading it says why.
        let is_there =
            |path: &PathBuf| !matches!(path.metadata(), Err(error) if error.kind() == ErrorKind::NotFound);
        let variable = self.kubeconfig.as_ref().filter(|value| !value.is_empty());
        if let Some(variable) = variable {
            // An empty entry is none, as for kubectl.
            let named: Vec<_> =
                std::env::split_paths(variable).filter(|path| !path.as_os_str().is_empty()).collect();
            let files: Vec<_> = named.iter().filter(|path| is_there(path)).cloned().collect();
            return match files.as_slice() {
                [] => Err(UserClusterError::NoFile { files: listed(&named) }),
                _ => Ok(files),
            };
        }
        let of_home = self.home.iter().filter(|home| !home.as_os_str().is_empty());
        Ok(of_home.map(|home| home.join(".kube/config")).filter(is_there).collect())
    }
}

impl UserClusterError {
    fn of(error: MisreadError) -> Self {
        let MisreadError { files, source } = error;
        Self::Kubeconfig { files: listed(&files), source }
    }
}

fn listed(files: &[PathBuf]) -> String {
    files.iter().map(|path| path.display().to_string()).collect::<Vec<_>>().join(", ")
}

impl TryFrom<&UserClusterArgs> for UserClusterSettings {
    type Error = SettingsError;

    fn try_from(args: &UserClusterArgs) -> Result<Self, SettingsError> {
        let UserClusterArgs { kubeconfig, context, kube_api } = args;
        Ok(Self {
            kubeconfig: (!kubeconfig.is_empty()).then(|| kubeconfig.into()),
            context: (!context.is_empty()).then(|| context.clone()),
            server: server(kube_api)?,
        })
    }
}

impl fmt::Debug for UserCluster {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("UserCluster").field("server", &self.server).finish_non_exhaustive()
    }
}
