//! EC2's instance metadata, version 2: a token first, then what is wanted, over plain HTTP to an
//! address that only the instance reaches.
//!
//! <https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/instancedata-data-retrieval.html>

use std::time::Duration;

use http::{Method, Request, StatusCode, Uri};
use http_body_util::{BodyExt, Empty, Limited};
use hyper::body::Bytes;
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use injection::role::AccountId;
use serde::Deserialize;
use tokio::time::{sleep, timeout};

use crate::kubernetes::chain;

/// How long one request may take: the service answers at once or, across one hop too many, never.
const PATIENCE: Duration = Duration::from_secs(1);

/// How often every endpoint is asked, in case the network is being set up, and the pause in between.
const TRIES: usize = 3;
const PAUSE: Duration = Duration::from_millis(200);

/// Largest answer, in bytes; a token and an identity document are far shorter.
const LONGEST_ANSWER: usize = 64 << 10;

const TOKEN: &str = "/latest/api/token";
const DOCUMENT: &str = "/latest/dynamic/instance-identity/document";

/// Where the instance runs, and whose it is.
#[derive(Debug)]
pub(crate) struct Identity {
    pub(crate) account: AccountId,
    pub(crate) region: String,
}

/// The service, at one of several addresses.
#[derive(Debug)]
pub(crate) struct InstanceMetadata {
    client: Client<HttpConnector, Empty<Bytes>>,
    endpoints: Vec<Uri>,
}

/// Why one endpoint gave no usable answer.
#[derive(Debug, thiserror::Error)]
enum MetadataError {
    #[error("no answer to {0} {1} within {PATIENCE:?}")]
    Silent(Method, &'static str),
    #[error("{0}")]
    Connection(String),
    #[error("{0} {1} was answered {2}")]
    Status(Method, &'static str, StatusCode),
    #[error("the answer to {0} {1} cannot be read")]
    Unreadable(Method, &'static str),
}

/// The members of the identity document that are of interest.
#[derive(Deserialize)]
struct Document {
    #[serde(rename = "accountId")]
    account: String,
    region: String,
}

impl InstanceMetadata {
    /// A client that asks these endpoints, in this order, each for the same path.
    pub(crate) fn new(endpoints: Vec<Uri>) -> Self {
        Self { client: Client::builder(TokioExecutor::new()).build_http(), endpoints }
    }

    /// The instance's identity; the error says for every endpoint why it gave none.
    pub(crate) async fn identity(&self) -> Result<Identity, String> {
        let mut reasons = Vec::new();
        for tried in 0..TRIES {
            if tried > 0 {
                sleep(PAUSE).await;
            }
            reasons.clear();
            for endpoint in &self.endpoints {
                match self.ask(endpoint).await {
                    Ok(identity) => return Ok(identity),
                    Err(error) => {
                        reasons.push(format!("{}: {error}", endpoint.to_string().trim_end_matches('/')))
                    }
                }
            }
            tracing::debug!(?reasons, "instance metadata has not answered");
        }
        Err(reasons.join(", "))
    }

    async fn ask(&self, endpoint: &Uri) -> Result<Identity, MetadataError> {
        let ttl = ("x-aws-ec2-metadata-token-ttl-seconds", "60");
        let token = self.send(endpoint, Method::PUT, TOKEN, ttl).await?;
        let token = ("x-aws-ec2-metadata-token", token.trim());
        let document = self.send(endpoint, Method::GET, DOCUMENT, token).await?;
        let unreadable = || MetadataError::Unreadable(Method::GET, DOCUMENT);
        let Document { account, region } = serde_json::from_str(&document).map_err(|_| unreadable())?;
        let account = AccountId::new(&account).ok_or_else(unreadable)?;
        if region.is_empty() { Err(unreadable()) } else { Ok(Identity { account, region }) }
    }

    /// Sends one request; gives the text of its answer.
    async fn send(
        &self,
        endpoint: &Uri,
        method: Method,
        path: &'static str,
        (header, value): (&str, &str),
    ) -> Result<String, MetadataError> {
        let unreadable = || MetadataError::Unreadable(method.clone(), path);
        let mut parts = endpoint.clone().into_parts();
        parts.path_and_query = Some(http::uri::PathAndQuery::from_static(path));
        let request = Uri::from_parts(parts).map_err(http::Error::from).and_then(|uri| {
            Request::builder().method(&method).uri(uri).header(header, value).body(Empty::new())
        });
        // All but the token is known to be well-formed.
        let request = request.map_err(|_| MetadataError::Unreadable(Method::PUT, TOKEN))?;
        let answer = async {
            let answer = self
                .client
                .request(request)
                .await
                .map_err(|error| MetadataError::Connection(chain(&error)))?;
            if answer.status() != StatusCode::OK {
                return Err(MetadataError::Status(method.clone(), path, answer.status()));
            }
            let body =
                Limited::new(answer.into_body(), LONGEST_ANSWER).collect().await.map_err(|_| unreadable())?;
            String::from_utf8(body.to_bytes().into()).map_err(|_| unreadable())
        };
        timeout(PATIENCE, answer).await.map_err(|_| MetadataError::Silent(method.clone(), path))?
    }
}
