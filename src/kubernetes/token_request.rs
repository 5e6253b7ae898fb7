//! Has the API server make a token for a `ServiceAccount`, as kubelet does for a pod.

use std::fmt;
use std::time::{Duration, SystemTime};

use http::header::{CONTENT_TYPE, DATE};
use http::{HeaderValue, Request};
use injection::AccountName;
use kube::Client;
use serde::Deserialize;
use serde_json::json;

use super::answer::{collect, open};
use super::error::ApiError;

/// Bytes of an answer, which is little more than the token.
const LARGEST: usize = 256 << 10;

/// A token, and what the API server's clock said when it sent it.
#[derive(Clone, PartialEq, Eq)]
pub struct IssuedToken {
    /// The token: a secret.
    pub token: String,
    /// The time of the answer, by whole seconds; `None` if something on the way left it out.
    pub date: Option<SystemTime>,
}

/// Without the token.
impl fmt::Debug for IssuedToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("IssuedToken").field("date", &self.date).finish_non_exhaustive()
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Answer {
    api_version: String,
    kind: String,
    status: Status,
}

#[derive(Deserialize)]
struct Status {
    token: String,
}

/// A token of the account for this audience, bound to no pod. The names need no escaping in a path; the API server makes no
/// lifetime below ten minutes.
///
/// # Errors
/// The API server does not answer, or refuses (403 if the caller may not create `serviceaccounts/token`, 404 if there is
/// no such account).
pub async fn request_token(
    client: &Client,
    account: AccountName<'_>,
    audience: &str,
    lifetime: Duration,
) -> Result<IssuedToken, ApiError> {
    let AccountName { namespace, name } = account;
    let wanted = json!({
        "apiVersion": "authentication.k8s.io/v1",
        "kind": "TokenRequest",
        "spec": { "audiences": [audience], "expirationSeconds": lifetime.as_secs() },
    });
    let request = Request::post(format!("/api/v1/namespaces/{namespace}/serviceaccounts/{name}/token"))
        .header(CONTENT_TYPE, HeaderValue::from_static("application/json"))
        .body(wanted.to_string().into_bytes());
    let request = request.map_err(|error| ApiError::Client(kube::Error::HttpError(error)))?;
    let answer = open(client, request).await?;
    let date = answer.headers().get(DATE).and_then(|date| date.to_str().ok());
    let date = date.and_then(|date| httpdate::parse_http_date(date).ok());
    let bytes = collect(answer.into_body(), LARGEST).await?;
    let Answer { api_version, kind, status } =
        serde_json::from_slice(&bytes).map_err(ApiError::unreadable)?;
    if kind != "TokenRequest" {
        let expected = format_args!("TokenRequest of authentication.k8s.io/v1");
        return Err(ApiError::foreign(expected, &api_version, &kind));
    }
    Ok(IssuedToken { token: status.token, date })
}
