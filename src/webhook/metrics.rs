//! All metrics of the webhook, each family registered by its owner.

use std::sync::Arc;

use super::admission;
use crate::identities::sources::{association_resources, service_accounts};
use crate::telemetry::{MetricsError, Registry};
use crate::{certificates, server, source};

/// All metrics of the webhook.
#[derive(Debug)]
pub struct Metrics {
    /// What is scraped.
    pub registry: Registry,
    /// Admissions.
    pub admission: Arc<admission::Metrics>,
    /// Connections.
    pub server: Arc<server::Metrics>,
    /// The serving certificate.
    pub certificate: certificates::Metrics,
    /// Sources of identity and of policy.
    pub sources: source::Metrics,
    /// ServiceAccounts.
    pub accounts: service_accounts::Metrics,
    /// Custom resources.
    pub resources: association_resources::Metrics,
}

impl Metrics {
    /// Metrics at zero.
    pub fn new() -> Result<Self, MetricsError> {
        let registry = Registry::new()?;
        Ok(Self {
            admission: Arc::new(admission::Metrics::new(&registry)?),
            server: Arc::new(server::Metrics::new(&registry)?),
            certificate: certificates::Metrics::new(&registry)?,
            sources: source::Metrics::new(&registry)?,
            accounts: service_accounts::Metrics::new(&registry)?,
            resources: association_resources::Metrics::new(&registry)?,
            registry,
        })
    }
}
