//! What is counted of the serving certificate.

use prometheus::{IntCounter, IntGauge};

use crate::telemetry::{MetricsError, Registry};

/// The metrics of the serving certificate.
#[derive(Debug, Clone)]
pub struct Metrics {
    expiry: IntGauge,
    errors: IntCounter,
}

impl Metrics {
    /// Metrics at zero, registered once.
    pub fn new(registry: &Registry) -> Result<Self, MetricsError> {
        Ok(Self {
            expiry: registry.gauge(
                "pod_identity_webhook_certificate_expiry_timestamp_seconds",
                "When the serving certificate expires, in seconds since 1970.",
            )?,
            errors: registry.counter(
                "pod_identity_webhook_certificate_reload_errors_total",
                "Changes of the certificate's files that could not be used; the last good pair was kept.",
            )?,
        })
    }

    /// When the serving certificate expires, in seconds since 1970.
    pub(crate) fn expires(&self, seconds: i64) {
        self.expiry.set(seconds);
    }

    /// A change of the certificate's files could not be used.
    pub(super) fn failed(&self) {
        self.errors.inc();
    }
}
