//! What is counted of admissions: the Go webhook's metrics by their names and labels, and further ones.

use std::collections::HashMap;
use std::time::Duration;

use injection::Outcome;
use injection::grant::Method;
use prometheus::core::{Collector, Desc};
use prometheus::proto::{Metric, MetricFamily, MetricType, Summary};
use prometheus::{Counter, Gauge, Histogram, HistogramOpts, HistogramVec, IntCounter, IntCounterVec};

use crate::telemetry::{MetricsError, Registry};

/// The path that is counted, as the Go webhook counts it.
const PATH: &str = "/mutate";

/// Bounds of `http_request_latencies`, in microseconds. They are the Go webhook's: a normal call is far below
/// the first, which is why [`Metrics::admission`] has bounds of its own.
const LATENCY_BUCKETS: [f64; 7] =
    [125_000.0, 250_000.0, 500_000.0, 1_000_000.0, 2_000_000.0, 4_000_000.0, 8_000_000.0];

/// Bounds of `pod_identity_webhook_admission_duration_seconds`: from 50 µs, what a hit costs, to
/// the API server's longest wait.
const ADMISSION_BUCKETS: [f64; 14] =
    [5e-5, 1e-4, 2.5e-4, 5e-4, 1e-3, 2.5e-3, 5e-3, 0.01, 0.025, 0.1, 0.25, 1.0, 2.5, 10.0];

/// The metrics of admissions.
#[derive(Debug)]
pub struct Metrics {
    requests: IntCounterVec,
    latencies: HistogramVec,
    admissions: Vec<(Outcome, Histogram)>,
    pods_web_identity: IntCounter,
    pods_container_credentials: IntCounter,
    missing_accounts: Counter,
    used: Gauge,
    association_reviews: IntCounterVec,
}

impl Metrics {
    /// Metrics at zero, registered once.
    pub fn new(registry: &Registry) -> Result<Self, MetricsError> {
        let latencies = HistogramVec::new(
            HistogramOpts::new("http_request_latencies", "Latency of requests to /mutate in microseconds.")
                .buckets(LATENCY_BUCKETS.to_vec()),
            &["verb", "path"],
        )?;
        registry.register(Latencies::new(latencies.clone())?)?;
        // One histogram an outcome, found without hashing its label.
        let admissions = registry.histograms(
            "pod_identity_webhook_admission_duration_seconds",
            "Time from a request's headers to its answer, by how it ended.",
            &ADMISSION_BUCKETS,
            &["outcome"],
        )?;
        let admissions =
            Outcome::ALL.map(|outcome| (outcome, admissions.with_label_values(&[outcome.label()])));
        let pods = registry.counters(
            "pod_identity_webhook_pod_count",
            "Pods for which a method was chosen, by method.",
            &["method"],
        )?;
        Ok(Self {
            requests: registry.counters(
                "http_request_count",
                "Requests to /mutate.",
                &["verb", "path", "code"],
            )?,
            latencies,
            admissions: admissions.to_vec(),
            pods_web_identity: pods.with_label_values(&[Method::WebIdentity.label()]),
            pods_container_credentials: pods.with_label_values(&[Method::ContainerCredentials.label()]),
            missing_accounts: registry.register(Counter::new(
                "pod_identity_webhook_missing_sa_count",
                "Pods whose ServiceAccount does not exist.",
            )?)?,
            association_reviews: registry.counters(
                "pod_identity_webhook_association_reviews_total",
                "Reviews of associations that were to be written, by verdict.",
                &["verdict"],
            )?,
            used: registry.register(Gauge::new(
                "pod_identity_webhook_used",
                "1 once a ServiceAccount with an identity was in use.",
            )?)?,
        })
    }

    /// One request to `/mutate` was answered.
    pub fn request(&self, verb: &str, code: u16, took: Duration) {
        let mut digits = [0u8; 5];
        self.requests.with_label_values(&[verb, PATH, decimal(code, &mut digits)]).inc();
        self.latencies.with_label_values(&[verb, PATH]).observe(took.as_secs_f64() * 1e6);
    }

    /// One admission ended.
    pub fn admission(&self, outcome: Outcome, took: Duration) {
        if let Some((_, histogram)) = self.admissions.iter().find(|(known, _)| *known == outcome) {
            histogram.observe(took.as_secs_f64());
        }
        if outcome == Outcome::AccountMissing {
            self.missing_accounts.inc();
        }
    }

    /// An association that is to be written was reviewed.
    pub fn association_reviewed(&self, verdict: &str) {
        self.association_reviews.with_label_values(&[verdict]).inc();
    }

    /// A method was chosen for a pod.
    pub fn method(&self, method: Method) {
        match method {
            Method::WebIdentity => self.pods_web_identity.inc(),
            Method::ContainerCredentials => self.pods_container_credentials.inc(),
        }
        self.used.set(1.0);
    }
}

fn decimal(code: u16, digits: &mut [u8; 5]) -> &str {
    use std::io::Write;
    let mut rest = digits.as_mut_slice();
    // Five digits hold every u16.
    let written = write!(rest, "{code}").map(|()| 5 - rest.len()).unwrap_or_default();
    digits.get(..written).and_then(|digits| std::str::from_utf8(digits).ok()).unwrap_or_default()
}

/// `http_request_latencies`, and the same sums again as `http_request_duration_microseconds`, the
/// Go webhook's summary without quantiles.
#[derive(Debug, Clone)]
struct Latencies {
    histogram: HistogramVec,
    summary: Desc,
}

const SUMMARY: (&str, &str) =
    ("http_request_duration_microseconds", "Duration of requests to /mutate in microseconds.");

impl Latencies {
    fn new(histogram: HistogramVec) -> Result<Self, prometheus::Error> {
        let labels = vec!["verb".to_owned(), "path".to_owned()];
        let summary = Desc::new(SUMMARY.0.to_owned(), SUMMARY.1.to_owned(), labels, HashMap::new())?;
        Ok(Self { histogram, summary })
    }
}

impl Collector for Latencies {
    fn desc(&self) -> Vec<&Desc> {
        let mut descs = self.histogram.desc();
        descs.push(&self.summary);
        descs
    }

    fn collect(&self) -> Vec<MetricFamily> {
        let mut families = self.histogram.collect();
        let metrics = families.iter().flat_map(MetricFamily::get_metric).map(|metric| {
            let histogram = metric.get_histogram();
            let mut summary = Summary::default();
            summary.set_sample_count(histogram.get_sample_count());
            summary.set_sample_sum(histogram.get_sample_sum());
            let mut twin = Metric::default();
            twin.set_label(metric.get_label().to_vec());
            twin.set_summary(summary);
            twin
        });
        let metrics = metrics.collect();
        let mut family = MetricFamily::default();
        family.set_name(SUMMARY.0.to_owned());
        family.set_help(SUMMARY.1.to_owned());
        family.set_field_type(MetricType::SUMMARY);
        family.set_metric(metrics);
        families.push(family);
        families
    }
}
