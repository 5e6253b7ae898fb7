//! Which cluster is asked, and which namespace is meant.

use kube::Client;

use super::Failure;
use crate::association::Store;
use crate::cli::exit::say;
use crate::cli::user_cluster::UserClusterArgs;
use crate::kubernetes::{Environment, UserCluster, UserClusterError, UserClusterSettings};

/// The cluster's associations.
pub(super) struct Target {
    pub(super) store: Store,
    pub(super) client: Client,
    /// The namespace of whatever names none.
    pub(super) namespace: String,
}

impl Target {
    /// The cluster that the flags or the kubeconfig name; a namespace that is given counts instead of the context's.
    pub(super) async fn find(args: &UserClusterArgs, namespace: Option<&str>) -> Result<Self, Failure> {
        let settings = UserClusterSettings::try_from(args)?;
        let cluster = UserCluster::find(settings, Environment::of_process()).await;
        let UserCluster { client, namespace: of_context, .. } = cluster.map_err(anyhow::Error::new)?;
        let namespace = namespace.map_or(of_context, str::to_owned);
        let store = Store::new(client.clone()).warning(|warning| say(format_args!("warning: {warning}")));
        Ok(Self { store, client, namespace })
    }
}

/// The namespace that is meant where no cluster is asked: there need not be one.
pub(super) async fn namespace(args: &UserClusterArgs, given: Option<&str>) -> Result<String, Failure> {
    if let Some(namespace) = given {
        return Ok(namespace.to_owned());
    }
    let settings = UserClusterSettings::try_from(args)?;
    match UserCluster::find(settings, Environment::of_process()).await {
        Ok(cluster) => Ok(cluster.namespace),
        Err(UserClusterError::Nowhere) => Ok("default".to_owned()),
        Err(error) => Err(Failure::Failed(error.into())),
    }
}
