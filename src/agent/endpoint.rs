//! One request of a pod, from its head to its answer:
//!
//! ```text
//! rate → request → trust → grants → cache → answer
//! ```
//!
//! The order of the first two, their statuses and their words are those of AWS's agent.

use std::net::IpAddr;
use std::sync::Arc;

use axum::body::{Body, Bytes};
use axum::http::header::{CONTENT_TYPE, HeaderName, HeaderValue};
use axum::http::request::Parts;
use axum::http::{Response, StatusCode};
use futures_util::FutureExt;
use futures_util::future::ready;
use injection::AccountName;
use tokio::time::{Instant, timeout_at};

use super::cache::{Ask, Asked, Cache, PATIENCE};
use super::failure::{Failure, FailureKind};
use super::grants::Grants;
use super::metrics::Metrics;
use super::rate::Rates;
use super::request;
use super::trust::{Subject, Trust};
use crate::server::Answers;

const TEXT: HeaderValue = HeaderValue::from_static("text/plain; charset=utf-8");
const JSON: HeaderValue = HeaderValue::from_static("application/json");
const CONTENT_TYPE_OPTIONS: HeaderName = HeaderName::from_static("x-content-type-options");
const NOSNIFF: HeaderValue = HeaderValue::from_static("nosniff");

/// What answers pods.
#[derive(Debug)]
pub(super) struct Endpoint {
    pub(super) trust: Arc<Trust>,
    /// `None` where the upstream knows the associations.
    pub(super) grants: Option<Grants>,
    pub(super) cache: Cache,
    pub(super) metrics: Arc<Metrics>,
}

/// What is served on one address, which answers `rate` requests a second.
pub(super) fn answers(endpoint: Arc<Endpoint>, rate: u32) -> Answers {
    let rates = Arc::new(Rates::new(rate, rate / 2));
    Answers::Direct(Arc::new(move |request, peer| {
        // Go's router answers unknown paths so, and the probe of AWS's agent goes by it.
        if request.uri().path() != request::PATH {
            return ready(refused(StatusCode::NOT_FOUND, "404 page not found\n".into())).boxed();
        }
        let (endpoint, rates) = (endpoint.clone(), rates.clone());
        async move {
            let (head, _) = request.into_parts();
            let answer = endpoint.answer(&head, peer, &rates).await;
            answered(answer, &endpoint.metrics)
        }
        .boxed()
    }))
}

impl Endpoint {
    async fn answer(&self, head: &Parts, peer: IpAddr, rates: &Rates) -> Result<Bytes, Failure> {
        let deadline = Instant::now() + PATIENCE;
        if !rates.allow(peer) {
            return Err(Failure::passing(429, "Too Many Requests"));
        }
        let authority = head.uri.authority().map(axum::http::uri::Authority::as_str);
        let text = request::token(&head.headers, authority)?;
        let subject = timeout_at(deadline, self.trust.check(text)).await.map_err(|_| slow())??;
        let Subject { namespace, service_account, expires, .. } = &*subject;
        let terms = match &self.grants {
            None => None,
            Some(grants) => Some(grants.of(AccountName::new(namespace, service_account))?),
        };
        let asked = Asked { subject: &subject, token: text, expires: *expires, terms: terms.as_ref() };
        self.cache.credentials(asked, deadline).await
    }

    /// Whether credentials would be asked for in the same way now.
    pub(super) fn is_current(&self, ask: &Ask) -> bool {
        let Some(grants) = &self.grants else { return true };
        let Subject { namespace, service_account, .. } = &*ask.subject;
        match (grants.of(AccountName::new(namespace, service_account)), &ask.terms) {
            (Ok(now), Some(then)) => now == *then,
            (Ok(_), None) => false,
            // What cannot be known now is no reason to drop what is held.
            (Err(failure), _) => failure.kind != FailureKind::Refused,
        }
    }
}

fn answered(answer: Result<Bytes, Failure>, metrics: &Metrics) -> Response<Body> {
    match answer {
        Ok(body) => {
            metrics.answered(200);
            written(StatusCode::OK, JSON, body)
        }
        Err(failure) => {
            metrics.answered(failure.status);
            let status = StatusCode::from_u16(failure.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
            refused(status, format!("{failure}\n").into())
        }
    }
}

/// What was asked for its token goes on: an SDK's next try finds keys, at the least.
fn slow() -> Failure {
    Failure::passing(503, "The API server takes too long to say whose token it is: ask again in a second")
}

/// As Go writes errors.
fn refused(status: StatusCode, text: Bytes) -> Response<Body> {
    let mut answer = written(status, TEXT, text);
    answer.headers_mut().insert(CONTENT_TYPE_OPTIONS, NOSNIFF);
    answer
}

fn written(status: StatusCode, content_type: HeaderValue, body: Bytes) -> Response<Body> {
    let mut answer = Response::new(Body::from(body));
    *answer.status_mut() = status;
    answer.headers_mut().insert(CONTENT_TYPE, content_type);
    answer
}
