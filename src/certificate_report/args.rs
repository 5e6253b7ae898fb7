//! The flags of `certificates`.

#![allow(clippy::doc_markdown, reason = "the doc comments here are the text of --help")]

use std::time::Duration;

use clap::{Args, ValueEnum};

use crate::cli::certificates::ObjectArgs;
use crate::cli::kubernetes::KubernetesArgs;
use crate::cli::values;

/// Flags of `certificates`.
#[derive(Debug, Args)]
#[command(
    next_line_help = true,
    about = "Show the self-managed certificates of a cluster: authority, caBundles and what each replica serves, and what \
is wrong",
    after_help = "It reads the Secret, the MutatingWebhookConfiguration, the Service and its pods, and asks each pod for \
the certificate that it serves, through the API server. Every certificate is verified as API servers do, by their \
time. If neither --tls-secret nor --webhook-configuration is given, they are those of the chart, if it has made the \
Secret SERVICE-authority. Pods that the caller may not read are a note and no problem. The exit code is 0 if all is well, and 1 if something is wrong or \
could not be read; then each problem is listed with what to do about it."
)]
pub struct CertificatesArgs {
    /// Port of the replicas' metrics and probes, for pods that have no port with the name metrics
    #[arg(long, value_name = "PORT", default_value_t = 9999, value_parser = values::within::<u16>(1..=65_535),
          allow_negative_numbers = true)]
    pub metrics_port: u16,
    /// What to print: text, or json for programs
    #[arg(short, long, value_name = "FORMAT", value_enum, default_value_t = CertificatesOutput::Text,
          hide_possible_values = true)]
    pub output: CertificatesOutput,
    /// Instead of showing anything, make the next authority and announce it; replicas do the rest within a few minutes, and every certificate stays accepted meanwhile
    #[arg(long)]
    pub rotate: bool,
    /// How long authorities last, as the webhook has it: says when the next one is due, and is the life of the one that --rotate makes
    #[arg(long, value_name = "DURATION", default_value = "8760h", value_parser = values::duration, allow_hyphen_values = true)]
    pub authority_lifetime: Duration,
    /// Which cluster is asked.
    #[command(flatten)]
    pub kubernetes: KubernetesArgs,
    /// What is looked at.
    #[command(flatten)]
    pub objects: ObjectArgs,
}

/// What `certificates` prints.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum CertificatesOutput {
    /// For people.
    Text,
    /// For programs.
    Json,
}
