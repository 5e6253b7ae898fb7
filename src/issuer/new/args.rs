//! The flags of `issuer new`.

#![allow(clippy::doc_markdown, reason = "the doc comments here are the text of --help")]

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use crate::issuer::distribution::Distribution;

/// Flags of `issuer new`.
#[derive(Debug, Args)]
#[command(
    next_line_help = true,
    after_help = "It writes two files, sa-ID.key and sa-ID.pub, with the first letters of the key's id, and never over a file that is there. \
The private key is in the one form that Kubernetes reads for signing and for verifying (PKCS #1 or SEC 1), with mode 0600, and is \
shown nowhere. Nothing else is changed: the cluster's and AWS's part is printed, to be done by you.

Examples:
  pod-identity-webhook issuer new --issuer=https://oidc.example.com/prod --out=keys --account-id=111122223333 --for=kubeadm
  pod-identity-webhook issuer new --issuer=https://oidc.example.com/prod --out=keys --account-id=111122223333 --for=k3s \\
    --keep-issuer=https://kubernetes.default.svc.cluster.local"
)]
pub struct NewArgs {
    /// URL of the issuer, which tokens will name: https, without a port, better without a slash at its end
    #[arg(long, value_name = "URL")]
    pub issuer: String,
    /// Folder in which the two files of the key are written; it is made if it is not there
    #[arg(long, value_name = "FOLDER")]
    pub out: PathBuf,
    /// AWS account of the roles, 12 digits
    #[arg(long, value_name = "ID")]
    pub account_id: String,
    /// How the API servers are configured: kubeadm, k3s, rke2, talos, or other, which has their flags
    #[arg(long = "for", value_name = "DISTRIBUTION", value_enum, default_value_t = Distribution::Other, hide_possible_values = true)]
    pub distribution: Distribution,
    /// What the key is: rsa-2048, as EKS has, rsa-4096 or ec-p256
    #[arg(long, value_name = "KIND", value_enum, default_value_t = KeyKind::Rsa2048, hide_possible_values = true)]
    pub key: KeyKind,
    /// Issuer that a cluster has already, whose tokens API servers go on taking; repeatable
    #[arg(long, value_name = "URL")]
    pub keep_issuer: Vec<String>,
    /// Path of a key, on the API servers' machines, by which they go on verifying tokens; with --keep-issuer that is the distribution's own, where it is known; repeatable
    #[arg(long, value_name = "PATH")]
    pub keep_key: Vec<String>,
    /// Folder of the two files on the API servers' machines; without it, that of the distribution's own keys
    #[arg(long, value_name = "FOLDER")]
    pub key_folder: Option<String>,
    /// Partition of AWS: aws, aws-cn, aws-us-gov, …
    #[arg(long, value_name = "NAME", default_value = "aws")]
    pub partition: String,
    /// Client ids of the IAM OIDC provider, which are audiences of tokens: of IRSA, and of Pod Identity's agent
    #[arg(
        long,
        value_name = "AUDIENCE",
        value_delimiter = ',',
        default_value = "sts.amazonaws.com,pods.eks.amazonaws.com"
    )]
    pub client_ids: Vec<String>,
    /// ServiceAccount that the first role is for
    #[arg(long, value_name = "NAMESPACE/NAME", default_value = "default/default")]
    pub service_account: String,
    /// Name of the first role
    #[arg(long, value_name = "NAME", default_value = "first-role")]
    pub role_name: String,
}

/// Kinds of keys that AWS verifies tokens by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum KeyKind {
    /// RSA of 2048 bits.
    #[value(name = "rsa-2048")]
    Rsa2048,
    /// RSA of 4096 bits.
    #[value(name = "rsa-4096")]
    Rsa4096,
    /// The elliptic curve P-256.
    #[value(name = "ec-p256")]
    EcP256,
}
