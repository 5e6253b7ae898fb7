//! Metrics of the sources that are followed, each labelled with its source's name.

use std::sync::{Arc, Mutex, PoisonError};

use prometheus::core::{Collector, Desc};
use prometheus::proto::MetricFamily;
use prometheus::{GaugeVec, IntCounter, IntCounterVec, IntGauge, IntGaugeVec, Opts};
use tokio::time::Instant;

use crate::telemetry::{MetricsError, Registry};

const LABELS: [&str; 1] = ["source"];

/// How a live look-up ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LookupResult {
    /// What was looked for exists.
    Found,
    /// It does not exist.
    Missing,
    /// The result is unknown: the request failed, or its callers had given up.
    Error,
    /// It was not looked up, because too many others were.
    Limited,
}

impl LookupResult {
    /// The result as a metric's label.
    pub(crate) fn label(self) -> &'static str {
        match self {
            Self::Found => "found",
            Self::Missing => "missing",
            Self::Error => "error",
            Self::Limited => "limited",
        }
    }
}

/// The metrics of all sources.
#[derive(Debug)]
pub struct Metrics {
    entries: IntGaugeVec,
    passed_over: IntGaugeVec,
    errors: IntCounterVec,
    lookups: IntCounterVec,
    ages: Ages,
}

/// The metrics of one source.
#[derive(Debug)]
pub(super) struct SourceMetrics {
    entries: IntGauge,
    passed_over: IntGauge,
    errors: IntCounter,
    lookups: IntCounterVec,
    source: &'static str,
    read: Moment,
}

/// When something last happened.
type Moment = Arc<Mutex<Instant>>;

/// Ages are computed at every scrape: a source that is never read again must be seen to age.
#[derive(Debug, Clone)]
struct Ages {
    gauges: GaugeVec,
    reads: Arc<Mutex<Vec<(&'static str, Moment)>>>,
}

impl Metrics {
    /// Metrics without any source yet, registered once.
    pub fn new(registry: &Registry) -> Result<Self, MetricsError> {
        let ages = GaugeVec::new(
            Opts::new(
                "pod_identity_webhook_source_age_seconds",
                "Time since a source of identities was last read, or since the start if it never was.",
            ),
            &LABELS,
        )?;
        Ok(Self {
            entries: registry.gauges(
                "pod_identity_webhook_source_entries",
                "Entries of a source of identities that count.",
                &LABELS,
            )?,
            passed_over: registry.gauges(
                "pod_identity_webhook_source_passed_over_entries",
                "Entries of a source of identities that are of no use.",
                &LABELS,
            )?,
            errors: registry.counters(
                "pod_identity_webhook_source_errors_total",
                "Attempts to read a source of identities that failed; the last good set was kept.",
                &LABELS,
            )?,
            lookups: registry.counters(
                "pod_identity_webhook_source_lookups_total",
                "Live look-ups of single accounts in a source of identities, by result.",
                &["source", "result"],
            )?,
            ages: registry.register(Ages { gauges: ages, reads: Arc::default() })?,
        })
    }

    /// The metrics of a source, at zero from now on.
    pub(super) fn source(&self, source: &'static str) -> SourceMetrics {
        let read = Arc::new(Mutex::new(Instant::now()));
        lock(&self.ages.reads).push((source, read.clone()));
        SourceMetrics {
            entries: self.entries.with_label_values(&[source]),
            passed_over: self.passed_over.with_label_values(&[source]),
            errors: self.errors.with_label_values(&[source]),
            lookups: self.lookups.clone(),
            source,
            read,
        }
    }
}

impl SourceMetrics {
    /// How many entries the current set has, and how many were passed over.
    pub(super) fn entries(&self, entries: usize, passed_over: usize) {
        for (gauge, count) in [(&self.entries, entries), (&self.passed_over, passed_over)] {
            gauge.set(i64::try_from(count).unwrap_or(i64::MAX));
        }
    }

    /// The source was read.
    pub(super) fn read(&self) {
        *lock(&self.read) = Instant::now();
    }

    /// The source could not be read.
    pub(super) fn failed(&self) {
        self.errors.inc();
    }

    /// One account was looked up live.
    pub(super) fn looked_up(&self, result: LookupResult) {
        self.lookups.with_label_values(&[self.source, result.label()]).inc();
    }
}

impl Collector for Ages {
    fn desc(&self) -> Vec<&Desc> {
        self.gauges.desc()
    }

    fn collect(&self) -> Vec<MetricFamily> {
        for (source, read) in &*lock(&self.reads) {
            self.gauges.with_label_values(&[source]).set(lock(read).elapsed().as_secs_f64());
        }
        self.gauges.collect()
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
