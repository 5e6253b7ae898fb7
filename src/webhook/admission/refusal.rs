//! Calls that are not answered with a review, and the HTTP status that tells the API server what to do: after
//! 503 with `Retry-After` it asks again by itself, everything else is left to failurePolicy.

use axum::http::StatusCode;
use axum::http::header::{ALLOW, CONNECTION, CONTENT_TYPE, HeaderValue, RETRY_AFTER};
use axum::response::{IntoResponse, Response};
use injection::Outcome;
use injection::review::ReviewError;
use serde_json::json;

use crate::identities::Unavailable;

/// Why a call is not answered with a review. The texts quote nothing of what was sent.
#[derive(Debug, thiserror::Error)]
pub(super) enum Refusal {
    /// The method is not POST.
    #[error("only POST is served here")]
    Method,
    /// The request's Content-Type is not that of JSON.
    #[error("only Content-Type application/json is read here")]
    MediaType,
    /// The body is larger than any review.
    #[error("the body is larger than {limit} bytes")]
    TooLarge {
        /// The most that is read, in bytes.
        limit: usize,
    },
    /// The body did not come in time, mostly for lack of CPU on either side.
    #[error("the body did not come in time")]
    TooSlow,
    /// The connection broke while the body came.
    #[error("the body ended early")]
    Broken(#[source] axum::Error),
    /// The body is not a review.
    #[error("{0}")]
    Unreadable(#[from] ReviewError),
    /// Other calls have the memory for all of them, or the one place for large reviews.
    #[error("too many requests in flight")]
    Busy,
    /// The account could not be looked up.
    #[error("{0}")]
    Unavailable(#[from] Unavailable),
    /// The role policy is not read yet, so it is not known which roles are allowed.
    #[error("the role policy is not read yet")]
    PolicyUnread,
    /// A bug made the call panic.
    #[error("the webhook failed: a bug, please report it")]
    Bug,
}

impl Refusal {
    pub(super) fn status(&self) -> StatusCode {
        match self {
            Self::Method => StatusCode::METHOD_NOT_ALLOWED,
            Self::MediaType => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            Self::TooLarge { .. } => StatusCode::PAYLOAD_TOO_LARGE,
            Self::Broken(_) | Self::Unreadable(_) => StatusCode::BAD_REQUEST,
            Self::TooSlow | Self::Busy | Self::Unavailable(_) | Self::PolicyUnread => {
                StatusCode::SERVICE_UNAVAILABLE
            }
            Self::Bug => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }

    pub(super) fn outcome(&self) -> Outcome {
        match self {
            Self::Method
            | Self::MediaType
            | Self::TooLarge { .. }
            | Self::Broken(_)
            | Self::Unreadable(_) => Outcome::Malformed,
            Self::TooSlow | Self::Busy | Self::Unavailable(_) | Self::PolicyUnread => Outcome::Unavailable,
            Self::Bug => Outcome::Failed,
        }
    }

    /// The reason of a Kubernetes `Status`, by its status code.
    fn reason(&self) -> &'static str {
        match self {
            Self::Method => "MethodNotAllowed",
            Self::MediaType => "UnsupportedMediaType",
            Self::TooLarge { .. } => "RequestEntityTooLarge",
            Self::Broken(_) | Self::Unreadable(_) => "BadRequest",
            Self::TooSlow | Self::Busy | Self::Unavailable(_) | Self::PolicyUnread => "ServiceUnavailable",
            Self::Bug => "InternalError",
        }
    }
}

impl IntoResponse for Refusal {
    /// A Kubernetes `Status`: the API server shows its message to the user who made the pod.
    fn into_response(self) -> Response {
        let status = self.status();
        let body = json!({
            "kind": "Status",
            "apiVersion": "v1",
            "metadata": {},
            "status": "Failure",
            "message": self.to_string(),
            "reason": self.reason(),
            "code": status.as_u16(),
        });
        let mut response = (status, body.to_string()).into_response();
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        match self {
            Self::Method => {
                headers.insert(ALLOW, HeaderValue::from_static("POST"));
            }
            // On a new connection the API server may meet another replica.
            Self::TooSlow | Self::Busy | Self::Unavailable(_) | Self::PolicyUnread => {
                headers.insert(RETRY_AFTER, HeaderValue::from_static("1"));
                headers.insert(CONNECTION, HeaderValue::from_static("close"));
            }
            // What is left of the body is not worth reading.
            Self::TooLarge { .. } => {
                headers.insert(CONNECTION, HeaderValue::from_static("close"));
            }
            Self::MediaType | Self::Broken(_) | Self::Unreadable(_) | Self::Bug => {}
        }
        response
    }
}
