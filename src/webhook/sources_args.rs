//! Flags that say where identities come from.

#![allow(clippy::doc_markdown, reason = "the doc comments here are the text of --help")]

use std::path::PathBuf;
use std::time::Duration;

use clap::{ArgAction, Args};

use crate::cli::kubernetes::KubernetesArgs;
use crate::cli::values;

/// Flags that say where identities come from.
#[derive(Debug, Args)]
#[command(next_help_heading = "Who has which identity")]
pub struct SourceArgs {
    /// Read ServiceAccounts from manifests instead of a cluster; a file or a folder; repeatable
    #[arg(long = "manifests", value_name = "PATH")]
    pub manifests: Vec<PathBuf>,
    /// Which cluster.
    #[command(flatten)]
    pub kubernetes: KubernetesArgs,
    /// Read roles from the ConfigMap pod-identity-webhook of --namespace too, and follow its changes
    #[arg(long, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_missing_value = "true",
          default_value = "false", hide_default_value = true, value_parser = values::boolean, action = ArgAction::Set)]
    pub watch_config_map: bool,
    /// Read Pod Identity associations from this JSON file too, whenever it is there or changes
    #[arg(long, value_name = "FILE", default_value = "", hide_default_value = true)]
    pub watch_container_credentials_config: String,
    /// Custom resources that hold associations.
    #[command(flatten)]
    pub association_resources: AssociationResourceArgs,
    /// Read Pod Identity associations from the EKS API too (if built with the feature eks-api)
    #[arg(long, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_missing_value = "true",
          default_value = "false", hide_default_value = true, value_parser = values::boolean, action = ArgAction::Set)]
    pub watch_eks_api: bool,
    /// Name of this cluster in EKS, for its API; custom resources for others do not count
    #[arg(long, value_name = "NAME", default_value = "", hide_default_value = true)]
    pub eks_cluster_name: String,
    /// ServiceAccounts that are looked up live a second at most, over time; who comes then is answered 503 and asks again
    #[arg(long, value_name = "NUMBER", default_value_t = 50, value_parser = values::within::<u32>(1..=10_000),
          allow_negative_numbers = true)]
    pub lookup_rate: u32,
    /// ServiceAccounts that are looked up live at once, after a while in which fewer were
    #[arg(long, value_name = "NUMBER", default_value_t = 100, value_parser = values::within::<u32>(1..=10_000),
          allow_negative_numbers = true)]
    pub lookup_burst: u32,
    /// Accepted; a miss is looked up live, so there is nothing to wait for
    #[arg(long, value_name = "DURATION", value_parser = values::duration, allow_hyphen_values = true)]
    pub service_account_lookup_grace_period: Option<Duration>,
    /// Accepted; a watch needs no resync
    #[arg(long, value_name = "DURATION", value_parser = values::duration, allow_hyphen_values = true)]
    pub resync_period: Option<Duration>,
}

/// Flags of custom resources that hold Pod Identity associations.
#[derive(Debug, Args)]
pub struct AssociationResourceArgs {
    /// Read Pod Identity associations from the custom resources of these controllers too, whenever they are installed: ack, crossplane or ack,crossplane
    #[arg(long, value_name = "NAMES", default_value = "", hide_default_value = true)]
    pub watch_association_resources: String,
    /// Custom resources count for ServiceAccounts of the namespace that they are in themselves, and for no others: true unless it is set to false
    #[arg(long, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_missing_value = "true",
          value_parser = values::boolean, action = ArgAction::Set)]
    pub association_resources_own_namespace_only: Option<bool>,
    /// Custom resources count before their controller says that AWS has the association
    #[arg(long, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_missing_value = "true",
          default_value = "false", hide_default_value = true, value_parser = values::boolean, action = ArgAction::Set)]
    pub use_pending_associations: bool,
}
