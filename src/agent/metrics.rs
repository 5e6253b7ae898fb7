//! What the agent counts: the families of AWS's agent by their names, and its own.

use std::time::SystemTime;

use prometheus::{HistogramVec, IntCounter, IntCounterVec, IntGauge};

use super::failure::Failure;
use crate::telemetry::{MetricsError, Registry};

/// The agent's metrics. What an answer from the cache counts was looked up by its labels at the start: that would be a
/// noticeable part of the answer.
#[derive(Debug)]
pub struct Metrics {
    answers: IntCounterVec,
    successes: IntCounter,
    cache: ByState,
    cache_errors: IntCounterVec,
    validations: ByResult,
    cached: IntGauge,
    keys: IntGauge,
    upstream: HistogramVec,
}

#[derive(Debug)]
struct ByState {
    hit: IntCounter,
    miss: IntCounter,
    evicted: IntCounter,
}

#[derive(Debug)]
struct ByResult {
    success: IntCounter,
    failure: IntCounter,
    skipped: IntCounter,
}

/// What became of a request at the cache.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum CacheState {
    Hit,
    Miss,
    Evicted,
}

/// What the check of a token came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Validation {
    Success,
    Failure,
    /// The token had been verified before.
    Skipped,
}

impl Metrics {
    /// Metrics at zero, registered once.
    pub fn new(registry: &Registry) -> Result<Self, MetricsError> {
        let answers = registry.counters(
            "pod_identity_http_response",
            "Answers to pods, by HTTP status; a metric of AWS's agent.",
            &["code"],
        )?;
        let cache = registry.counters(
            "pod_identity_cache_state",
            "Requests whose credentials were held (hit) or not (miss), and pods that were dropped for others \
             (evicted); a metric of AWS's agent.",
            &["state"],
        )?;
        let validations = registry.counters(
            "pod_identity_local_validation",
            "Tokens that were verified (success), refused (failure), or had been verified before (skipped); a \
             metric of AWS's agent.",
            &["result"],
        )?;
        let [hit, miss, evicted] = ["hit", "miss", "evicted"].map(|state| cache.with_label_values(&[state]));
        let [success, failure, skipped] =
            ["success", "failure", "skipped"].map(|result| validations.with_label_values(&[result]));
        Ok(Self {
            successes: answers.with_label_values(&["200"]),
            answers,
            cache: ByState { hit, miss, evicted },
            cache_errors: registry.counters(
                "pod_identity_cache_errors",
                "Credentials that could not be fetched, by whether asking again may help, and AWS's code; a metric of \
                 AWS's agent.",
                &["type", "code"],
            )?,
            validations: ByResult { success, failure, skipped },
            cached: registry
                .gauge("pod_identity_agent_cached_pods", "Pods whose credentials are held or being fetched.")?,
            keys: registry.gauge(
                "pod_identity_agent_keys_timestamp_seconds",
                "When the cluster's keys were last read, in seconds since 1970; 0 before they are.",
            )?,
            upstream: registry.histograms(
                "pod_identity_agent_upstream_seconds",
                "Calls of AWS by operation and result: an error's code, or success.",
                &[0.05, 0.1, 0.25, 0.5, 1.0, 2.0, 5.0, 10.0],
                &["operation", "result"],
            )?,
        })
    }

    /// A pod was answered.
    pub(super) fn answered(&self, status: u16) {
        match status {
            200 => self.successes.inc(),
            _ => self.answers.with_label_values(&[status.to_string().as_str()]).inc(),
        }
    }

    pub(super) fn cache(&self, state: CacheState) {
        let ByState { hit, miss, evicted } = &self.cache;
        match state {
            CacheState::Hit => hit.inc(),
            CacheState::Miss => miss.inc(),
            CacheState::Evicted => evicted.inc(),
        }
    }

    pub(super) fn cache_error(&self, failure: &Failure) {
        self.cache_errors.with_label_values(&[failure.kind.label(), &failure.code]).inc();
    }

    pub(super) fn validated(&self, validation: Validation) {
        let ByResult { success, failure, skipped } = &self.validations;
        match validation {
            Validation::Success => success.inc(),
            Validation::Failure => failure.inc(),
            Validation::Skipped => skipped.inc(),
        }
    }

    /// How many pods' credentials are held.
    pub(super) fn cached(&self, pods: usize) {
        self.cached.set(i64::try_from(pods).unwrap_or(i64::MAX));
    }

    /// The cluster's keys were read.
    pub(super) fn keys_read(&self) {
        let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        self.keys.set(i64::try_from(now.as_secs()).unwrap_or(i64::MAX));
    }

    /// A call of AWS has ended; `result` is an error's code, or `success`.
    pub fn called(&self, operation: &str, result: &str, seconds: f64) {
        self.upstream.with_label_values(&[operation, result]).observe(seconds);
    }
}
