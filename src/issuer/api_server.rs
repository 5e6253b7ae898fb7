//! API servers as sources of keys: which are asked, and what each verifies tokens by.

use std::time::Duration;

use kube::Client;
use tokens::key_set::KeySetError;
use tokens::{JsonWebKey, JsonWebKeySet};
use tokio::time::timeout;

use crate::cli::error::{SettingsError, invalid};
use crate::cli::user_cluster::UserClusterArgs;
use crate::kubernetes::{ApiError, UserClusterError, UserClusterSettings, text};

/// How long an API server may take.
const REQUEST: Duration = Duration::from_secs(10);

/// Largest answer that is read, in bytes.
const LARGEST: usize = tokens::key_set::MAX_BYTES;

/// Where an API server publishes its keys.
const KEY_SET: &str = "/openid/v1/jwks";

/// Why an API server did not say by which keys it verifies.
#[derive(Debug, thiserror::Error)]
pub(super) enum ApiServerError {
    #[error("{0}")]
    Cluster(#[from] UserClusterError),
    #[error("failed to ask the API server {server} for its keys: {source}{}", to_do(source))]
    Api { server: String, source: ApiError },
    #[error("the API server {server} does not answer with its keys: {source}")]
    KeySet { server: String, source: KeySetError },
    #[error("the API server {server} has a key that cannot be published: {why}")]
    LeftOut { server: String, why: String },
}

fn to_do(error: &ApiError) -> &'static str {
    match error.code() {
        Some(401 | 403) => {
            "; the ClusterRole system:service-account-issuer-discovery lets a user read them, which ServiceAccounts have by themselves"
        }
        _ => "",
    }
}

/// Each API server of `--api-server`, asked as the kubeconfig's user.
pub(super) fn settings(
    cluster: &UserClusterArgs,
    urls: &[String],
) -> Result<Vec<UserClusterSettings>, SettingsError> {
    let mut servers = Vec::new();
    for url in urls {
        let cluster = UserClusterArgs { kube_api: url.clone(), ..cluster.clone() };
        let settings = UserClusterSettings::try_from(&cluster).ok().filter(|_| !url.is_empty());
        let refused = || invalid("--api-server", url, "expected a URL such as https://10.0.0.1:6443");
        servers.push(settings.ok_or_else(refused)?);
    }
    Ok(servers)
}

/// All keys that an API server verifies by.
///
/// # Errors
/// It does not answer with them, or one that cannot be published is an error: tokens that it signs would be refused.
pub(super) async fn keys(client: &Client, server: &str) -> Result<Vec<JsonWebKey>, ApiServerError> {
    let answer = timeout(REQUEST, text(client, KEY_SET, LARGEST)).await;
    let answer = answer.unwrap_or(Err(ApiError::Late(REQUEST)));
    let answer = answer.map_err(|source| ApiServerError::Api { server: server.to_owned(), source })?;
    let set = JsonWebKeySet::parse(answer.as_bytes())
        .map_err(|source| ApiServerError::KeySet { server: server.to_owned(), source })?;
    match set.left_out() {
        [] => Ok(set.keys().to_vec()),
        [first, ..] => Err(ApiServerError::LeftOut { server: server.to_owned(), why: first.to_string() }),
    }
}
