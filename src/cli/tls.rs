//! Flags of the serving certificate and of TLS.

#![allow(clippy::doc_markdown, reason = "the doc comments here are the text of --help")]

use std::path::PathBuf;

use clap::{ArgAction, Args};

use super::values;

/// Flags of the certificate and of TLS.
#[derive(Debug, Args)]
#[command(next_help_heading = "Certificate and TLS")]
pub struct TlsArgs {
    /// Keep the certificate in a Secret of the cluster (not yet available: use --in-cluster=false) [default: true without --manifests]
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
    /// Lowest version of TLS: 1.2 or 1.3, also written VersionTLS12; lower ones are raised to 1.2
    #[arg(long, value_name = "VERSION", default_value = "", hide_default_value = true)]
    pub tls_min_version: String,
    /// Cipher suites by their Go names, separated by commas; empty: all safe ones
    #[arg(long, value_name = "NAMES", default_value = "", hide_default_value = true)]
    pub tls_cipher_suites: String,
    /// Authorities in PEM; only clients with a certificate of one of them may call /mutate; read again when it changes; empty: any client may call
    #[arg(long, value_name = "FILE", default_value = "", hide_default_value = true)]
    pub client_ca_file: String,
    /// Name of the Service, for a certificate kept in the cluster
    #[arg(long, value_name = "NAME", default_value = "pod-identity-webhook")]
    pub service_name: String,
    /// Namespace of the webhook, and of its ConfigMap
    #[arg(long, value_name = "NAMESPACE", default_value = "eks")]
    pub namespace: String,
    /// Name of the Secret, for a certificate kept in the cluster
    #[arg(long, value_name = "NAME", default_value = "pod-identity-webhook")]
    pub tls_secret: String,
}
