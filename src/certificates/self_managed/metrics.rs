//! What is counted of self-managed certificates.

use prometheus::{IntCounter, IntCounterVec, IntGauge, IntGaugeVec};

use super::error::AuthorityError;
use super::trouble::Trouble;
use crate::telemetry::{MetricsError, Registry};

/// The metrics of self-managed certificates.
#[derive(Debug, Clone)]
pub struct Metrics {
    authority_expiry: IntGauge,
    set_aside: IntCounterVec,
    repairs: IntCounter,
    problem: IntGaugeVec,
}

impl Metrics {
    /// Metrics at zero, registered once, where certificates are self-managed.
    pub fn new(registry: &Registry) -> Result<Self, MetricsError> {
        let metrics = Self {
            authority_expiry: registry.gauge(
                "pod_identity_webhook_authority_expiry_timestamp_seconds",
                "When the authority of self-managed certificates expires, in seconds since 1970.",
            )?,
            set_aside: registry.counters(
                "pod_identity_webhook_certificate_set_aside_total",
                "Parts of the authority's Secret that could not be used and were set aside.",
                &["reason"],
            )?,
            repairs: registry.counter(
                "pod_identity_webhook_ca_bundle_repairs_total",
                "Times that caBundles of the registration were repaired after somebody else had changed them.",
            )?,
            problem: registry.gauges(
                "pod_identity_webhook_certificate_problem",
                "Whether something keeps the self-managed certificates from being kept.",
                &["problem"],
            )?,
        };
        for reason in AuthorityError::REASONS {
            metrics.set_aside.with_label_values(&[reason]).inc_by(0);
        }
        for trouble in Trouble::ALL {
            metrics.trouble(trouble, false);
        }
        Ok(metrics)
    }

    /// When the authority expires, in seconds since 1970.
    pub(super) fn authority_expires(&self, seconds: i64) {
        self.authority_expiry.set(seconds);
    }

    /// A part of the authority's Secret was set aside.
    pub(super) fn set_aside(&self, reason: &str) {
        self.set_aside.with_label_values(&[reason]).inc();
    }

    /// caBundles were repaired.
    pub(super) fn repaired(&self) {
        self.repairs.inc();
    }

    /// Whether there is this trouble.
    pub(super) fn trouble(&self, trouble: Trouble, is_there: bool) {
        self.problem.with_label_values(&[trouble.label()]).set(i64::from(is_there));
    }
}
