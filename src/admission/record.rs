//! What is said of a call when it is over: one line in the log, and the metrics.

use std::time::Duration;

use axum::response::{IntoResponse, Response};
use tokio::time::Instant;

use super::refusal::Refusal;
use crate::injection::Outcome;
use crate::metrics::Metrics;

/// Longest name that is logged, and that Kubernetes knows.
const LONGEST: usize = 253;

/// What is known of a call so far. Dropped before its end it was given up by whoever made it, which
/// is said as well: the API server has stopped to wait.
#[derive(Debug)]
pub(super) struct Record<'m> {
    metrics: &'m Metrics,
    verb: &'static str,
    began: Instant,
    is_over: bool,
    uid: String,
    namespace: String,
    pod: String,
    service_account: String,
}

impl<'m> Record<'m> {
    pub(super) fn new(metrics: &'m Metrics, verb: &'static str) -> Self {
        Self {
            metrics,
            verb,
            began: Instant::now(),
            is_over: false,
            uid: String::new(),
            namespace: String::new(),
            pod: String::new(),
            service_account: String::new(),
        }
    }

    pub(super) fn uid(&mut self, uid: &str) {
        self.uid = cut(uid);
    }

    pub(super) fn pod(&mut self, namespace: &str, pod: &str, service_account: &str) {
        self.namespace = cut(namespace);
        self.pod = cut(pod);
        self.service_account = cut(service_account);
    }

    /// The call is answered.
    pub(super) fn end(mut self, answered: Result<(Outcome, Response), Refusal>) -> Response {
        self.is_over = true;
        let took = self.began.elapsed();
        let (outcome, response, reason) = match answered {
            Ok((outcome, response)) => (outcome, response, None),
            Err(refusal) => {
                let reason = refusal.to_string();
                (refusal.outcome(), refusal.into_response(), Some(reason))
            }
        };
        self.metrics.request(self.verb, response.status().as_u16(), took);
        self.say(outcome, took, reason.as_deref());
        response
    }

    fn say(&self, outcome: Outcome, took: Duration, reason: Option<&str>) {
        let Self { metrics, verb: _, began: _, is_over: _, uid, namespace, pod, service_account } = self;
        metrics.admission(outcome, took);
        let micros = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
        let outcome = outcome.label();
        match reason {
            None => tracing::info!(uid, namespace, pod, service_account, outcome, micros, "admission"),
            Some(reason) => {
                tracing::warn!(uid, namespace, pod, service_account, outcome, micros, reason, "admission");
            }
        }
    }
}

impl Drop for Record<'_> {
    fn drop(&mut self) {
        if !self.is_over {
            let reason = "the caller did not wait for the answer";
            self.say(Outcome::Abandoned, self.began.elapsed(), Some(reason));
        }
    }
}

/// A name as it is logged: whoever sends a longer one must not fill the log with it.
fn cut(name: &str) -> String {
    name.chars().take(LONGEST).collect()
}
