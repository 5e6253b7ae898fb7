//! What the webhook runs with: its flags, checked and given types. A value that passed here
//! can be relied on; whatever is wrong is said in one line and ends the start with exit code 2.

mod association_resources;
mod display;
mod eks_api;
mod sources;

use std::path::PathBuf;

use super::admission;
use super::args::{DebugArgs, MemoryArgs, WebhookArgs};
use crate::certificates::CertificateSource;
use crate::cli::error::SettingsError;
use crate::cli::injection::{self as flags, Discoverable, PendingDefaults, RolePolicySettings};
use crate::server::{self, TlsSettings};
use crate::telemetry::Log;

pub use association_resources::ResourceSettings;
pub use display::Shown;
pub use sources::{AccountSource, SourceSettings};

/// Everything the webhook runs with.
#[derive(Debug, Clone)]
pub struct Settings {
    /// What is injected, but for what has to be found out first.
    pub defaults: PendingDefaults,
    /// Which roles may be injected where; `None` if any role may anywhere.
    pub role_policy: Option<RolePolicySettings>,
    /// Where identities are read.
    pub sources: SourceSettings,
    /// The serving certificate.
    pub certificate: CertificateSource,
    /// TLS versions and cipher suites.
    pub tls: TlsSettings,
    /// The PEM file of the authorities whose clients may call `/mutate`; `None` if any client may.
    pub client_authorities: Option<PathBuf>,
    /// Where the webhook listens, and for how many connections.
    pub server: server::Settings,
    /// How much memory calls may take together, and how long each may take.
    pub admission: admission::Limits,
    /// Whether the debug paths are served.
    pub debug_handlers: bool,
    /// Verbosity and form of the log.
    pub log: Log,
    /// What the operator should know, logged once at start.
    pub notices: Vec<String>,
}

impl Settings {
    /// Checks what was written for a server.
    pub fn new(args: &WebhookArgs) -> Result<Self, SettingsError> {
        // The flags are taken apart whole, so that forgetting one does not compile.
        let WebhookArgs { injection, sources, certificates, tls, server, memory, log, debug, klog } = args;
        let (MemoryArgs { max_request_memory }, DebugArgs { enable_debugging_handlers }) = (memory, debug);
        let mut notices = Vec::new();
        let ignored = klog.ignored();
        if !ignored.is_empty() {
            notices.push(format!("these klog flags have no effect: {}", ignored.join(" ")));
        }
        if sources.service_account_lookup_grace_period.is_some_and(|period| !period.is_zero()) {
            notices.push(
                "--service-account-lookup-grace-period has no effect: an unknown account is looked up live"
                    .into(),
            );
        }
        if sources.resync_period.is_some() {
            notices.push("--resync-period has no effect: the watch needs no resync".into());
        }
        let server = server.try_into()?;
        let defaults = flags::defaults(injection, &mut notices)?;
        let role_policy = flags::role_policy(injection)?;
        let on_manifests = !sources.manifests.is_empty();
        if on_manifests && matches!(defaults.agent, Discoverable::Missing(_)) {
            let why = "there is no cluster to ask";
            return Err(SettingsError::Conflict { one: "--manifests", other: "--ip-family=auto", why });
        }
        Ok(Self {
            defaults,
            role_policy,
            sources: SourceSettings::new(args, &mut notices)?,
            certificate: CertificateSource::new(certificates, on_manifests, &mut notices)?,
            tls: TlsSettings::new(&tls.tls_min_version, &tls.tls_cipher_suites, &mut notices)?,
            client_authorities: path(&tls.client_ca_file),
            server,
            admission: admission::Limits {
                memory: usize::try_from(*max_request_memory).unwrap_or(usize::MAX >> 20) << 20,
                ..admission::Limits::default()
            },
            debug_handlers: *enable_debugging_handlers,
            log: Log { verbosity: klog.verbosity, format: log.log_format, is_quiet: false },
            notices,
        })
    }
}

/// An empty path counts as absent, as in Go.
fn path(text: &str) -> Option<PathBuf> {
    (!text.is_empty()).then(|| PathBuf::from(text))
}

#[cfg(test)]
mod tests;
