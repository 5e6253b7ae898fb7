//! Calls that get no review for an answer, and the HTTP status that tells the API server what to
//! do: 503 with `Retry-After` is asked again by itself, everything else is left to failurePolicy.

use axum::http::StatusCode;
use axum::http::header::{ALLOW, CONNECTION, CONTENT_TYPE, HeaderValue, RETRY_AFTER};
use axum::response::{IntoResponse, Response};
use injection::Outcome;
use injection::review::ReviewError;
use serde_json::json;

use crate::identities::Unavailable;

/// Why a call gets no review for an answer. Texts hold nothing of what was sent.
#[derive(Debug, thiserror::Error)]
pub(super) enum Refusal {
    /// Not POST.
    #[error("only POST is served here")]
    Method,
    /// Not JSON by its own word.
    #[error("only Content-Type application/json is read here")]
    MediaType,
    /// The body is larger than any review.
    #[error("the body is larger than {limit} bytes")]
    TooLarge {
        /// In bytes.
        limit: usize,
    },
    /// The body did not come in time: mostly for want of CPU, on either side.
    #[error("the body did not come in time")]
    TooSlow,
    /// The connection broke while the body came.
    #[error("the body ended early")]
    Broken(#[source] axum::Error),
    /// The body is no review.
    #[error("{0}")]
    Unreadable(#[from] ReviewError),
    /// The bodies of other calls fill the memory they may take.
    #[error("too many requests in flight")]
    Busy,
    /// The account could not be looked up.
    #[error("{0}")]
    Unavailable(#[from] Unavailable),
    /// Nobody knows yet which roles are allowed.
    #[error("the role policy is not read yet")]
    PolicyUnread,
    /// A panic.
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
    /// A Kubernetes `Status`: the API server shows its message to whoever made the pod.
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
