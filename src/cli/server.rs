//! Flags of what serves: addresses and connections.

#![allow(clippy::doc_markdown, reason = "the doc comments here are the text of --help")]

use std::time::Duration;

use clap::Args;

use super::values;

/// Flags of the server itself.
#[derive(Debug, Args)]
#[command(next_help_heading = "Server")]
pub struct ServerArgs {
    /// Address to listen on; empty: every address
    #[arg(long, value_name = "IP", default_value = "", hide_default_value = true)]
    pub bind_address: String,
    /// Port of the webhook, with TLS
    #[arg(long, value_name = "PORT", default_value_t = 443, value_parser = values::within::<u16>(0..=65_535),
          allow_negative_numbers = true)]
    pub port: u16,
    /// Port of metrics and probes, with plain HTTP
    #[arg(long, value_name = "PORT", default_value_t = 9999, value_parser = values::within::<u16>(0..=65_535),
          allow_negative_numbers = true)]
    pub metrics_port: u16,
    /// How long to go on serving after SIGTERM, until API servers use other replicas
    #[arg(long, value_name = "DURATION", default_value = "10s", value_parser = values::duration, allow_hyphen_values = true)]
    pub shutdown_delay: Duration,
    /// Most connections to the webhook's port at the same time; to accept one more, another is closed, the longest idle first
    #[arg(long, value_name = "NUMBER", default_value_t = 1000, value_parser = values::within::<u32>(1..=1_000_000),
          allow_negative_numbers = true)]
    pub max_connections: u32,
    /// Most of these from one address (one /64 in IPv6); to accept one more, one of the same address is closed; 0: no limit, for API servers behind one address [default: half of --max-connections]
    #[arg(long, value_name = "NUMBER", value_parser = values::within::<u32>(0..=1_000_000),
          allow_negative_numbers = true)]
    pub max_connections_per_peer: Option<u32>,
}
