//! Requests whose answers are read up to a bound and checked against what was asked for: whatever
//! answers in the API server's place may send anything, without an end.
//!
//! All that is asked of the API server goes through here. kube's own reading has no bound, logs what it cannot
//! read, and takes any JSON for the object that was asked for.

use http::{Request, Response, StatusCode};
use http_body_util::BodyExt;
use injection::AccountName;
use k8s_openapi::api::core::v1::ServiceAccount;
use kube::Client;
use kube::api::GetParams;
use kube::client::Body;
use kube::core::Status;
use serde::Deserialize;
use serde_json::value::RawValue;

use super::client::NewConnection;
use super::collection::{Collection, Form, Head};
use super::error::ApiError;

/// Largest answer, in bytes.
pub(super) const LARGEST_ANSWER: usize = 8 << 20;

/// Bytes of one object, alone on its page or on a line of a watch: the API server takes no request above 3 MiB, JSON
/// makes at most six bytes of one, and the envelope adds some. A smaller limit would let anyone who may create a
/// ServiceAccount stop the list of all: owners' names have no limit, and a list with an unreadable object fails.
pub(super) const LARGEST_OBJECT: usize = 20 << 20;

/// Bytes of the metadata of one object that is looked up, many of which are at the same time: annotations have
/// 256 KiB at most, of which every byte may become six in JSON. An account that is larger because of its owners' names
/// cannot be looked up; only its own pods notice, and the list and the watch still read it.
const LARGEST_METADATA: usize = 2 << 20;

/// Largest answer that is an error, in bytes.
const LARGEST_REFUSAL: usize = 64 << 10;

/// Which connection a request may take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ConnectionChoice {
    /// A connection that was kept, if there is one.
    Any,
    /// A new connection: one that was kept may be dead.
    New,
}

/// The metadata of one ServiceAccount, as it came; `None` if there is no such account.
///
/// # Errors
/// The API server does not answer, or something else answers in its place.
pub async fn service_account(
    client: &Client,
    account: AccountName<'_>,
    line: ConnectionChoice,
) -> Result<Option<Box<RawValue>>, ApiError> {
    #[derive(Deserialize)]
    struct Named {
        metadata: Name,
    }
    #[derive(Default, Deserialize)]
    #[serde(default)]
    struct Name {
        namespace: String,
        name: String,
    }
    let AccountName { namespace, name } = account;
    let accounts = Collection::of::<ServiceAccount>(&(), Some(namespace)).metadata();
    let request = accounts.requests().get_metadata(name, &GetParams::default());
    let mut request = request.map_err(|error| ApiError::Client(kube::Error::BuildRequest(error)))?;
    if line == ConnectionChoice::New {
        request.extensions_mut().insert(NewConnection);
    }
    let Some(text) = present(fetch(client, request, LARGEST_METADATA).await)? else { return Ok(None) };
    let object = RawValue::from_string(text).map_err(ApiError::unreadable)?;
    accounts.check(&Head::of(&object)?)?;
    let Named { metadata } = serde_json::from_str(object.get()).map_err(ApiError::unreadable)?;
    if metadata.namespace != namespace || metadata.name != name {
        return Err(ApiError::other(&account.to_string(), &metadata.namespace, &metadata.name));
    }
    Ok(Some(object))
}

/// Reads what is at this path: a small object of the core group, or an answer of discovery, of this kind.
pub(crate) async fn object<T: for<'de> Deserialize<'de>>(
    client: &Client,
    path: &str,
    kind: &'static str,
) -> Result<T, ApiError> {
    #[derive(Default, Deserialize)]
    #[serde(default, rename_all = "camelCase")]
    struct Type {
        api_version: String,
        kind: String,
    }
    let text = text(client, path, LARGEST_ANSWER).await?;
    let found: Type = serde_json::from_str(&text).map_err(ApiError::unreadable)?;
    if found.api_version != "v1" || found.kind != kind {
        return Err(ApiError::foreign(format_args!("{kind} of v1"), &found.api_version, &found.kind));
    }
    serde_json::from_str(&text).map_err(ApiError::unreadable)
}

/// What is at this path as text of `limit` bytes at most, which something else may have sent through the API server.
pub(crate) async fn text(client: &Client, path: &str, limit: usize) -> Result<String, ApiError> {
    let request = Request::get(path).body(Vec::new());
    fetch(client, request.map_err(|error| ApiError::Client(kube::Error::HttpError(error)))?, limit).await
}

/// Takes a 404 for an answer: there is no such object.
pub(super) fn present<T>(answer: Result<T, ApiError>) -> Result<Option<T>, ApiError> {
    match answer {
        Ok(found) => Ok(Some(found)),
        Err(error) if error.code() == Some(404) => Ok(None),
        Err(error) => Err(error),
    }
}

/// One page of a list of this collection.
pub(super) async fn page(
    client: &Client,
    collection: &Collection,
    params: &kube::api::ListParams,
    limit: usize,
) -> Result<String, ApiError> {
    let requests = collection.requests();
    let request = match collection.form() {
        Form::Whole => requests.list(params),
        Form::Metadata => requests.list_metadata(params),
    };
    let request = request.map_err(|error| ApiError::Client(kube::Error::BuildRequest(error)))?;
    fetch(client, request, limit).await
}

/// The text of an answer.
async fn fetch(client: &Client, request: Request<Vec<u8>>, limit: usize) -> Result<String, ApiError> {
    let answer = open(client, request).await?;
    let bytes = collect(answer.into_body(), limit).await?;
    String::from_utf8(bytes).map_err(|_| ApiError::Unreadable("no UTF-8".to_owned()))
}

/// Sends a request; the body of its answer is still to be read.
pub(super) async fn open(client: &Client, request: Request<Vec<u8>>) -> Result<Response<Body>, ApiError> {
    let answer = client.send(request.map(Body::from)).await.map_err(ApiError::Client)?;
    match answer.status() {
        StatusCode::OK | StatusCode::CREATED => Ok(answer),
        code => Err(refusal(code, answer.into_body()).await),
    }
}

/// The error of a request that was refused. A proxy before the API server may send another body than a `Status`.
async fn refusal(code: StatusCode, body: Body) -> ApiError {
    let bytes = match collect(body, LARGEST_REFUSAL).await {
        Ok(bytes) => bytes,
        Err(ApiError::TooLong(_)) => Vec::new(),
        Err(error) => return error,
    };
    let mut status = serde_json::from_slice::<Status>(&bytes)
        .unwrap_or_else(|_| Status::failure("the answer says no more", "no Status"));
    // The answer's own code counts, whatever its body says.
    status.code = code.as_u16();
    ApiError::Client(kube::Error::Api(status.boxed()))
}

pub(super) async fn collect(mut body: Body, limit: usize) -> Result<Vec<u8>, ApiError> {
    let mut bytes = Vec::new();
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(ApiError::Client)?;
        let Some(data) = frame.data_ref() else { continue };
        if bytes.len() + data.len() > limit {
            return Err(ApiError::TooLong(limit));
        }
        bytes.extend_from_slice(data);
    }
    Ok(bytes)
}
