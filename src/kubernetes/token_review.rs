//! Asks the API server whose token it is: it knows of pods and accounts that are gone, which no signature says.

use std::collections::BTreeMap;

use http::header::CONTENT_TYPE;
use http::{HeaderValue, Request};
use kube::Client;
use serde::Deserialize;
use serde_json::json;

use super::answer::{collect, open};
use super::error::ApiError;

/// Bytes of an answer, in which the token is repeated.
const LARGEST: usize = 256 << 10;

/// The pod to which a token is bound, by its UID (`k8s.io/apiserver/pkg/authentication/serviceaccount`).
const POD_UID: &str = "authentication.kubernetes.io/pod-uid";

/// Whose token it is, as the API server says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReviewedToken {
    /// The account's UID.
    pub user_uid: String,
    /// The UID of the pod to which the token is bound.
    pub pod_uid: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Answer {
    api_version: String,
    kind: String,
    status: Status,
}

#[derive(Deserialize)]
#[serde(default)]
#[derive(Default)]
struct Status {
    authenticated: bool,
    audiences: Vec<String>,
    user: User,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct User {
    uid: String,
    extra: BTreeMap<String, Vec<String>>,
}

/// Whose token it is, for this audience; `None`: the API server does not take it.
///
/// # Errors
/// The API server does not answer, or refuses to say (403 if the caller may not create `tokenreviews`).
pub async fn review_token(
    client: &Client,
    token: &str,
    audience: &str,
) -> Result<Option<ReviewedToken>, ApiError> {
    let review = json!({
        "apiVersion": "authentication.k8s.io/v1",
        "kind": "TokenReview",
        "spec": { "token": token, "audiences": [audience] },
    });
    let request = Request::post("/apis/authentication.k8s.io/v1/tokenreviews")
        .header(CONTENT_TYPE, HeaderValue::from_static("application/json"))
        .body(review.to_string().into_bytes());
    let request = request.map_err(|error| ApiError::Client(kube::Error::HttpError(error)))?;
    let answer = collect(open(client, request).await?.into_body(), LARGEST).await?;
    let Answer { api_version, kind, status } =
        serde_json::from_slice(&answer).map_err(ApiError::unreadable)?;
    if kind != "TokenReview" {
        let expected = format_args!("TokenReview of authentication.k8s.io/v1");
        return Err(ApiError::foreign(expected, &api_version, &kind));
    }
    // A server that knows no audiences says none.
    let is_taken = status.authenticated && status.audiences.iter().any(|taken| taken == audience);
    let User { uid, mut extra } = status.user;
    let pod_uid = extra.remove(POD_UID).and_then(|uids| uids.into_iter().next());
    Ok(is_taken.then_some(ReviewedToken { user_uid: uid, pod_uid }))
}
