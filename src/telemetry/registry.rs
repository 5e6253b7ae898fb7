//! The metrics of the process, written as Prometheus reads them. Every owner decides what it counts, and
//! registers its own families here.
//!
//! No label holds the name of a pod or an account: their number has no bound.

use prometheus::core::Collector;
use prometheus::{
    Encoder, HistogramOpts, HistogramVec, IntCounter, IntCounterVec, IntGauge, IntGaugeVec, Opts, TextEncoder,
};

use super::dropped_lines::DroppedLines;

/// Why a family could not be registered, or the metrics not be written: a bug.
pub use prometheus::Error as MetricsError;

/// Bounds of histograms as Rust writes them, and as Go does: queries compare labels as text.
const GO_BOUNDS: [(&str, &str); 4] = [
    ("le=\"1000000\"", "le=\"1e+06\""),
    ("le=\"2000000\"", "le=\"2e+06\""),
    ("le=\"4000000\"", "le=\"4e+06\""),
    ("le=\"8000000\"", "le=\"8e+06\""),
];

/// All metrics of the process.
#[derive(Debug, Clone)]
pub struct Registry(prometheus::Registry);

impl Registry {
    /// Metrics of the process itself: its resources, its version, and the lines that its log dropped.
    pub fn new() -> Result<Self, MetricsError> {
        let registry = Self(prometheus::Registry::new());
        #[cfg(target_os = "linux")]
        registry.0.register(Box::new(prometheus::process_collector::ProcessCollector::for_self()))?;
        registry.register(DroppedLines::new()?)?;
        let build = registry.gauges(
            "pod_identity_webhook_build_info",
            "Always 1; the version is the label.",
            &["version"],
        )?;
        build.with_label_values(&[env!("CARGO_PKG_VERSION")]).set(1);
        Ok(registry)
    }

    /// The text that Prometheus scrapes.
    pub fn scrape(&self) -> Result<String, MetricsError> {
        let mut text = Vec::new();
        TextEncoder::new().encode(&self.0.gather(), &mut text)?;
        let text = String::from_utf8(text).map_err(|error| MetricsError::Msg(error.to_string()))?;
        Ok(GO_BOUNDS.iter().fold(text, |text, (ours, go)| text.replace(ours, go)))
    }

    /// Registers a family that was made already.
    pub fn register<C: Collector + Clone + 'static>(&self, family: C) -> Result<C, MetricsError> {
        self.0.register(Box::new(family.clone()))?;
        Ok(family)
    }

    /// A counter of whole numbers.
    pub fn counter(&self, name: &str, help: &str) -> Result<IntCounter, MetricsError> {
        self.register(IntCounter::new(name, help)?)
    }

    /// Counters, one for each value of the labels.
    pub fn counters(&self, name: &str, help: &str, labels: &[&str]) -> Result<IntCounterVec, MetricsError> {
        self.register(IntCounterVec::new(Opts::new(name, help), labels)?)
    }

    /// A gauge of whole numbers.
    pub fn gauge(&self, name: &str, help: &str) -> Result<IntGauge, MetricsError> {
        self.register(IntGauge::new(name, help)?)
    }

    /// Gauges, one for each value of the labels.
    pub fn gauges(&self, name: &str, help: &str, labels: &[&str]) -> Result<IntGaugeVec, MetricsError> {
        self.register(IntGaugeVec::new(Opts::new(name, help), labels)?)
    }

    /// Histograms, one for each value of the labels.
    pub fn histograms(
        &self,
        name: &str,
        help: &str,
        bounds: &[f64],
        labels: &[&str],
    ) -> Result<HistogramVec, MetricsError> {
        let opts = HistogramOpts::new(name, help).buckets(bounds.to_vec());
        self.register(HistogramVec::new(opts, labels)?)
    }
}
