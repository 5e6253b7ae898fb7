//! The path of a pod: request, review, identity, plan, patch, answer. The only thing that waits is
//! the look-up of the identity.

mod refusal;

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::Request;
use axum::http::header::{CONTENT_TYPE, HeaderValue};
use axum::http::{Method, StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use axum::routing::any;
use futures_util::FutureExt;
use http_body_util::BodyExt;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, timeout_at};

use crate::args;
use crate::identities::Identities;
use crate::injection::answer::Answer;
use crate::injection::review::Subject;
use crate::injection::warning::Warning;
use crate::injection::{Defaults, Outcome, Plan, Pod, Review, patch};
use crate::metrics::Metrics;
use crate::settings::Limits;
use refusal::Refusal;

/// A permit of the memory semaphore stands for this many bytes: a semaphore counts in `u32`.
const GRAIN: usize = 1024;

/// Answers admission reviews.
#[derive(Debug)]
pub struct Admission {
    identities: Identities,
    defaults: Defaults,
    limits: Limits,
    memory: Arc<Semaphore>,
    metrics: Arc<Metrics>,
}

/// What the log says of an admission.
#[derive(Debug, Default)]
struct Record {
    uid: String,
    namespace: String,
    pod: String,
    service_account: String,
}

impl Admission {
    /// Answers from `identities`.
    #[must_use]
    pub fn new(identities: Identities, defaults: Defaults, limits: Limits, metrics: Arc<Metrics>) -> Self {
        let memory = Arc::new(Semaphore::new(limits.request_memory / GRAIN));
        Self { identities, defaults, limits, memory, metrics }
    }

    /// `/mutate`, and the Go webhook's debug paths if they are asked for.
    pub fn routes(self: Arc<Self>, debug: bool) -> Router {
        let admission = self.clone();
        let routes =
            Router::new().route("/mutate", any(async move |request| admission.respond(request).await));
        if !debug {
            return routes;
        }
        let (denying, failing) = (self.clone(), self);
        routes
            .route("/debug/alpha/deny", any(async move |request| denying.deny(request).await))
            .route("/debug/alpha/500", any(async move || failing.guarded(async { fail() }).await.1))
    }

    /// One call, from its headers to its answer.
    async fn respond(&self, request: Request) -> Response {
        let began = Instant::now();
        let verb = verb(request.method());
        let mut record = Record::default();
        let (outcome, response) = self.guarded(self.admit(request, &mut record)).await;
        let took = began.elapsed();
        self.metrics.request(verb, response.status().as_u16(), took);
        self.metrics.admission(outcome, took);
        let Record { uid, namespace, pod, service_account } = record;
        let micros = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
        tracing::info!(uid, namespace, pod, service_account, outcome = outcome.label(), micros, "admission");
        response
    }

    /// Runs one call so that a bug in it ends neither the process nor its neighbours.
    async fn guarded(
        &self,
        call: impl Future<Output = Result<(Outcome, Response), Refusal>>,
    ) -> (Outcome, Response) {
        let refusal = match std::panic::AssertUnwindSafe(call).catch_unwind().await {
            Ok(Ok(answered)) => return answered,
            Ok(Err(refusal)) => refusal,
            Err(_) => Refusal::Bug,
        };
        tracing::warn!(status = refusal.status().as_u16(), reason = %refusal, "request refused");
        (refusal.outcome(), refusal.into_response())
    }

    async fn admit(&self, request: Request, record: &mut Record) -> Result<(Outcome, Response), Refusal> {
        let patience = patience(request.uri()).unwrap_or(self.limits.request).min(self.limits.request);
        let deadline = Instant::now() + patience;
        let (body, _memory) = self.body(request, deadline).await?;
        let review = Review::decode(&body, &self.defaults.annotation_prefix)?;
        record.uid.push_str(&review.uid);
        let (outcome, answer) = self.decide(&review, deadline, record).await?;
        Ok((outcome, json(answer)))
    }

    /// What to answer to a review, before the deadline.
    async fn decide(
        &self,
        review: &Review<'_>,
        deadline: Instant,
        record: &mut Record,
    ) -> Result<(Outcome, Vec<u8>), Refusal> {
        let leave = |outcome, warnings: &[Warning]| {
            let (version, uid) = (review.version, &*review.uid);
            (outcome, Answer { version, uid, outcome, patch: None, warnings, denial: None }.write())
        };
        let Some(pod) = review.subject.pod() else {
            return Ok(leave(Outcome::NotHandled, &[]));
        };
        let namespace = namespace(review, pod);
        let name = pod.service_account();
        record.namespace.push_str(namespace);
        record.pod.push_str(pod.name());
        record.service_account.push_str(name);
        if pod.metadata.is_mirror {
            return Ok(leave(Outcome::MirrorPod, &[]));
        }
        let deadline = deadline.min(Instant::now() + self.limits.lookup);
        let found = self.identities.find(namespace, name, deadline).await?;
        let Some(grant) = &found.grant else {
            if found.exists {
                return Ok(leave(Outcome::NoIdentity, &[]));
            }
            let account = format!("{namespace}/{name}");
            return Ok(leave(Outcome::AccountMissing, &[Warning::AccountMissing { account }]));
        };
        self.metrics.method(grant.method());
        let plan = match &review.subject {
            Subject::Ephemeral { pod, old } => Plan::of_ephemeral(pod, old, grant, &self.defaults),
            Subject::Pod(_) | Subject::Other => Plan::of_pod(pod, grant, &self.defaults, Some(&review.uid)),
        };
        let patch = patch::write(&plan);
        let answer = Answer {
            version: review.version,
            uid: &review.uid,
            outcome: plan.outcome(),
            patch: patch.as_deref(),
            warnings: &plan.warnings,
            denial: None,
        };
        Ok((plan.outcome(), answer.write()))
    }

    /// Reads a request's body, within its limits; what it takes of the common memory is held
    /// with the permit.
    async fn body(
        &self,
        request: Request,
        deadline: Instant,
    ) -> Result<(Vec<u8>, OwnedSemaphorePermit), Refusal> {
        if request.method() != Method::POST {
            return Err(Refusal::Method);
        }
        if !is_json(request.headers().get(CONTENT_TYPE)) {
            return Err(Refusal::MediaType);
        }
        let body = request.into_body();
        let announced = http_body::Body::size_hint(&body).exact();
        let announced = announced.map(|size| usize::try_from(size).unwrap_or(usize::MAX));
        let limit = self.limits.body;
        if announced.is_some_and(|size| size > limit) {
            return Err(Refusal::TooLarge { limit });
        }
        let size = announced.unwrap_or(limit);
        let permits = u32::try_from(size / GRAIN + 1).unwrap_or(u32::MAX);
        let memory = timeout_at(deadline, self.memory.clone().acquire_many_owned(permits)).await;
        // Never closed: the only failure is the wait.
        let memory = memory.ok().and_then(Result::ok).ok_or(Refusal::Busy)?;
        let bytes = timeout_at(deadline, collect(body, announced.unwrap_or_default(), limit)).await;
        Ok((bytes.unwrap_or(Err(Refusal::TooSlow))?, memory))
    }

    /// Refuses whatever is asked: the Go webhook's way to try an operator's alarms.
    async fn deny(&self, request: Request) -> Response {
        let deadline = Instant::now() + self.limits.request;
        let call = async {
            let (body, _memory) = self.body(request, deadline).await?;
            let review = Review::decode(&body, &self.defaults.annotation_prefix)?;
            let answer = Answer {
                version: review.version,
                uid: &review.uid,
                outcome: Outcome::NotHandled,
                patch: None,
                warnings: &[],
                denial: Some("denied by the debug path /debug/alpha/deny"),
            };
            Ok((Outcome::NotHandled, json(answer.write())))
        };
        self.guarded(call).await.1
    }
}

/// The Go webhook's way to try an operator's alarms, and ours to prove that a bug stays where it is.
#[allow(clippy::panic, reason = "what the debug path is for")]
fn fail() -> Result<(Outcome, Response), Refusal> {
    panic!("the debug path /debug/alpha/500 was called")
}

async fn collect(mut body: Body, announced: usize, limit: usize) -> Result<Vec<u8>, Refusal> {
    let mut bytes = Vec::with_capacity(announced);
    while let Some(frame) = body.frame().await {
        let Ok(data) = frame.map_err(Refusal::Broken)?.into_data() else {
            continue;
        };
        if bytes.len() + data.len() > limit {
            return Err(Refusal::TooLarge { limit });
        }
        bytes.extend_from_slice(&data);
    }
    Ok(bytes)
}

/// The namespace of the request rules; the pod's own may be empty.
fn namespace<'a>(review: &'a Review<'a>, pod: &'a Pod<'a>) -> &'a str {
    [&*review.namespace, &*pod.metadata.namespace]
        .into_iter()
        .find(|namespace| !namespace.is_empty())
        .unwrap_or("default")
}

fn json(body: Vec<u8>) -> Response {
    (StatusCode::OK, [(CONTENT_TYPE, "application/json")], body).into_response()
}

fn is_json(content_type: Option<&HeaderValue>) -> bool {
    let essence =
        content_type.and_then(|value| value.to_str().ok()).and_then(|value| value.split(';').next());
    essence.is_some_and(|essence| essence.trim().eq_ignore_ascii_case("application/json"))
}

/// How long a call may take: a little less than the API server waits, which it says in the query,
/// `?timeout=10s`. An answer that it does not wait for is no answer.
fn patience(uri: &Uri) -> Option<Duration> {
    let timeout = uri.query()?.split('&').find_map(|pair| pair.strip_prefix("timeout="))?;
    let timeout = args::duration(timeout).ok().filter(|timeout| !timeout.is_zero())?;
    Some(timeout.mul_f64(0.8))
}

/// A method as a metric's label: whatever is sent must not make new ones.
fn verb(method: &Method) -> &'static str {
    match *method {
        Method::POST => "POST",
        Method::GET => "GET",
        Method::PUT => "PUT",
        Method::DELETE => "DELETE",
        Method::HEAD => "HEAD",
        Method::OPTIONS => "OPTIONS",
        Method::PATCH => "PATCH",
        _ => "OTHER",
    }
}
