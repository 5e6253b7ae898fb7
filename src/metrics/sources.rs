//! What is told of the sources of identity that are followed, each by its name.

use std::sync::{Arc, Mutex, PoisonError};

use prometheus::core::{Collector, Desc};
use prometheus::proto::MetricFamily;
use prometheus::{GaugeVec, IntCounter, IntCounterVec, IntGauge, IntGaugeVec, Opts, Registry};
use tokio::time::Instant;

use super::{LookupResult, int_counters, registered};

const LABELS: [&str; 1] = ["source"];

/// The metrics of all sources.
#[derive(Debug)]
pub(super) struct Sources {
    entries: IntGaugeVec,
    passed_over: IntGaugeVec,
    errors: IntCounterVec,
    lookups: IntCounterVec,
    ages: Ages,
    resources: IntGaugeVec,
}

/// The metrics of one source.
#[derive(Debug)]
pub struct SourceMetrics {
    entries: IntGauge,
    passed_over: IntGauge,
    errors: IntCounter,
    lookups: IntCounterVec,
    source: &'static str,
    read: Moment,
}

/// How many of a source's custom resources are in which state.
#[derive(Debug)]
pub struct ResourceMetrics {
    resources: IntGaugeVec,
    source: &'static str,
}

/// When something last happened.
type Moment = Arc<Mutex<Instant>>;

/// Ages are made when they are asked for: a source that is never read again must be seen to age.
#[derive(Debug, Clone)]
struct Ages {
    gauges: GaugeVec,
    reads: Arc<Mutex<Vec<(&'static str, Moment)>>>,
}

impl Sources {
    pub(super) fn new(registry: &Registry) -> Result<Self, prometheus::Error> {
        let ages = GaugeVec::new(
            Opts::new(
                "pod_identity_webhook_source_age_seconds",
                "Time since a source of identities was last read, or since the start if it never was.",
            ),
            &LABELS,
        )?;
        Ok(Self {
            entries: int_gauges(
                registry,
                "pod_identity_webhook_source_entries",
                "Entries of a source of identities that count.",
            )?,
            passed_over: int_gauges(
                registry,
                "pod_identity_webhook_source_passed_over_entries",
                "Entries of a source of identities that are of no use.",
            )?,
            errors: int_counters(
                registry,
                "pod_identity_webhook_source_errors_total",
                "Attempts to read a source of identities that failed; the last good set was kept.",
                &LABELS,
            )?,
            lookups: int_counters(
                registry,
                "pod_identity_webhook_source_lookups_total",
                "Live look-ups of single accounts in a source of identities, by result.",
                &["source", "result"],
            )?,
            ages: registered(registry, Ages { gauges: ages, reads: Arc::default() })?,
            resources: registered(
                registry,
                IntGaugeVec::new(
                    Opts::new(
                        "pod_identity_webhook_association_resources",
                        "Custom resources that hold an association, by what becomes of it.",
                    ),
                    &["source", "state"],
                )?,
            )?,
        })
    }

    /// The metrics of a source's custom resources.
    pub(super) fn resources(&self, source: &'static str) -> ResourceMetrics {
        ResourceMetrics { resources: self.resources.clone(), source }
    }

    /// The metrics of a source, at zero from now on.
    pub(super) fn add(&self, source: &'static str) -> SourceMetrics {
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
    /// How many entries the set that counts has, and how many were passed over.
    pub fn entries(&self, entries: usize, passed_over: usize) {
        for (gauge, count) in [(&self.entries, entries), (&self.passed_over, passed_over)] {
            gauge.set(i64::try_from(count).unwrap_or(i64::MAX));
        }
    }

    /// The source was read.
    pub fn read(&self) {
        *lock(&self.read) = Instant::now();
    }

    /// The source could not be read.
    pub fn failed(&self) {
        self.errors.inc();
    }

    /// One account was looked up live.
    pub fn looked_up(&self, result: LookupResult) {
        self.lookups.with_label_values(&[self.source, result.label()]).inc();
    }
}

impl ResourceMetrics {
    /// How many are in a state.
    pub fn set(&self, state: &'static str, count: usize) {
        let gauge = self.resources.with_label_values(&[self.source, state]);
        gauge.set(i64::try_from(count).unwrap_or(i64::MAX));
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

fn int_gauges(registry: &Registry, name: &str, help: &str) -> Result<IntGaugeVec, prometheus::Error> {
    registered(registry, IntGaugeVec::new(Opts::new(name, help), &LABELS)?)
}
