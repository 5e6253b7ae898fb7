//! What is counted of custom resources that hold associations.

use prometheus::IntGaugeVec;

use crate::telemetry::{MetricsError, Registry};

/// How many custom resources there are, by their source and what becomes of them.
#[derive(Debug, Clone)]
pub struct Metrics(IntGaugeVec);

impl Metrics {
    /// Metrics of no source yet, registered once.
    pub fn new(registry: &Registry) -> Result<Self, MetricsError> {
        let what = "Custom resources that hold an association, by what becomes of it.";
        registry.gauges("pod_identity_webhook_association_resources", what, &["source", "state"]).map(Self)
    }

    /// How many resources of a source are in a state.
    pub(super) fn set(&self, source: &'static str, state: &'static str, count: usize) {
        self.0.with_label_values(&[source, state]).set(i64::try_from(count).unwrap_or(i64::MAX));
    }
}
