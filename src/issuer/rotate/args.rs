//! The flags of `issuer rotate`.

#![allow(clippy::doc_markdown, reason = "the doc comments here are the text of --help")]

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, ValueEnum};

use crate::cli::user_cluster::UserClusterArgs;
use crate::cli::values;
use crate::issuer::distribution::Distribution;
use crate::issuer::web::args::WebArgs;

/// Flags of `issuer rotate`.
#[derive(Debug, Args)]
#[allow(clippy::struct_excessive_bools, reason = "each is a flag of its own")]
#[command(
    next_line_help = true,
    after_help = "It looks at what is published at the issuer's URL, at what each API server verifies tokens by, and at the key by which it \
signs a token that is made for this. Then it says at which step the rotation is, what to do for the next one, and what would break. \
It changes nothing but its own file (--state), which remembers since when things are as they are: run it again after each step, \
and whenever you like.

A new key is published (1), a while passes (2), every API server verifies by it (3), every one signs with it (4), the longest \
token of the old key expires (5), the old key is withdrawn from what is published (6). API servers may keep it for longer: tokens for \
themselves can live a year.

The exit code is 0 once the rotation is over, 3 while there is something to do or to wait for, 1 if something is wrong or could not be \
looked at, and 2 if a flag cannot be used.

Examples:
  pod-identity-webhook issuer rotate --issuer=https://oidc.example.com/prod --state=rotation.json \\
    --new-key=keys/sa-9dR4mXw2.pub --for=kubeadm
  pod-identity-webhook issuer rotate --issuer=https://oidc.example.com/prod --state=rotation.json \\
    --new-key=keys/sa-9dR4mXw2.pub --api-server=https://10.0.0.1:6443 --api-server=https://10.0.0.2:6443"
)]
pub struct RotateArgs {
    /// URL of the issuer, exactly as the API servers have it first in --service-account-issuer
    #[arg(long, value_name = "URL")]
    pub issuer: String,
    /// File in which the rotation is remembered; it is made by the first run, and holds no secret
    #[arg(long, value_name = "FILE")]
    pub state: PathBuf,
    /// File of the new key in PEM; of a private key the public part alone is read
    #[arg(long, value_name = "FILE")]
    pub new_key: PathBuf,
    /// URL of each API server of a control plane that has several, asked as the kubeconfig's user; without it, the kubeconfig's; repeatable
    #[arg(long, value_name = "URL")]
    pub api_server: Vec<String>,
    /// How the API servers are configured: kubeadm, k3s, rke2, talos, kops, or other, which has their flags
    #[arg(long = "for", value_name = "DISTRIBUTION", value_enum, default_value_t = Distribution::Other, hide_possible_values = true)]
    pub distribution: Distribution,
    /// Path of the key that signs now, on the API servers' machines, for what is printed; without it, the distribution's own
    #[arg(long, value_name = "PATH")]
    pub old_key_path: Option<String>,
    /// Path of the new private key on the API servers' machines, for what is printed; without it, the name of --new-key in the distribution's folder
    #[arg(long, value_name = "PATH")]
    pub new_key_path: Option<String>,
    /// Another issuer that API servers go on accepting, for what is printed; repeatable
    #[arg(long, value_name = "URL")]
    pub keep_issuer: Vec<String>,
    /// How long the new key is published before it may sign: longer than AWS and others keep documents that they have read
    #[arg(long, value_name = "DURATION", default_value = "24h", value_parser = values::duration, allow_hyphen_values = true)]
    pub propagation: Duration,
    /// How long tokens for AWS live at the longest, with what is spared for clocks: how long the old key stays published once it signs no more
    #[arg(long, value_name = "DURATION", default_value = "25h", value_parser = values::duration, allow_hyphen_values = true)]
    pub longest_token: Duration,
    /// The old key is in wrong hands: wait for nothing, and withdraw it as soon as it signs no more; needs --yes
    #[arg(long)]
    pub emergency: bool,
    /// Do what would be refused: begin an emergency, in which tokens of the old key are refused before pods have others
    #[arg(long)]
    pub yes: bool,
    /// ServiceAccount for which tokens are made, to see which key signs
    #[arg(long, value_name = "NAMESPACE/NAME", default_value = "default/default")]
    pub service_account: String,
    /// How the issuer is read.
    #[command(flatten)]
    pub web: WebArgs,
    /// What to print: text, or json for programs
    #[arg(short, long, value_name = "FORMAT", value_enum, default_value_t = RotateOutput::Text, hide_possible_values = true)]
    pub output: RotateOutput,
    /// Which cluster.
    #[command(flatten)]
    pub cluster: UserClusterArgs,
}

/// What `issuer rotate` prints.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum RotateOutput {
    /// For people.
    Text,
    /// For programs.
    Json,
}
