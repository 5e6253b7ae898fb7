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
    /// File or folder of manifests to read ServiceAccounts from, instead of a cluster; repeatable
    #[arg(long = "manifests", value_name = "PATH")]
    pub manifests: Vec<PathBuf>,
    /// The cluster to read.
    #[command(flatten)]
    pub kubernetes: KubernetesArgs,
    /// Read roles also from the ConfigMap pod-identity-webhook in --namespace, and follow its changes
    #[arg(long, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_missing_value = "true",
          default_value = "false", hide_default_value = true, value_parser = values::boolean, action = ArgAction::Set)]
    pub watch_config_map: bool,
    /// Read Pod Identity associations also from this JSON file, and follow its changes; it may be missing
    #[arg(long, value_name = "FILE", default_value = "", hide_default_value = true)]
    pub watch_container_credentials_config: String,
    /// Custom resources that hold associations.
    #[command(flatten)]
    pub association_resources: AssociationResourceArgs,
    /// Read Pod Identity associations also from the EKS API (if built with the feature eks-api)
    #[arg(long, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_missing_value = "true",
          default_value = "false", hide_default_value = true, value_parser = values::boolean, action = ArgAction::Set)]
    pub watch_eks_api: bool,
    /// Name of this cluster in EKS, for the EKS API; custom resources for other clusters do not count
    #[arg(long, value_name = "NAME", default_value = "", hide_default_value = true)]
    pub eks_cluster_name: String,
    /// How many ServiceAccounts may be looked up live a second, on average; further calls are answered 503, and the API server asks again
    #[arg(long, value_name = "NUMBER", default_value_t = 50, value_parser = values::within::<u32>(1..=10_000),
          allow_negative_numbers = true)]
    pub lookup_rate: u32,
    /// How many ServiceAccounts may be looked up live at once, after a time with fewer look-ups
    #[arg(long, value_name = "NUMBER", default_value_t = 100, value_parser = values::within::<u32>(1..=10_000),
          allow_negative_numbers = true)]
    pub lookup_burst: u32,
    /// Accepted without effect: an unknown ServiceAccount is looked up live
    #[arg(long, value_name = "DURATION", value_parser = values::duration, allow_hyphen_values = true)]
    pub service_account_lookup_grace_period: Option<Duration>,
    /// Accepted without effect: a watch needs no resync
    #[arg(long, value_name = "DURATION", value_parser = values::duration, allow_hyphen_values = true)]
    pub resync_period: Option<Duration>,
}

/// Flags of custom resources that hold Pod Identity associations.
#[derive(Debug, Args)]
pub struct AssociationResourceArgs {
    /// Read Pod Identity associations also from these custom resources, whose definitions may be installed later: own (PodIdentityAssociation of pod-identity-webhook.dev), ack, crossplane, or several of them with commas
    #[arg(long, value_name = "NAMES", default_value = "", hide_default_value = true)]
    pub watch_association_resources: String,
    /// Custom resources count only for ServiceAccounts in the resource's own namespace: true unless it is set to false
    #[arg(long, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_missing_value = "true",
          value_parser = values::boolean, action = ArgAction::Set)]
    pub association_resources_own_namespace_only: Option<bool>,
    /// Custom resources count before their controller says that AWS has the association
    #[arg(long, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_missing_value = "true",
          default_value = "false", hide_default_value = true, value_parser = values::boolean, action = ArgAction::Set)]
    pub use_pending_associations: bool,
}
