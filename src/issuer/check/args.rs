//! The flags of `issuer check`.

#![allow(clippy::doc_markdown, reason = "the doc comments here are the text of --help")]

use clap::{Args, ValueEnum};

use crate::cli::user_cluster::UserClusterArgs;
use crate::issuer::web::args::WebArgs;

/// Flags of `issuer check`.
#[derive(Debug, Args)]
#[command(
    next_line_help = true,
    after_help = "It reads what AWS reads, in AWS's order and from this machine, and compares it with the keys of the cluster and with a \
token that the cluster makes for this. It changes nothing, connects without a proxy and follows no redirect, and trusts \
Mozilla's list of public authorities and not this machine's. The token is for one ServiceAccount, lasts ten minutes, and is \
neither shown nor sent anywhere; without the right to make it (create serviceaccounts/token) that line is a warning.

The exit code is 0 if no line failed, 1 if one did, and 2 if a flag cannot be used.

Examples:
  pod-identity-webhook issuer check --issuer=https://oidc.example.com/prod
  pod-identity-webhook issuer check --issuer=https://oidc.example.com/prod --no-cluster -o json
  pod-identity-webhook issuer check --issuer=https://oidc.example.com/prod \\
    --resolve=oidc.example.com=203.0.113.7"
)]
pub struct CheckArgs {
    /// URL of the issuer, exactly as the API servers have it first in --service-account-issuer
    #[arg(long, value_name = "URL")]
    pub issuer: String,
    /// How the issuer is read.
    #[command(flatten)]
    pub web: WebArgs,
    /// ServiceAccount for which the token is made
    #[arg(long, value_name = "NAMESPACE/NAME", default_value = "default/default")]
    pub service_account: String,
    /// Audience of the token, which has to be a client id of the IAM OIDC provider
    #[arg(long, value_name = "AUDIENCE", default_value = "sts.amazonaws.com")]
    pub token_audience: String,
    /// Id of a key that is meant to be published no more, though API servers still have it to verify older tokens of their own; repeatable
    #[arg(long, value_name = "KID")]
    pub withdrawn: Vec<String>,
    /// Check the documents alone, and ask no cluster
    #[arg(long)]
    pub no_cluster: bool,
    /// What to print: text, or json for programs
    #[arg(short, long, value_name = "FORMAT", value_enum, default_value_t = CheckOutput::Text, hide_possible_values = true)]
    pub output: CheckOutput,
    /// Which cluster is asked.
    #[command(flatten)]
    pub cluster: UserClusterArgs,
}

/// What `issuer check` prints.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum CheckOutput {
    /// For people.
    Text,
    /// For programs.
    Json,
}
