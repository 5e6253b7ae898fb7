//! One call over HTTP, from its head to its answer: guard, body, signature, call, answer; and its line in the log.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use axum::Router;
use axum::body::Body;
use axum::extract::Request;
use http::Response;
use http_body_util::{BodyExt, Limited};
use injection::text::Line;
use tokio::time::{Instant, timeout};

use super::answer::{Answer, RequestId};
use super::api::Api;
use super::body::BODY_LIMIT;
use super::error::{ErrorName, ServiceError};
use super::guard::Guard;
use super::route::Call;
use super::sigv4::{SignedRequest, Verifier};

/// How long the API server may take over one call: clients of AWS wait for a minute, and try again.
const ANSWER: Duration = Duration::from_secs(30);

/// From a request's headers to its answer: a little more, so that the answer says what was waited for.
pub(super) const LIMIT: Duration = Duration::from_secs(35);

/// Characters of an error's words in the log.
const LONGEST_REASON: usize = 500;

/// What serves calls.
pub(super) struct Handler {
    pub(super) guard: Guard,
    pub(super) verifier: Verifier,
    pub(super) api: Api,
}

impl Handler {
    /// Takes every path: which one is which, the signature is verified before.
    pub(super) fn router(self: Arc<Self>) -> Router {
        Router::new().fallback(async move |request: Request| self.respond(request).await)
    }

    async fn respond(&self, request: Request) -> Response<Body> {
        let (began, id) = (Instant::now(), RequestId::random());
        let (call, answered) = self.call(request).await;
        let micros = u64::try_from(began.elapsed().as_micros()).unwrap_or(u64::MAX);
        let answer = match answered {
            Ok(answer) => {
                tracing::info!(call, request = %id, micros, "answered");
                answer
            }
            Err(error) => {
                // Callers' own words are in some errors.
                let why = Line::new(&error.message, LONGEST_REASON).to_string();
                tracing::info!(call, request = %id, micros, error = error.name.as_str(), why, "refused");
                Answer::error(&error)
            }
        };
        answer.response(id).map(Body::from)
    }

    /// The call's name, once it is known, and what becomes of it.
    async fn call(&self, request: Request) -> (&'static str, Result<Answer, ServiceError>) {
        let read = async {
            self.guard.check(request.headers())?;
            let (head, body) = request.into_parts();
            let body = read(body).await?;
            self.verifier.verify(&SignedRequest::new(&head, &body), SystemTime::now())?;
            let call = Call::read(&head.method, head.uri.path(), head.uri.query())?;
            Ok((call, body))
        };
        let (call, body) = match read.await {
            Ok(read) => read,
            Err(error) => return ("unknown", Err(error)),
        };
        let answer = timeout(ANSWER, self.api.answer(&call, &body)).await;
        let late = |_| {
            let message = format!("The API server has not answered within {ANSWER:?}.");
            Err(ErrorName::ServiceUnavailable.error(message))
        };
        (call.name(), answer.unwrap_or_else(late))
    }
}

async fn read(body: Body) -> Result<Vec<u8>, ServiceError> {
    let refuse = |message: String| ErrorName::InvalidRequest.error(message);
    match Limited::new(body, BODY_LIMIT).collect().await {
        Ok(body) => Ok(body.to_bytes().to_vec()),
        Err(error) if error.is::<http_body_util::LengthLimitError>() => {
            Err(refuse(format!("The request's body has more than {BODY_LIMIT} bytes.")))
        }
        Err(_) => Err(refuse("The request's body ended early.".to_owned())),
    }
}
