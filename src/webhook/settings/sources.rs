//! Where identities are read.

use std::path::PathBuf;

use injection::name;

use super::association_resources::{self, ResourceSettings};
use super::{eks_api, path};
use crate::aws::ClusterName;
use crate::cli::error::{SettingsError, invalid};
use crate::identities::sources::association_resources::Namespaces;
use crate::identities::sources::service_accounts::LookupPace;
use crate::kubernetes;
use crate::webhook::args::WebhookArgs;
use crate::webhook::sources_args::SourceArgs;

/// Where identities are read: each part a source of its own.
#[derive(Debug, Clone)]
pub struct SourceSettings {
    /// ServiceAccounts.
    pub accounts: AccountSource,
    /// A file of EKS Pod Identity's associations, which need not be there.
    pub association_file: Option<PathBuf>,
    /// Custom resources that hold such associations.
    pub association_resources: Option<ResourceSettings>,
    /// The namespace whose ConfigMap is read, which need not be there; manifests bring their own.
    pub config_map: Option<String>,
    /// This cluster's name, which associations may be for.
    pub cluster: Option<ClusterName>,
    /// The cluster whose associations the EKS API is asked for.
    pub eks_api: Option<ClusterName>,
    /// How many ServiceAccounts are looked up live.
    pub lookups: LookupPace,
}

/// Where ServiceAccounts are read.
#[derive(Debug, Clone)]
pub enum AccountSource {
    /// A cluster's API.
    Cluster(kubernetes::Settings),
    /// Files, read once.
    Manifests {
        /// Files and folders.
        paths: Vec<PathBuf>,
        /// The namespaces whose accounts the association resources in the files may name.
        namespaces: Namespaces,
    },
}

impl SourceSettings {
    /// What the flags come to; flags without effect get a notice.
    pub(super) fn new(args: &WebhookArgs, notices: &mut Vec<String>) -> Result<Self, SettingsError> {
        let sources = &args.sources;
        let accounts = accounts(sources)?;
        let cluster = cluster_name(sources)?;
        Ok(Self {
            accounts,
            association_file: path(&sources.watch_container_credentials_config),
            association_resources: ResourceSettings::new(sources, cluster.clone(), notices)?,
            config_map: config_map(args, notices)?,
            cluster: cluster.clone(),
            eks_api: eks_api::cluster(sources, cluster, eks_api::Build::THIS)?,
            lookups: LookupPace { rate: sources.lookup_rate, burst: sources.lookup_burst },
        })
    }
}

fn accounts(sources: &SourceArgs) -> Result<AccountSource, SettingsError> {
    if sources.manifests.is_empty() {
        return (&sources.kubernetes).try_into().map(AccountSource::Cluster);
    }
    let why = "manifests stand in for the cluster";
    let cluster = &sources.kubernetes;
    for (other, given) in [("--kubeconfig", &cluster.kubeconfig), ("--kube-api", &cluster.kube_api)] {
        if !given.is_empty() {
            return Err(SettingsError::Conflict { one: "--manifests", other, why });
        }
    }
    let namespaces = association_resources::namespaces(&sources.association_resources);
    Ok(AccountSource::Manifests { paths: sources.manifests.clone(), namespaces })
}

fn cluster_name(sources: &SourceArgs) -> Result<Option<ClusterName>, SettingsError> {
    let name = &sources.eks_cluster_name;
    (!name.is_empty())
        .then(|| {
            ClusterName::new(name).ok_or_else(|| invalid("--eks-cluster-name", name, ClusterName::EXPECTED))
        })
        .transpose()
}

fn config_map(args: &WebhookArgs, notices: &mut Vec<String>) -> Result<Option<String>, SettingsError> {
    let namespace = &args.certificates.objects.namespace;
    if !args.sources.watch_config_map {
        return Ok(None);
    }
    if !args.sources.manifests.is_empty() {
        notices
            .push("--watch-config-map has no effect: a ConfigMap of --manifests is read from there".into());
        return Ok(None);
    }
    if !name::is_label(namespace) {
        let allowed = "expected a namespace's name, for --watch-config-map";
        return Err(invalid("--namespace", namespace, allowed));
    }
    Ok(Some(namespace.clone()))
}
