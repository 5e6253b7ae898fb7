//! What is counted: the Go webhook's metrics by their names and labels, and ours beside them.
//!
//! No label bears the name of a pod or an account: their number has no bound.

mod connections;
mod log;
mod sources;

use std::collections::HashMap;
use std::time::Duration;

use injection::Outcome;
use injection::grant::Method;
use prometheus::core::{Collector, Desc};
use prometheus::proto::{Metric, MetricFamily, MetricType, Summary};
use prometheus::{
    Counter, Encoder, Gauge, Histogram, HistogramOpts, HistogramVec, IntCounter, IntCounterVec, IntGauge,
    IntGaugeVec, Opts, Registry, TextEncoder,
};

use connections::Connections;
use log::DroppedLines;
use sources::Sources;

pub use connections::{ClosedConnection, Port};
pub use sources::{ResourceMetrics, SourceMetrics};

/// The path that is counted, as the Go webhook counts it.
const PATH: &str = "/mutate";

/// Bounds of `http_request_latencies`, in microseconds. The Go webhook's: a normal call is far below the
/// first, which is why [`Metrics::admission`] has bounds of its own.
const LATENCY_BUCKETS: [f64; 7] =
    [125_000.0, 250_000.0, 500_000.0, 1_000_000.0, 2_000_000.0, 4_000_000.0, 8_000_000.0];

/// The last of them as Rust writes them, and as Go does: queries compare a label as text.
const GO_BOUNDS: [(&str, &str); 4] = [
    ("le=\"1000000\"", "le=\"1e+06\""),
    ("le=\"2000000\"", "le=\"2e+06\""),
    ("le=\"4000000\"", "le=\"4e+06\""),
    ("le=\"8000000\"", "le=\"8e+06\""),
];

/// Bounds of `pod_identity_webhook_admission_duration_seconds`: from 50 µs, what a hit costs, to
/// the API server's longest wait.
const ADMISSION_BUCKETS: [f64; 14] =
    [5e-5, 1e-4, 2.5e-4, 5e-4, 1e-3, 2.5e-3, 5e-3, 0.01, 0.025, 0.1, 0.25, 1.0, 2.5, 10.0];

/// How a live look-up ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LookupResult {
    /// What was looked for exists.
    Found,
    /// It does not.
    Missing,
    /// Nobody knows: an error, or nobody waited for it any more.
    Error,
    /// It was not looked for: too many others were.
    Limited,
}

impl LookupResult {
    /// As a metric's label.
    fn label(self) -> &'static str {
        match self {
            Self::Found => "found",
            Self::Missing => "missing",
            Self::Error => "error",
            Self::Limited => "limited",
        }
    }
}

/// All metrics of the process.
#[derive(Debug)]
pub struct Metrics {
    registry: Registry,
    requests: IntCounterVec,
    latencies: HistogramVec,
    admissions: Vec<(Outcome, Histogram)>,
    pods_web_identity: IntCounter,
    pods_container_credentials: IntCounter,
    missing_accounts: Counter,
    used: Gauge,
    handshake_errors: IntCounterVec,
    connections: Connections,
    lookups: IntCounterVec,
    watch_up: IntGauge,
    accounts: IntGaugeVec,
    sources: Sources,
    certificate_expiry: IntGauge,
    certificate_errors: IntCounter,
}

impl Metrics {
    /// Metrics at zero, each registered once.
    pub fn new() -> Result<Self, prometheus::Error> {
        let registry = Registry::new();
        let latencies = HistogramVec::new(
            HistogramOpts::new("http_request_latencies", "Latency of requests to /mutate in microseconds.")
                .buckets(LATENCY_BUCKETS.to_vec()),
            &["verb", "path"],
        )?;
        registry.register(Box::new(Latencies::new(latencies.clone())?))?;
        let admissions = histograms(
            &registry,
            HistogramOpts::new(
                "pod_identity_webhook_admission_duration_seconds",
                "Time from a request's headers to its answer, by how it ended.",
            )
            .buckets(ADMISSION_BUCKETS.to_vec()),
        )?;
        let pods = int_counters(
            &registry,
            "pod_identity_webhook_pod_count",
            "Pods for which a method was chosen, by method.",
            &["method"],
        )?;
        #[cfg(target_os = "linux")]
        registry.register(Box::new(prometheus::process_collector::ProcessCollector::for_self()))?;
        let build = IntGaugeVec::new(
            Opts::new("pod_identity_webhook_build_info", "Always 1; the version is the label."),
            &["version"],
        )?;
        registry.register(Box::new(DroppedLines::new()?))?;
        build.with_label_values(&[env!("CARGO_PKG_VERSION")]).set(1);
        registry.register(Box::new(build))?;
        Ok(Self {
            requests: int_counters(
                &registry,
                "http_request_count",
                "Requests to /mutate.",
                &["verb", "path", "code"],
            )?,
            latencies,
            admissions,
            pods_web_identity: pods.with_label_values(&[Method::WebIdentity.label()]),
            pods_container_credentials: pods.with_label_values(&[Method::ContainerCredentials.label()]),
            missing_accounts: registered(
                &registry,
                Counter::new(
                    "pod_identity_webhook_missing_sa_count",
                    "Pods whose ServiceAccount does not exist.",
                )?,
            )?,
            used: registered(
                &registry,
                Gauge::new(
                    "pod_identity_webhook_used",
                    "1 once a ServiceAccount with an identity was in use.",
                )?,
            )?,
            handshake_errors: int_counters(
                &registry,
                "pod_identity_webhook_tls_handshake_errors_total",
                "TLS handshakes that failed, by reason: a wrong caBundle shows as alert.",
                &["reason"],
            )?,
            connections: Connections::new(&registry)?,
            lookups: int_counters(
                &registry,
                "pod_identity_webhook_live_lookups_total",
                "Live look-ups of ServiceAccounts, by result.",
                &["result"],
            )?,
            watch_up: int_gauge(
                &registry,
                "pod_identity_webhook_watch_up",
                "1 while the watch of ServiceAccounts is up.",
            )?,
            accounts: registered(
                &registry,
                IntGaugeVec::new(
                    Opts::new("pod_identity_webhook_service_accounts", "ServiceAccounts that are known."),
                    &["annotated"],
                )?,
            )?,
            sources: Sources::new(&registry)?,
            certificate_expiry: int_gauge(
                &registry,
                "pod_identity_webhook_certificate_expiry_timestamp_seconds",
                "When the serving certificate expires, in seconds since 1970.",
            )?,
            certificate_errors: registered(
                &registry,
                IntCounter::new(
                    "pod_identity_webhook_certificate_reload_errors_total",
                    "Changes of the certificate's files that could not be used; the last good pair was kept.",
                )?,
            )?,
            registry,
        })
    }

    /// The text that Prometheus scrapes.
    pub fn scrape(&self) -> Result<String, prometheus::Error> {
        let mut text = Vec::new();
        TextEncoder::new().encode(&self.registry.gather(), &mut text)?;
        let text = String::from_utf8(text).map_err(|error| prometheus::Error::Msg(error.to_string()))?;
        Ok(GO_BOUNDS.iter().fold(text, |text, (ours, go)| text.replace(ours, go)))
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

    /// A method was chosen for a pod.
    pub fn method(&self, method: Method) {
        match method {
            Method::WebIdentity => self.pods_web_identity.inc(),
            Method::ContainerCredentials => self.pods_container_credentials.inc(),
        }
        self.used.set(1.0);
    }

    /// A TLS handshake failed.
    pub fn handshake_error(&self, reason: &str) {
        self.handshake_errors.with_label_values(&[reason]).inc();
    }

    /// How many connections to `/mutate`'s port are open.
    #[must_use]
    pub fn connections(&self) -> &IntGauge {
        &self.connections.open
    }

    /// A connection was closed to keep to a limit.
    pub fn connection_closed(&self, port: Port, reason: ClosedConnection) {
        self.connections.closed(port, reason);
    }

    /// A request came without the client certificate that is asked for.
    pub fn refused_client(&self) {
        self.connections.refused_clients.inc();
    }

    /// A live look-up ended.
    pub fn live_lookup(&self, result: LookupResult) {
        self.lookups.with_label_values(&[result.label()]).inc();
    }

    /// Whether the watch of ServiceAccounts is up.
    pub fn watch_up(&self, is_up: bool) {
        self.watch_up.set(i64::from(is_up));
    }

    /// How many ServiceAccounts are known, and how many of them bear annotations of ours.
    pub fn service_accounts(&self, all: usize, annotated: usize) {
        let set = |label, count| {
            self.accounts.with_label_values(&[label]).set(i64::try_from(count).unwrap_or(i64::MAX));
        };
        set("true", annotated);
        set("false", all - annotated);
    }

    /// The metrics of a source of identities, which bear its name.
    #[must_use]
    pub fn source(&self, name: &'static str) -> SourceMetrics {
        self.sources.add(name)
    }

    /// The metrics of a source's custom resources, which bear its name.
    #[must_use]
    pub fn resources(&self, name: &'static str) -> ResourceMetrics {
        self.sources.resources(name)
    }

    /// When the serving certificate expires, in seconds since 1970.
    pub fn certificate_expiry(&self, seconds: i64) {
        self.certificate_expiry.set(seconds);
    }

    /// A change of the certificate's files could not be used.
    pub fn certificate_error(&self) {
        self.certificate_errors.inc();
    }
}

fn registered<C: Collector + Clone + 'static>(
    registry: &Registry,
    metric: C,
) -> Result<C, prometheus::Error> {
    registry.register(Box::new(metric.clone()))?;
    Ok(metric)
}

fn int_counters(
    registry: &Registry,
    name: &str,
    help: &str,
    labels: &[&str],
) -> Result<IntCounterVec, prometheus::Error> {
    registered(registry, IntCounterVec::new(Opts::new(name, help), labels)?)
}

fn int_gauge(registry: &Registry, name: &str, help: &str) -> Result<IntGauge, prometheus::Error> {
    registered(registry, IntGauge::new(name, help)?)
}

/// One histogram an outcome, found without hashing its label.
fn histograms(
    registry: &Registry,
    opts: HistogramOpts,
) -> Result<Vec<(Outcome, Histogram)>, prometheus::Error> {
    let vec = registered(registry, HistogramVec::new(opts, &["outcome"])?)?;
    Ok(Outcome::ALL.map(|outcome| (outcome, vec.with_label_values(&[outcome.label()]))).to_vec())
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
#[derive(Debug)]
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
