//! What is counted of the ServiceAccounts of a cluster.

use prometheus::{IntCounterVec, IntGauge, IntGaugeVec};

use crate::source::LookupResult;
use crate::telemetry::{MetricsError, Registry};

/// The metrics of ServiceAccounts.
#[derive(Debug, Clone)]
pub struct Metrics {
    lookups: IntCounterVec,
    watch_up: IntGauge,
    accounts: IntGaugeVec,
}

impl Metrics {
    /// Metrics at zero, registered once.
    pub fn new(registry: &Registry) -> Result<Self, MetricsError> {
        Ok(Self {
            lookups: registry.counters(
                "pod_identity_webhook_live_lookups_total",
                "Live look-ups of ServiceAccounts, by result.",
                &["result"],
            )?,
            watch_up: registry
                .gauge("pod_identity_webhook_watch_up", "1 while the watch of ServiceAccounts is up.")?,
            accounts: registry.gauges(
                "pod_identity_webhook_service_accounts",
                "ServiceAccounts that are known.",
                &["annotated"],
            )?,
        })
    }

    /// A live look-up ended.
    pub(super) fn looked_up(&self, result: LookupResult) {
        self.lookups.with_label_values(&[result.label()]).inc();
    }

    /// Whether the watch of ServiceAccounts is up.
    pub(super) fn watch_up(&self, is_up: bool) {
        self.watch_up.set(i64::from(is_up));
    }

    /// How many ServiceAccounts are known, and how many of them bear annotations that are read.
    pub(super) fn known(&self, all: usize, annotated: usize) {
        let set = |label, count| {
            self.accounts.with_label_values(&[label]).set(i64::try_from(count).unwrap_or(i64::MAX));
        };
        set("true", annotated);
        set("false", all - annotated);
    }
}
