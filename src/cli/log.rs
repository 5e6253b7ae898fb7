//! Flags of the log.

#![allow(clippy::doc_markdown, reason = "the doc comments here are the text of --help")]

use clap::Args;

use crate::telemetry::LogFormat;

/// Flags of the log.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Server")]
pub struct LogArgs {
    /// How logs are written to standard error: text or json
    #[arg(long, value_name = "FORMAT", value_enum, default_value_t = LogFormat::Text, hide_possible_values = true)]
    pub log_format: LogFormat,
}
