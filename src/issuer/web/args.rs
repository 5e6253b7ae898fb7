//! Flags that say how an issuer is reached.

#![allow(clippy::doc_markdown, reason = "the doc comments here are the text of --help")]

use std::path::PathBuf;
use std::time::Duration;

use clap::Args;

use crate::cli::values;

/// Flags that say how an issuer is reached.
#[derive(Debug, Clone, Args)]
pub struct WebArgs {
    /// Authorities in PEM that may have signed the certificates of the issuer beside the public ones; AWS trusts them by a thumbprint alone
    #[arg(long, value_name = "FILE")]
    pub ca_file: Option<PathBuf>,
    /// Connect to this address for this host, whatever DNS says, to check a server before its name points to it; the port is 443 if it is left out; repeatable
    #[arg(long, value_name = "HOST=ADDRESS[:PORT]")]
    pub resolve: Vec<String>,
    /// How long connecting may take, and then TLS, and then the answer; how long AWS waits is not documented
    #[arg(long, value_name = "DURATION", default_value = "5s", value_parser = values::duration, allow_hyphen_values = true)]
    pub timeout: Duration,
}
