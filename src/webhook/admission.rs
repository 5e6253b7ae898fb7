//! The path of a pod over HTTP: request, review, identity, decision, answer. The decision itself is made by
//! [`decide()`]; the only thing that waits is the look-up of the identity.

mod association;
mod body;
mod lane;
mod limits;
mod metrics;
mod record;
mod refusal;

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::Request;
use axum::http::header::{CONTENT_TYPE, HeaderValue};
use axum::http::{Method, StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use axum::routing::any;
use futures_util::FutureExt;
use injection::Reason;
use injection::denial::Demand;
use injection::review::Subject;
use injection::{AccountName, Candidate, Decision, Defaults, Denial, Outcome, Review, Rules, decide, go};
use tokio::time::Instant;

use crate::aws::ClusterName;
use crate::identities::Identities;
use crate::role_policy::{PolicyFile, Snapshot};
use crate::server::pressure::Pressure;
use crate::telemetry::Throttle;
pub(in crate::webhook) use association::association_words;
use body::{Memory, Share};
use lane::Lane;
pub use limits::{BODY_LIMIT, Limits};
pub use metrics::Metrics;
use record::Record;
use refusal::Refusal;

/// The most memory, in bytes, that the one large review in work takes beside what is counted: its lists and
/// texts before they are counted, its patch and the answer while they are written.
pub const LARGE_WORK: usize = 24 << 20;

/// The same for every other review that a thread works on.
pub const SMALL_WORK: usize = 4 << 20;

/// Log lines a second, and at once at first, about calls that no API server makes: any number of them may
/// come from anyone who reaches the port.
const STRANGERS: u32 = 20;

/// Answers admission reviews.
#[derive(Debug)]
pub struct Admission {
    identities: Identities,
    sources: Vec<&'static str>,
    defaults: Defaults,
    policy: Option<PolicyFile>,
    cluster: Option<ClusterName>,
    limits: Limits,
    memory: Memory,
    lane: Lane,
    strangers: Throttle,
    metrics: Arc<Metrics>,
}

impl Admission {
    /// Answers from `identities`, within the role policy if there is one.
    #[must_use]
    pub fn new(
        identities: Identities,
        defaults: Defaults,
        policy: Option<PolicyFile>,
        limits: Limits,
        metrics: Arc<Metrics>,
    ) -> Self {
        let memory = Memory::new(&limits);
        let strangers = Throttle::new(Duration::from_secs(1)).with_burst(STRANGERS);
        let sources = identities.names();
        let (cluster, lane) = (None, Lane::new());
        Self { identities, sources, defaults, policy, cluster, limits, memory, lane, strangers, metrics }
    }

    /// The same for the cluster of this name: associations that are for another one are none of its policy's business.
    #[must_use]
    pub fn on_cluster(self, cluster: Option<ClusterName>) -> Self {
        Self { cluster, ..self }
    }

    /// Whether the memory for calls is short.
    #[must_use]
    pub fn pressure(&self) -> Arc<Pressure> {
        self.memory.pressure()
    }

    /// `/mutate`, the same for namespaces that require an identity, and what looks at associations.
    pub fn routes(self: Arc<Self>) -> Router {
        let (admission, requiring, associations) = (self.clone(), self.clone(), self);
        Router::new()
            .route("/mutate", any(async move |request| admission.respond(request, None).await))
            // The webhook's registration selects by the namespace's labels, whose changes count at once.
            .route(
                "/mutate/required",
                any(async move |request| requiring.respond(request, Some(Demand::Namespace)).await),
            )
            .route(
                "/validate/associations",
                any(async move |request| associations.review_association(request).await),
            )
    }

    /// The Go webhook's debug paths.
    pub fn debug_routes(self: Arc<Self>) -> Router {
        let (denying, failing) = (self.clone(), self);
        Router::new()
            .route("/debug/alpha/deny", any(async move |request| denying.deny_all(request).await))
            .route("/debug/alpha/500", any(async move || failing.guarded(async { fail() }).await))
    }

    /// One call, from its headers to its answer.
    async fn respond(&self, request: Request, namespace: Option<Demand>) -> Response {
        let mut record = Record::new(&self.metrics, &self.strangers, verb(request.method()));
        let answered = self.guarded(self.admit(request, namespace, &mut record)).await;
        record.end(answered)
    }

    /// Runs one call so that a bug in it ends neither the process nor its neighbours.
    async fn guarded<T>(&self, call: impl Future<Output = Result<T, Refusal>>) -> Result<T, Refusal> {
        std::panic::AssertUnwindSafe(call).catch_unwind().await.unwrap_or(Err(Refusal::Bug))
    }

    async fn admit(
        &self,
        request: Request,
        namespace: Option<Demand>,
        record: &mut Record<'_>,
    ) -> Result<(Outcome, Response), Refusal> {
        let patience = patience(request.uri()).unwrap_or(self.limits.request).min(self.limits.request);
        let deadline = Instant::now() + patience;
        let (body, mut share) = self.body(request, deadline).await?;
        let decode = || Review::decode(&body, &self.defaults.annotation_prefix);
        let review = self.lane.run(body.len(), deadline, decode).await??;
        record.uid(&review.uid);
        let held = body.capacity() + review.subject.as_ref().map_or(0, Subject::weight);
        share.grow(held)?;
        let (outcome, answer) = self.decide(&review, namespace, deadline, record).await?;
        share.grow(held + answer.capacity())?;
        drop(review);
        drop(body);
        Ok((outcome, json(answer, share)))
    }

    /// What to answer to a review, before the deadline: who the pod is, what was found, what becomes of it.
    async fn decide(
        &self,
        review: &Review<'_>,
        namespace: Option<Demand>,
        deadline: Instant,
        record: &mut Record<'_>,
    ) -> Result<(Outcome, Vec<u8>), Refusal> {
        let answer = |decision: &Decision<'_>| (decision.outcome(), decision.answer(review));
        let Some(candidate) = Candidate::of_review(review, namespace) else {
            return Ok(answer(&Decision::untouched(Reason::NotHandled)));
        };
        record.pod(&candidate);
        if let Some(reason) = candidate.settled() {
            return Ok(answer(&Decision::untouched(reason)));
        }
        let precedence = candidate.precedence(&self.defaults);
        let lookup = deadline.min(Instant::now() + self.limits.lookup);
        // Nothing is answered before all that is configured was read, whatever the account has.
        let policy =
            self.policy.as_ref().map(|file| file.current().ok_or(Refusal::PolicyUnread)).transpose()?;
        let found = self.identities.find(candidate.account, candidate.need, precedence, lookup).await?;
        if let Some(grant) = &found.grant {
            self.metrics.method(grant.method());
        }
        let policy = policy.as_ref().map(Snapshot::active);
        let rules = Rules { defaults: &self.defaults, policy, sources: &self.sources };
        let decide = || answer(&decide(&candidate, &found, &rules));
        self.lane.run(candidate.size(&found), deadline, decide).await
    }

    /// The body of a request, if its head is that of a review.
    async fn body(&self, request: Request, deadline: Instant) -> Result<(Vec<u8>, Share), Refusal> {
        if request.method() != Method::POST {
            return Err(Refusal::Method);
        }
        if !is_json(request.headers().get(CONTENT_TYPE)) {
            return Err(Refusal::MediaType);
        }
        self.memory.read(request.into_body(), deadline).await
    }

    /// Refuses every pod: the Go webhook's way to try an operator's alarms.
    async fn deny_all(&self, request: Request) -> Response {
        let deadline = Instant::now() + self.limits.request;
        let call = async {
            let (body, share) = self.body(request, deadline).await?;
            let decode = || Review::decode(&body, &self.defaults.annotation_prefix);
            let review = self.lane.run(body.len(), deadline, decode).await??;
            let message = Denial::Debug.message(&self.defaults.annotation_prefix, AccountName::default());
            let warnings = Vec::new();
            let decision = Decision::Refused { denial: Denial::Debug, message, warnings };
            Ok(json(decision.answer(&review), share))
        };
        self.guarded(call).await.into_response()
    }
}

/// The Go webhook's way to try an operator's alarms; here it also proves that a bug ends only its own call.
#[allow(clippy::panic, reason = "what the debug path is for")]
fn fail() -> Result<Response, Refusal> {
    panic!("the debug path /debug/alpha/500 was called")
}

/// An answer that holds its part of the common memory until its last byte is sent.
fn json(answer: Vec<u8>, mut share: Share) -> Response {
    share.shrink(answer.capacity());
    let body = Body::from(Bytes::from_owner(Held { answer, _share: share }));
    (StatusCode::OK, [(CONTENT_TYPE, "application/json")], body).into_response()
}

/// Bytes that are counted until they are dropped.
struct Held {
    answer: Vec<u8>,
    _share: Share,
}

impl AsRef<[u8]> for Held {
    fn as_ref(&self) -> &[u8] {
        &self.answer
    }
}

fn is_json(content_type: Option<&HeaderValue>) -> bool {
    let essence =
        content_type.and_then(|value| value.to_str().ok()).and_then(|value| value.split(';').next());
    essence.is_some_and(|essence| essence.trim().eq_ignore_ascii_case("application/json"))
}

/// How long a call may take: a little less than the API server waits, which it says in the query,
/// `?timeout=10s`. A later answer would reach no one.
fn patience(uri: &Uri) -> Option<Duration> {
    let timeout = uri.query()?.split('&').find_map(|pair| pair.strip_prefix("timeout="))?;
    let timeout = go::duration(timeout).ok().filter(|timeout| !timeout.is_zero())?;
    Some(timeout.mul_f64(0.8))
}

/// A method as a metric's label: an unknown method must not make a new one.
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
