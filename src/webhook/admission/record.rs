//! What is said of a call when it is over: one line in the log, and the metrics.

use std::time::Duration;

use axum::response::{IntoResponse, Response};
use injection::text::logged_name;
use injection::{AccountName, Candidate, Outcome};
use tokio::time::Instant;

use super::metrics::Metrics;
use super::refusal::Refusal;
use crate::telemetry::Throttle;

/// The longest name that is logged, in characters: no name in Kubernetes is longer.
const LONGEST: usize = 253;

/// What is known of a call so far. If it is dropped before its end, the caller has given up, which is logged
/// too: the API server has stopped waiting.
#[derive(Debug)]
pub(super) struct Record<'m> {
    metrics: &'m Metrics,
    strangers: &'m Throttle,
    verb: &'static str,
    began: Instant,
    is_over: bool,
    uid: String,
    namespace: String,
    pod: String,
    service_account: String,
}

impl<'m> Record<'m> {
    /// `strangers` limits the lines about calls that no API server makes.
    pub(super) fn new(metrics: &'m Metrics, strangers: &'m Throttle, verb: &'static str) -> Self {
        Self {
            metrics,
            strangers,
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
        self.uid = logged_name(uid, LONGEST);
    }

    pub(super) fn pod(&mut self, candidate: &Candidate<'_>) {
        let AccountName { namespace, name } = candidate.account;
        self.namespace = logged_name(namespace, LONGEST);
        self.pod = logged_name(candidate.pod().name(), LONGEST);
        self.service_account = logged_name(name, LONGEST);
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
        let Self { metrics, strangers, verb: _, began: _, is_over: _, uid, namespace, pod, service_account } =
            self;
        metrics.admission(outcome, took);
        let left_out = match outcome {
            // Anyone who reaches the port can cause any number of these.
            Outcome::Malformed | Outcome::Abandoned => strangers.allow(),
            Outcome::Unavailable if uid.is_empty() => strangers.allow(),
            _ => Some(0),
        };
        let Some(left_out) = left_out else {
            return;
        };
        let micros = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
        let outcome = outcome.label();
        match reason {
            None => tracing::info!(uid, namespace, pod, service_account, outcome, micros, "admission"),
            Some(reason) => {
                tracing::warn!(
                    uid,
                    namespace,
                    pod,
                    service_account,
                    outcome,
                    micros,
                    reason,
                    left_out,
                    "admission"
                );
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
