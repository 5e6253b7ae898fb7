//! The path of a pod: request, review, identity, plan, patch, answer. The only thing that waits is
//! the look-up of the identity.

mod body;
mod lane;
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
use tokio::time::Instant;

use crate::args;
use crate::identities::{Identities, Need};
use crate::injection::answer::Answer;
use crate::injection::denial::Demand;
use crate::injection::excess::{TOLD, cut};
use crate::injection::review::Subject;
use crate::injection::warning::Warning;
use crate::injection::{Defaults, Denial, Grant, Outcome, Plan, Pod, Review, Rules, decide};
use crate::metrics::Metrics;
use crate::pressure::Pressure;
use crate::role_policy::PolicyFile;
use crate::settings::Limits;
use crate::telemetry::Throttle;
use body::{Memory, Share};
use lane::Lane;
use record::Record;
use refusal::Refusal;

/// Most memory, in bytes, that the one large review that is worked on takes beside what is counted: its lists and
/// texts before they are counted, its patch and the answer while they are written.
pub const LARGE_WORK: usize = 24 << 20;

/// The same of every other review that a thread works on.
pub const SMALL_WORK: usize = 4 << 20;

/// Lines a second, and at first at once, about calls that no API server makes: whoever reaches the port
/// can make as many as he likes.
const STRANGERS: u32 = 20;

/// Answers admission reviews.
#[derive(Debug)]
pub struct Admission {
    identities: Identities,
    defaults: Defaults,
    policy: Option<PolicyFile>,
    limits: Limits,
    memory: Memory,
    lane: Lane,
    strangers: Throttle,
    metrics: Arc<Metrics>,
}

impl Admission {
    /// Answers from `identities`, within the role policy where there is one.
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
        Self { identities, defaults, policy, limits, memory, lane: Lane::new(), strangers, metrics }
    }

    /// Whether the memory for calls is short.
    #[must_use]
    pub fn pressure(&self) -> Arc<Pressure> {
        self.memory.pressure()
    }

    /// `/mutate`, the same for namespaces that require an identity, and the Go webhook's debug paths
    /// if they are asked for.
    pub fn routes(self: Arc<Self>, debug: bool) -> Router {
        let (admission, requiring) = (self.clone(), self.clone());
        let routes = Router::new()
            .route("/mutate", any(async move |request| admission.respond(request, None).await))
            // The registration knows the namespace's labels, and changes with them at once.
            .route(
                "/mutate/required",
                any(async move |request| requiring.respond(request, Some(Demand::Namespace)).await),
            );
        if !debug {
            return routes;
        }
        let (denying, failing) = (self.clone(), self);
        routes
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
        let held = body.capacity() + review.subject.weight();
        share.grow(held)?;
        let (outcome, answer) = self.decide(&review, namespace, deadline, record).await?;
        share.grow(held + answer.capacity())?;
        drop(review);
        drop(body);
        Ok((outcome, json(answer, share)))
    }

    /// What to answer to a review, before the deadline.
    async fn decide(
        &self,
        review: &Review<'_>,
        demand: Option<Demand>,
        deadline: Instant,
        record: &mut Record<'_>,
    ) -> Result<(Outcome, Vec<u8>), Refusal> {
        let leave = |outcome, warnings: &[Warning]| {
            let (version, uid) = (review.version, &*review.uid);
            let answer =
                Answer { version, uid, outcome, patch: None, warnings, denial: None, forbidden: None };
            (outcome, answer.write())
        };
        let Some(pod) = review.subject.pod() else {
            return Ok(leave(Outcome::NotHandled, &[]));
        };
        let namespace = namespace(review, pod);
        let name = pod.service_account();
        record.pod(namespace, pod.name(), name);
        if pod.metadata.is_mirror {
            return Ok(leave(Outcome::MirrorPod, &[]));
        }
        let lookup = deadline.min(Instant::now() + self.limits.lookup);
        let need = match &review.subject {
            // Its pod runs, and somebody wants to find out what is wrong.
            Subject::Ephemeral { .. } => Need::Usual,
            Subject::Pod(_) | Subject::Other => Need::of(pod, demand),
        };
        // Whatever the account has: nothing is answered before all that is configured was read.
        let policy =
            self.policy.as_ref().map(|file| file.current().ok_or(Refusal::PolicyUnread)).transpose()?;
        let found = self.identities.find(namespace, name, need, lookup).await?;
        let demand = need.demand();
        let Some(grant) = &found.grant else {
            if let Some(demand) = demand {
                let (exists, sources) = (found.exists, self.identities.names());
                let denial = Denial::RequiredMissing { demand, exists, sources };
                let message = denial.message(&self.defaults.annotation_prefix, namespace, name);
                return Ok(refuse(review, Outcome::RequiredMissing, &message));
            }
            if found.exists {
                return Ok(leave(Outcome::NoIdentity, &[]));
            }
            // No longer than a warning tells of.
            let [namespace, name] = [namespace, name].map(|text| cut(text, TOLD));
            let account = format!("{namespace}/{name}");
            return Ok(leave(Outcome::AccountMissing, &[Warning::AccountMissing { account }]));
        };
        self.metrics.method(grant.method());
        let guard = policy.as_ref().map(|policy| policy.guard(namespace, name));
        let rules = Rules { defaults: &self.defaults, guard };
        let size = review.subject.weight().max(grant.patch_size(review.subject.containers()));
        let answer = || answer(review, grant, rules, demand, [namespace, name]);
        self.lane.run(size, deadline, answer).await
    }

    /// The body of a request that is one of ours by its head.
    async fn body(&self, request: Request, deadline: Instant) -> Result<(Vec<u8>, Share), Refusal> {
        if request.method() != Method::POST {
            return Err(Refusal::Method);
        }
        if !is_json(request.headers().get(CONTENT_TYPE)) {
            return Err(Refusal::MediaType);
        }
        self.memory.read(request.into_body(), deadline).await
    }

    /// Refuses whatever is asked: the Go webhook's way to try an operator's alarms.
    async fn deny_all(&self, request: Request) -> Response {
        let deadline = Instant::now() + self.limits.request;
        let call = async {
            let (body, share) = self.body(request, deadline).await?;
            let decode = || Review::decode(&body, &self.defaults.annotation_prefix);
            let review = self.lane.run(body.len(), deadline, decode).await??;
            let answer = Answer {
                version: review.version,
                uid: &review.uid,
                outcome: Outcome::NotHandled,
                patch: None,
                warnings: &[],
                denial: Some("denied by the debug path /debug/alpha/deny"),
                forbidden: None,
            };
            Ok(json(answer.write(), share))
        };
        self.guarded(call).await.into_response()
    }
}

/// The answer to a review of a pod whose account, by namespace and name, has an identity.
fn answer(
    review: &Review<'_>,
    grant: &Grant,
    rules: Rules<'_>,
    demand: Option<Demand>,
    [namespace, name]: [&str; 2],
) -> (Outcome, Vec<u8>) {
    let decision = decide(&review.subject, grant, rules, demand, Some(&review.uid));
    let plan = decision.as_ref().map(|decision| &decision.plan);
    let outcome = plan.map_or(Outcome::NotHandled, Plan::outcome);
    let prefix = &rules.defaults.annotation_prefix;
    let denial = plan.and_then(|plan| plan.denial.as_ref());
    let denial = denial.map(|denial| denial.message(prefix, namespace, name));
    let forbidden = plan.and_then(Plan::forbidden);
    let answer = Answer {
        version: review.version,
        uid: &review.uid,
        outcome,
        patch: decision.as_ref().and_then(|decision| decision.patch.as_deref()),
        warnings: plan.map_or(&[], |plan| &plan.warnings),
        denial: denial.as_deref(),
        forbidden: forbidden.as_deref(),
    };
    (outcome, answer.write())
}

/// An answer that refuses the pod.
fn refuse(review: &Review<'_>, outcome: Outcome, message: &str) -> (Outcome, Vec<u8>) {
    let (version, uid) = (review.version, &*review.uid);
    let denial = Some(message);
    let answer = Answer { version, uid, outcome, patch: None, warnings: &[], denial, forbidden: None };
    (outcome, answer.write())
}

/// The Go webhook's way to try an operator's alarms, and ours to prove that a bug stays where it is.
#[allow(clippy::panic, reason = "what the debug path is for")]
fn fail() -> Result<Response, Refusal> {
    panic!("the debug path /debug/alpha/500 was called")
}

/// The namespace of the request rules; the pod's own may be empty.
fn namespace<'a>(review: &'a Review<'a>, pod: &'a Pod<'a>) -> &'a str {
    [&*review.namespace, &*pod.metadata.namespace]
        .into_iter()
        .find(|namespace| !namespace.is_empty())
        .unwrap_or("default")
}

/// An answer that holds its part of the common memory until its last byte is sent.
fn json(answer: Vec<u8>, mut share: Share) -> Response {
    share.shrink(answer.capacity());
    let body = Body::from(Bytes::from_owner(Held { answer, _share: share }));
    (StatusCode::OK, [(CONTENT_TYPE, "application/json")], body).into_response()
}

/// Bytes that are counted as long as they are there.
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
