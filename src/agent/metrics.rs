//! What the agent counts: the families of AWS's agent by their names, and its own.

use std::time::SystemTime;

use prometheus::{HistogramVec, IntCounterVec, IntGauge};

use super::failure::Failure;
use crate::telemetry::{MetricsError, Registry};

/// The agent's metrics.
#[derive(Debug)]
pub struct Metrics {
    answers: IntCounterVec,
    cache: IntCounterVec,
    cache_errors: IntCounterVec,
    validations: IntCounterVec,
    cached: IntGauge,
    keys: IntGauge,
    upstream: HistogramVec,
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
        Ok(Self {
            answers: registry.counters(
                "pod_identity_http_response",
                "Answers to pods, by HTTP status; a metric of AWS's agent.",
                &["code"],
            )?,
            cache: registry.counters(
                "pod_identity_cache_state",
                "Requests whose credentials were held (hit) or not (miss), and pods that were dropped for others \
                 (evicted); a metric of AWS's agent.",
                &["state"],
            )?,
            cache_errors: registry.counters(
                "pod_identity_cache_errors",
                "Credentials that could not be fetched, by whether asking again may help, and AWS's code; a metric of \
                 AWS's agent.",
                &["type", "code"],
            )?,
            validations: registry.counters(
                "pod_identity_local_validation",
                "Tokens that were verified (success), refused (failure), or had been verified before (skipped); a \
                 metric of AWS's agent.",
                &["result"],
            )?,
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
        self.answers.with_label_values(&[status.to_string().as_str()]).inc();
    }

    pub(super) fn cache(&self, state: CacheState) {
        let label = match state {
            CacheState::Hit => "hit",
            CacheState::Miss => "miss",
            CacheState::Evicted => "evicted",
        };
        self.cache.with_label_values(&[label]).inc();
    }

    pub(super) fn cache_error(&self, failure: &Failure) {
        self.cache_errors.with_label_values(&[failure.kind.label(), &failure.code]).inc();
    }

    pub(super) fn validated(&self, validation: Validation) {
        let label = match validation {
            Validation::Success => "success",
            Validation::Failure => "failure",
            Validation::Skipped => "skipped",
        };
        self.validations.with_label_values(&[label]).inc();
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
