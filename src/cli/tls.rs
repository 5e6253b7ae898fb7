//! Flags of TLS.

#![allow(clippy::doc_markdown, reason = "the doc comments here are the text of --help")]

use clap::Args;

/// Flags of TLS.
#[derive(Debug, Args)]
#[command(next_help_heading = "TLS")]
pub struct TlsArgs {
    /// Lowest version of TLS: 1.2 or 1.3, also written VersionTLS12; lower ones are raised to 1.2
    #[arg(long, value_name = "VERSION", default_value = "", hide_default_value = true)]
    pub tls_min_version: String,
    /// Cipher suites by their Go names, separated by commas; empty: all safe ones
    #[arg(long, value_name = "NAMES", default_value = "", hide_default_value = true)]
    pub tls_cipher_suites: String,
    /// Authorities in PEM; only clients with a certificate of one of them may call /mutate; read again when it changes; empty: any client may call
    #[arg(long, value_name = "FILE", default_value = "", hide_default_value = true)]
    pub client_ca_file: String,
}
