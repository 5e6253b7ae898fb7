//! All metrics of the webhook, each family registered by its owner.

use std::sync::Arc;

use super::admission;
use crate::identities::sources::{association_resources, service_accounts};
use crate::telemetry::{MetricsError, Registry};
use crate::{certificates, server, source};

/// All metrics of the webhook.
#[derive(Debug)]
pub struct Metrics {
    /// The registry that is scraped.
    pub registry: Registry,
    /// Metrics of admissions.
    pub admission: Arc<admission::Metrics>,
    /// Metrics of connections.
    pub server: Arc<server::Metrics>,
    /// Metrics of the serving certificate.
    pub certificate: certificates::Metrics,
    /// Metrics of the sources of identity and policy.
    pub sources: source::Metrics,
    /// Metrics of ServiceAccounts.
    pub accounts: service_accounts::Metrics,
    /// Metrics of custom resources with associations.
    pub resources: association_resources::Metrics,
}

impl Metrics {
    /// All metrics, at zero.
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
