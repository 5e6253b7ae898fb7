//! The flags of `eks-endpoint`.

#![allow(clippy::doc_markdown, reason = "the doc comments here are the text of --help")]

use std::ffi::OsString;

use clap::Args;

use crate::cli::log::LogArgs;
use crate::cli::user_cluster::UserClusterArgs;
use crate::cli::values;

/// Flags of `eks-endpoint`.
#[derive(Debug, Args)]
#[command(
    next_line_help = true,
    about = "Serve EKS's API of Pod Identity associations on this machine, for aws eks, SDKs and other clients of AWS, on a \
cluster that is not EKS",
    after_help = "Associations are kept in the cluster as PodIdentityAssociation of pod-identity-webhook.dev, and read and \
written as you, with your kubeconfig: your rights in the cluster count, and its audit log names you. Nobody asks AWS \
whether you may hand out a role, as EKS does (iam:PassRole); a role policy of the webhook sets a limit.\n\n\
With -- and a command, the command is run with the variables that have its AWS clients use the endpoint, and its exit \
code is the one of this program. Without, the lines to export are printed, and it serves until it is interrupted. It \
listens on this machine alone, and takes only requests that are signed with the key pair that it makes at each start.\n\n\
Examples:\n  pod-identity-webhook eks-endpoint -- aws eks list-pod-identity-associations --cluster-name kind-prod\n  \
pod-identity-webhook eks-endpoint --cluster-name prod --port 4510"
)]
pub struct EksEndpointArgs {
    /// Name of the cluster, as calls name it [default: the name in the kubeconfig; of an ARN, the name in it]
    #[arg(long, value_name = "NAME", default_value = "", hide_default_value = true)]
    pub cluster_name: String,
    /// AWS region that requests are signed for, and that ARNs have [default: AWS_REGION, AWS_DEFAULT_REGION, that of the ARN in the kubeconfig, or us-east-1]
    #[arg(long, value_name = "REGION", default_value = "", hide_default_value = true)]
    pub region: String,
    /// AWS account of the cluster's own ARN, of 12 digits [default: that of the ARN in the kubeconfig, or 000000000000]
    #[arg(long, value_name = "ID", default_value = "", hide_default_value = true)]
    pub account_id: String,
    /// Port to serve on, on 127.0.0.1; 0: any that is free
    #[arg(long, value_name = "PORT", default_value_t = 0, value_parser = values::within::<u16>(0..=65_535),
          allow_negative_numbers = true)]
    pub port: u16,
    /// Serve http instead of https, for clients that cannot be told which authority to trust
    #[arg(long)]
    pub plain_http: bool,
    /// Log each call also while a command runs
    #[arg(short, long)]
    pub verbose: bool,
    /// Which cluster is asked.
    #[command(flatten)]
    pub cluster: UserClusterArgs,
    /// How the log is written.
    #[command(flatten)]
    pub log: LogArgs,
    /// Command to run, and its arguments
    #[arg(last = true, value_name = "COMMAND")]
    pub command: Vec<OsString>,
}
