//! The flags of the webhook: the Go webhook's unchanged, and new ones beside them. No flag is read from an
//! environment variable: Kubernetes sets `POD_IDENTITY_WEBHOOK_PORT=tcp://…` in every pod of a
//! namespace with a Service of that name.
//!
//! [`super::Settings`] is made of these flags; nothing else reads them.

#![allow(clippy::doc_markdown, reason = "the doc comments here are the text of --help")]

use clap::{ArgAction, Args};

use super::sources_args::SourceArgs;
use crate::cli::certificates::CertificateArgs;
use crate::cli::injection::InjectionArgs;
use crate::cli::klog::KlogArgs;
use crate::cli::log::LogArgs;
use crate::cli::server::ServerArgs;
use crate::cli::tls::TlsArgs;
use crate::cli::values;

/// The flags of the webhook, in the order of `--help`.
#[derive(Debug, Args)]
pub struct WebhookArgs {
    /// What is injected.
    #[command(flatten)]
    pub injection: InjectionArgs,
    /// Where identities come from.
    #[command(flatten)]
    pub sources: SourceArgs,
    /// The serving certificate.
    #[command(flatten)]
    pub certificates: CertificateArgs,
    /// TLS.
    #[command(flatten)]
    pub tls: TlsArgs,
    /// Addresses and connections.
    #[command(flatten)]
    pub server: ServerArgs,
    /// How much memory calls may take.
    #[command(flatten)]
    pub memory: MemoryArgs,
    /// The log.
    #[command(flatten)]
    pub log: LogArgs,
    /// What helps to find faults.
    #[command(flatten)]
    pub debug: DebugArgs,
    /// The log's verbosity, and what is accepted for the Go webhook's sake.
    #[command(flatten)]
    pub klog: KlogArgs,
}

/// Flags that say how much memory calls may take.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Server")]
pub struct MemoryArgs {
    /// MiB of memory for all requests in flight together, at least 16
    #[arg(long, value_name = "MIB", default_value_t = 64, value_parser = values::within::<u32>(16..=4095),
          allow_negative_numbers = true)]
    pub max_request_memory: u32,
}

/// Flags that help to find faults.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Server")]
pub struct DebugArgs {
    /// Serve /debug/alpha/cache and /debug/alpha/cache/clear on the metrics port (not with --manifests), /debug/alpha/deny and /debug/alpha/500 on the webhook's port
    #[arg(long, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_missing_value = "true",
          default_value = "false", hide_default_value = true, value_parser = values::boolean, action = ArgAction::Set)]
    pub enable_debugging_handlers: bool,
}
