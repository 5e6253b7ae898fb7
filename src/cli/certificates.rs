//! Flags of the serving certificate: where it comes from, and how long it lasts where it is made.

#![allow(clippy::doc_markdown, reason = "the doc comments here are the text of --help")]

use std::path::PathBuf;
use std::time::Duration;

use clap::{ArgAction, Args, ValueEnum};

use super::values;

/// Where the serving certificate comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Certificates {
    /// Made by every replica, signed by an authority that a Secret of the cluster holds.
    SelfManaged,
    /// Read from files.
    Files,
}

/// Flags of the certificate.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Certificate")]
pub struct CertificateArgs {
    /// Where the certificate comes from. self-managed: each replica makes its own, signed by an authority kept in a Secret, and keeps the caBundles of the registration; files: --tls-cert and --tls-key [default: self-managed, or files with --in-cluster=false]
    #[arg(long, value_name = "SOURCE", value_enum, hide_possible_values = true)]
    pub certificates: Option<Certificates>,
    /// The Go webhook's way to say --certificates: true means self-managed, false means files [default: true without --manifests]
    #[arg(long, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_missing_value = "true",
          value_parser = values::boolean, action = ArgAction::Set)]
    pub in_cluster: Option<bool>,
    /// Certificate chain in PEM; read again when it changes [default: /etc/webhook/certs/tls.crt]
    #[arg(long, value_name = "FILE")]
    pub tls_cert: Option<PathBuf>,
    /// Private key in PEM; read again when it changes [default: /etc/webhook/certs/tls.key]
    #[arg(long, value_name = "FILE")]
    pub tls_key: Option<PathBuf>,
    /// File to write the CA of the in-memory certificate to; only with --manifests and without --tls-cert
    #[arg(long, value_name = "FILE")]
    pub tls_ca_out: Option<PathBuf>,
    /// Objects that self-managed certificates are kept in.
    #[command(flatten)]
    pub objects: ObjectArgs,
    /// Self-managed: how long an authority lasts; with a third of it left, the next one takes over
    #[arg(long, value_name = "DURATION", default_value = "8760h", value_parser = values::duration, allow_hyphen_values = true)]
    pub authority_lifetime: Duration,
    /// Self-managed: how long a replica's certificate lasts; with a third of it left, it makes the next one
    #[arg(long, value_name = "DURATION", default_value = "24h", value_parser = values::duration, allow_hyphen_values = true)]
    pub certificate_lifetime: Duration,
    /// Self-managed: how long an authority has to be in all caBundles before it signs, so that all API servers have noticed it
    #[arg(long, value_name = "DURATION", default_value = "1m", value_parser = values::duration, allow_hyphen_values = true)]
    pub rotation_wait: Duration,
}

/// Flags that name the objects of self-managed certificates.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Certificate")]
pub struct ObjectArgs {
    /// Self-managed: name of the Service, which the certificate is for
    #[arg(long, value_name = "NAME", default_value = "pod-identity-webhook")]
    pub service_name: String,
    /// Namespace of the webhook: of its Service, its Secret and its ConfigMap
    #[arg(long, value_name = "NAMESPACE", default_value = "eks")]
    pub namespace: String,
    /// Self-managed: name of the Secret of the authority [default: pod-identity-webhook]
    #[arg(long, value_name = "NAME")]
    pub tls_secret: Option<String>,
    /// Self-managed: name of the MutatingWebhookConfiguration whose caBundles are kept [default: that of the Service]
    #[arg(long, value_name = "NAME")]
    pub webhook_configuration: Option<String>,
}
