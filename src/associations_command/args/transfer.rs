//! Flags of `import` and `export`.

use std::path::PathBuf;

use clap::{ArgGroup, Args, ValueEnum};

use super::{DryRunArgs, ScopeArgs, namespace};
use crate::cli::user_cluster::UserClusterArgs;

/// Flags of `associations import`.
#[derive(Debug, Args)]
#[command(
    next_line_help = true,
    group = ArgGroup::new("source").required(true).args(["from_eks", "from_file", "from_cluster"]),
    after_help = "Files hold manifests of PodIdentityAssociation of ACK, of Crossplane or of this webhook, in YAML or JSON, or what \
'aws eks describe-pod-identity-association' prints. What 'aws eks list-pod-identity-associations' prints does not say the \
roles: use --from-eks, or describe each. Folders are read as kubectl apply reads them: files that end in yaml, yml or json.

An association that exists and says the same is left alone; one that says something else is reported and left alone too, \
unless --overwrite is given. One entry that fails stops no other: the end says how many were created, unchanged, different, \
updated, failed or skipped, and the exit code is 1 if an entry failed, or could not be used. The name of the EKS cluster is not taken along: \
the new objects count on the cluster that has them. Nor are tags of AWS itself, which begin with aws:, or labels and annotations.

Examples:
  pod-identity-webhook associations import --from-eks=prod --region=eu-west-1 --dry-run=server
  pod-identity-webhook associations import --from-file manifests/ \\
    --dry-run=client -o yaml > associations.yaml
  kubectl get podidentityassociations.eks.services.k8s.aws -A -o json |
    pod-identity-webhook associations import --context=new --from-file - --of-cluster=prod

  export AWS_PAGER= AWS_REGION=eu-west-1
  aws eks list-pod-identity-associations --cluster-name=prod \\
    --query='associations[].[associationId]' --output=text |
  while read -r id
  do
    aws eks describe-pod-identity-association --cluster-name=prod \\
      --association-id=\"$id\" --output=json
  done |
  pod-identity-webhook associations import --from-file -"
)]
pub struct ImportArgs {
    /// EKS cluster whose associations are read from AWS, as the AWS CLI finds credentials; needs the cargo feature eks-api
    #[arg(long, value_name = "CLUSTER")]
    pub from_eks: Option<String>,
    /// AWS region of the EKS cluster; without it, that of AWS_REGION or the profile
    #[arg(long, value_name = "REGION", requires = "from_eks")]
    pub region: Option<String>,
    /// Profile of the AWS configuration for --from-eks; without it, that of AWS_PROFILE
    #[arg(long, value_name = "PROFILE", requires = "from_eks")]
    pub profile: Option<String>,
    /// Files or folders to read, - for standard input; repeatable
    #[arg(long, value_name = "PATH", num_args = 1..)]
    pub from_file: Vec<PathBuf>,
    /// Take the resources of a controller, ack or crossplane, in the same cluster
    #[arg(long, value_name = "CONTROLLER", value_enum, hide_possible_values = true)]
    pub from_cluster: Option<ImportedController>,
    /// Take only associations of this EKS cluster, where the input says which one they are of
    #[arg(long, value_name = "CLUSTER")]
    pub of_cluster: Option<String>,
    /// Take only associations of this namespace
    #[arg(short, long, value_name = "NAMESPACE", value_parser = namespace)]
    pub namespace: Option<String>,
    /// Take associations of all namespaces, which is the default
    #[arg(short = 'A', long, conflicts_with = "namespace")]
    pub all_namespaces: bool,
    /// Change associations that exist and say something else
    #[arg(long)]
    pub overwrite: bool,
    /// With --dry-run=client, print manifests instead of lines: json or yaml
    #[arg(short, long, value_name = "FORMAT", value_enum, hide_possible_values = true)]
    pub output: Option<ManifestOutput>,
    /// Whether it is done.
    #[command(flatten)]
    pub dry_run: DryRunArgs,
    /// Which cluster.
    #[command(flatten)]
    pub cluster: UserClusterArgs,
}

/// Whose resources hold associations.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum ImportedController {
    /// AWS Controllers for Kubernetes.
    Ack,
    /// Crossplane with Upbound's provider for EKS.
    Crossplane,
}

/// How manifests are printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum ManifestOutput {
    /// One List.
    Json,
    /// Documents.
    Yaml,
}

/// Flags of `associations export`.
#[derive(Debug, Args)]
#[command(
    next_line_help = true,
    after_help = "The manifests have no status, UID or time, so that they can be kept in Git and applied to another cluster. aws prints commands \
of the AWS CLI, terraform resources aws_eks_pod_identity_association; both need --cluster-name, and leave out associations that count \
on another cluster or that EKS would refuse, each with a line on standard error. The provider of AWS has to know the argument policy for those \
that have one: one that does not refuses them, and pods never get more rights than they have.

Examples:
  pod-identity-webhook associations export -A > associations.yaml
  pod-identity-webhook associations export -n shop -o aws --cluster-name=prod | sh -e
  pod-identity-webhook associations export -A -o terraform --cluster-name=prod > associations.tf"
)]
pub struct ExportArgs {
    /// What to print: yaml, json, aws, or terraform
    #[arg(short, long, value_name = "FORMAT", value_enum, default_value_t = ExportOutput::Yaml, hide_possible_values = true)]
    pub output: ExportOutput,
    /// Name of the EKS cluster that is to have the associations, for aws and terraform
    #[arg(long, value_name = "NAME")]
    pub cluster_name: Option<String>,
    /// Which ones.
    #[command(flatten)]
    pub scope: ScopeArgs,
    /// Which cluster.
    #[command(flatten)]
    pub cluster: UserClusterArgs,
}

/// What `export` prints.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum ExportOutput {
    /// Manifests, one document each.
    Yaml,
    /// Manifests as one List.
    Json,
    /// Commands of the AWS CLI.
    Aws,
    /// Resources of Terraform.
    Terraform,
}
