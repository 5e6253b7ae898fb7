//! The flags of `associations`: a subcommand for each verb, with kubectl's names for what kubectl has too.

#![allow(clippy::doc_markdown, reason = "the doc comments here are the text of --help")]

mod transfer;
mod write;

use clap::{Args, Subcommand, ValueEnum};
use injection::name::{is_label, is_subdomain};

pub use transfer::{ExportArgs, ExportOutput, ImportArgs, ImportedController, ManifestOutput};
pub use write::{CreateArgs, DeleteArgs, DryRun, DryRunArgs, UpdateArgs, WriteOutput};

use crate::cli::user_cluster::UserClusterArgs;

/// Flags of `associations`.
#[derive(Debug, Args)]
#[command(
    arg_required_else_help = false,
    about = "Work with a cluster's own Pod Identity associations: list and change them, and move them from and to EKS",
    after_help = "An association is an object of Kubernetes, a PodIdentityAssociation of pod-identity-webhook.dev: it has the name \
of a ServiceAccount, is in its namespace, and says which IAM role its pods get. Everything here is done as the user of the \
kubeconfig, whose rights count. Pods get the role when they are made: those that run already keep what they have.

Examples:
  pod-identity-webhook associations create orders -n shop \\
    --role-arn=arn:aws:iam::111122223333:role/orders
  pod-identity-webhook associations list -A
  pod-identity-webhook associations import --from-eks=prod --region=eu-west-1 --dry-run=server
  pod-identity-webhook associations export -A > associations.yaml

'pod-identity-webhook associations VERB --help' shows the flags of each."
)]
pub struct AssociationsArgs {
    /// What to do.
    #[command(subcommand)]
    pub verb: Verb,
}

/// What `associations` does.
#[derive(Debug, Subcommand)]
pub enum Verb {
    /// List associations
    List(ListArgs),
    /// Show all that is known of associations
    Describe(DescribeArgs),
    /// Make an association for a ServiceAccount
    Create(CreateArgs),
    /// Change an association; what no flag names stays as it is
    Update(UpdateArgs),
    /// Delete associations
    Delete(DeleteArgs),
    /// Make associations of those that are elsewhere: in EKS, in files, or in resources of ACK or Crossplane
    Import(ImportArgs),
    /// Print associations as manifests, as commands of the AWS CLI, or for Terraform
    Export(ExportArgs),
    /// Print the CustomResourceDefinition, for kubectl apply
    Definition(DefinitionArgs),
}

/// Whose associations are meant.
#[derive(Debug, Clone, Default, Args)]
pub struct ScopeArgs {
    /// Namespace; without it, that of the kubeconfig's context
    #[arg(short, long, value_name = "NAMESPACE", value_parser = namespace)]
    pub namespace: Option<String>,
    /// All namespaces
    #[arg(short = 'A', long, conflicts_with = "namespace")]
    pub all_namespaces: bool,
}

/// Flags of `associations list`.
#[derive(Debug, Args)]
#[command(
    next_line_help = true,
    after_help = "The columns: NAME is the ServiceAccount, ROLE the role of its pods, TARGET the role that they use in the end if that is \
another one, ACCEPTED whether the webhook gives it to pods ('associations describe' says why not).

Examples:
  pod-identity-webhook associations list -n shop
  pod-identity-webhook associations list -A -o json | jq -r '.items[].spec.roleArn'"
)]
pub struct ListArgs {
    /// What to print: table, json, yaml, or name
    #[arg(short, long, value_name = "FORMAT", value_enum, default_value_t = ListOutput::Table, hide_possible_values = true)]
    pub output: ListOutput,
    /// Which ones.
    #[command(flatten)]
    pub scope: ScopeArgs,
    /// Which cluster.
    #[command(flatten)]
    pub cluster: UserClusterArgs,
}

/// What `list` prints.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum ListOutput {
    /// For people.
    Table,
    /// One List.
    Json,
    /// One List.
    Yaml,
    /// KIND.GROUP/NAME, one a line.
    Name,
}

/// Flags of `associations describe`.
#[derive(Debug, Args)]
#[command(
    next_line_help = true,
    after_help = "Example:
  pod-identity-webhook associations describe orders -n shop"
)]
pub struct DescribeArgs {
    /// Names of the ServiceAccounts
    #[arg(value_name = "NAME", required = true, value_parser = account)]
    pub names: Vec<String>,
    /// Namespace; without it, that of the kubeconfig's context
    #[arg(short, long, value_name = "NAMESPACE", value_parser = namespace)]
    pub namespace: Option<String>,
    /// What to print: text, json, or yaml
    #[arg(short, long, value_name = "FORMAT", value_enum, default_value_t = DescribeOutput::Text, hide_possible_values = true)]
    pub output: DescribeOutput,
    /// Which cluster.
    #[command(flatten)]
    pub cluster: UserClusterArgs,
}

/// What `describe` prints.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum DescribeOutput {
    /// For people.
    Text,
    /// The object, or a List of several.
    Json,
    /// The object, or a List of several.
    Yaml,
}

/// Flags of `associations definition`, which has none.
#[derive(Debug, Args)]
#[command(after_help = "Example:
  pod-identity-webhook associations definition | kubectl apply -f -")]
pub struct DefinitionArgs {}

/// A namespace's name.
fn namespace(text: &str) -> Result<String, String> {
    is_label(text).then(|| text.to_owned()).ok_or_else(|| "expected the name of a namespace".to_owned())
}

/// A ServiceAccount's name.
fn account(text: &str) -> Result<String, String> {
    is_subdomain(text)
        .then(|| text.to_owned())
        .ok_or_else(|| "expected the name of a ServiceAccount".to_owned())
}
