//! The flags of `issuer serve`.

#![allow(clippy::doc_markdown, reason = "the doc comments here are the text of --help")]

use std::path::PathBuf;
use std::time::Duration;

use clap::Args;

use crate::cli::log::LogArgs;
use crate::cli::values;

/// Flags of `issuer serve`.
#[derive(Debug, Args)]
#[command(
    next_line_help = true,
    after_help = "It serves the two documents that 'issuer publish --to=FOLDER' writes, and nothing else, at the issuer's own path. They are read \
and written anew, so that no private key in the folder can get out; while the folder cannot be read, or holds documents of another \
issuer, what was read last is served on, and the log, /readyz and the metrics say so.

While nobody answers at the issuer's URL, no pod of the cluster gets credentials of AWS: static files in S3, with or without \
CloudFront, are better wherever they can be had. AWS asks port 443 of the issuer's host, from the internet, and wants a \
certificate of a public authority.

Example:
  pod-identity-webhook issuer serve --issuer=https://oidc.example.com/prod --from=/srv/issuer \\
    --tls-cert=/etc/issuer/tls.crt --tls-key=/etc/issuer/tls.key"
)]
pub struct ServeArgs {
    /// URL of the issuer, exactly as 'issuer publish' had it
    #[arg(long, value_name = "URL")]
    pub issuer: String,
    /// Folder that 'issuer publish' writes to; read again and again
    #[arg(long, value_name = "FOLDER")]
    pub from: PathBuf,
    /// Path of the keys below the issuer's URL, as 'issuer publish' had it
    #[arg(long, value_name = "PATH", default_value = "openid/v1/jwks")]
    pub keys_path: String,
    /// How long others may keep what they have read: max-age of Cache-Control
    #[arg(long, value_name = "DURATION", default_value = "5m", value_parser = values::duration, allow_hyphen_values = true)]
    pub max_age: Duration,
    /// Address to listen on; empty: every address
    #[arg(long, value_name = "IP", default_value = "", hide_default_value = true)]
    pub bind_address: String,
    /// Port of the documents, with TLS
    #[arg(long, value_name = "PORT", default_value_t = 8443, value_parser = values::within::<u16>(0..=65_535),
          allow_negative_numbers = true)]
    pub port: u16,
    /// Port of metrics and probes, with plain HTTP
    #[arg(long, value_name = "PORT", default_value_t = 9999, value_parser = values::within::<u16>(0..=65_535),
          allow_negative_numbers = true)]
    pub metrics_port: u16,
    /// Certificate chain in PEM; read again when it changes
    #[arg(long, value_name = "FILE")]
    pub tls_cert: PathBuf,
    /// Private key in PEM; read again when it changes
    #[arg(long, value_name = "FILE")]
    pub tls_key: PathBuf,
    /// How long to go on serving after SIGTERM, until clients use other replicas
    #[arg(long, value_name = "DURATION", default_value = "10s", value_parser = values::duration, allow_hyphen_values = true)]
    pub shutdown_delay: Duration,
    /// The log.
    #[command(flatten)]
    pub log: LogArgs,
}
