//! Flags of the verbs that change one association.

use std::path::PathBuf;

use clap::{ArgAction, Args, ValueEnum};

use super::{account, namespace};
use crate::cli::user_cluster::UserClusterArgs;
use crate::cli::values;

/// Whether anything is written.
#[derive(Debug, Clone, Args)]
pub struct DryRunArgs {
    /// Write nothing: with client, only say or print what would be written; with server, have the API server check it too
    #[arg(long, value_name = "WHERE", value_enum, default_value_t = DryRun::None, hide_possible_values = true, hide_default_value = true)]
    pub dry_run: DryRun,
}

/// Whether anything is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum DryRun {
    /// What is asked for is done.
    None,
    /// Nothing is sent to the API server that would change something.
    Client,
    /// The API server checks everything and does nothing.
    Server,
}

/// What is printed of an object that was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum WriteOutput {
    /// The object.
    Json,
    /// The object.
    Yaml,
    /// `KIND.GROUP/NAME`.
    Name,
}

/// Flags of `associations create`.
#[derive(Debug, Args)]
#[command(
    next_line_help = true,
    after_help = "Neither the namespace's ServiceAccount nor the role has to exist yet. Nobody asks AWS whether you may hand out the role: the role's \
trust policy and the webhook's role policy are the limits.

Examples:
  pod-identity-webhook associations create orders -n shop \\
    --role-arn=arn:aws:iam::111122223333:role/orders
  pod-identity-webhook associations create orders -n shop \\
    --role-arn=arn:aws:iam::111122223333:role/orders \\
    --target-role-arn=arn:aws:iam::444455556666:role/orders --tag team=shop
  pod-identity-webhook associations create orders -n shop \\
    --role-arn=arn:aws:iam::111122223333:role/orders \\
    --dry-run=client -o yaml > orders.yaml"
)]
pub struct CreateArgs {
    /// Name of the ServiceAccount
    #[arg(value_name = "NAME", value_parser = account)]
    pub name: String,
    /// Namespace; without it, that of the kubeconfig's context
    #[arg(short, long, value_name = "NAMESPACE", value_parser = namespace)]
    pub namespace: Option<String>,
    /// ARN of the role that the ServiceAccount's pods get
    #[arg(long, value_name = "ARN")]
    pub role_arn: String,
    /// ARN of a second role, mostly of another AWS account, which is assumed with the first and which pods use in the end
    #[arg(long, value_name = "ARN")]
    pub target_role_arn: Option<String>,
    /// Leave out the session's tags that say which cluster, namespace and pod it is for
    #[arg(long, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_missing_value = "true",
          value_parser = values::boolean, action = ArgAction::Set)]
    pub disable_session_tags: Option<bool>,
    /// IAM policy as JSON; pods may do only what this allows too; needs --disable-session-tags
    #[arg(long, value_name = "JSON", conflicts_with = "policy_file")]
    pub policy: Option<String>,
    /// File with the policy, - for standard input
    #[arg(long, value_name = "FILE")]
    pub policy_file: Option<PathBuf>,
    /// Tag of the association itself, with no effect on pods; repeatable
    #[arg(long = "tag", value_name = "KEY=VALUE", value_parser = tag)]
    pub tags: Vec<(String, String)>,
    /// Name of the only cluster on which the association counts, as the webhook there has it in --eks-cluster-name
    #[arg(long, value_name = "NAME")]
    pub cluster_name: Option<String>,
    /// What to print instead of a line: json, yaml, or name
    #[arg(short, long, value_name = "FORMAT", value_enum, hide_possible_values = true)]
    pub output: Option<WriteOutput>,
    /// Whether it is done.
    #[command(flatten)]
    pub dry_run: DryRunArgs,
    /// Which cluster.
    #[command(flatten)]
    pub cluster: UserClusterArgs,
}

/// Flags of `associations update`.
#[derive(Debug, Args)]
#[command(
    next_line_help = true,
    after_help = "An empty value removes what it names: --target-role-arn='' --policy='' --cluster-name=''.

Examples:
  pod-identity-webhook associations update orders -n shop \\
    --role-arn=arn:aws:iam::111122223333:role/orders-v2
  pod-identity-webhook associations update orders -n shop \\
    --target-role-arn='' --tag team=checkout --remove-tag owner"
)]
pub struct UpdateArgs {
    /// Name of the ServiceAccount
    #[arg(value_name = "NAME", value_parser = account)]
    pub name: String,
    /// Namespace; without it, that of the kubeconfig's context
    #[arg(short, long, value_name = "NAMESPACE", value_parser = namespace)]
    pub namespace: Option<String>,
    /// ARN of the role that the ServiceAccount's pods get
    #[arg(long, value_name = "ARN")]
    pub role_arn: Option<String>,
    /// ARN of the role that pods use in the end; '' removes it
    #[arg(long, value_name = "ARN")]
    pub target_role_arn: Option<String>,
    /// Leave out the session's tags that say which cluster, namespace and pod it is for; =false has them again
    #[arg(long, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_missing_value = "true",
          value_parser = values::boolean, action = ArgAction::Set)]
    pub disable_session_tags: Option<bool>,
    /// IAM policy as JSON, which limits what pods may do; '' removes it
    #[arg(long, value_name = "JSON", conflicts_with = "policy_file")]
    pub policy: Option<String>,
    /// File with the policy, - for standard input
    #[arg(long, value_name = "FILE")]
    pub policy_file: Option<PathBuf>,
    /// Tag of the association to set; repeatable
    #[arg(long = "tag", value_name = "KEY=VALUE", value_parser = tag)]
    pub tags: Vec<(String, String)>,
    /// Key of a tag to remove; repeatable
    #[arg(long = "remove-tag", value_name = "KEY")]
    pub removed_tags: Vec<String>,
    /// Name of the only cluster on which the association counts; '' has it count on any
    #[arg(long, value_name = "NAME")]
    pub cluster_name: Option<String>,
    /// What to print instead of a line: json, yaml, or name
    #[arg(short, long, value_name = "FORMAT", value_enum, hide_possible_values = true)]
    pub output: Option<WriteOutput>,
    /// Whether it is done.
    #[command(flatten)]
    pub dry_run: DryRunArgs,
    /// Which cluster.
    #[command(flatten)]
    pub cluster: UserClusterArgs,
}

/// Flags of `associations delete`.
#[derive(Debug, Args)]
#[command(
    next_line_help = true,
    after_help = "Pods that run already keep the role that they have; those that are made from now on get none by this association.

Example:
  pod-identity-webhook associations delete orders invoices -n shop"
)]
pub struct DeleteArgs {
    /// Names of the ServiceAccounts
    #[arg(value_name = "NAME", required = true, value_parser = account)]
    pub names: Vec<String>,
    /// Namespace; without it, that of the kubeconfig's context
    #[arg(short, long, value_name = "NAMESPACE", value_parser = namespace)]
    pub namespace: Option<String>,
    /// An association that does not exist is no failure
    #[arg(long)]
    pub ignore_not_found: bool,
    /// Whether it is done.
    #[command(flatten)]
    pub dry_run: DryRunArgs,
    /// Which cluster.
    #[command(flatten)]
    pub cluster: UserClusterArgs,
}

fn tag(text: &str) -> Result<(String, String), String> {
    let tag = text.split_once('=').filter(|(key, _)| !key.is_empty());
    tag.map(|(key, value)| (key.to_owned(), value.to_owned())).ok_or_else(|| "expected KEY=VALUE".to_owned())
}
