//! Looks at the world: what is published, and what each API server verifies by and signs with. It changes nothing.

use std::collections::BTreeSet;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use futures_util::future::try_join_all;
use injection::AccountName;
use serde::Deserialize;
use tokens::JsonWebKeySet;
use tokens::key_set::KeySetError;
use tokio::time::timeout;

use super::settings::Settings;
use super::step::{ApiServer, Seen};
use crate::issuer::account::Account;
use crate::issuer::api_server::{self, ApiServerError};
use crate::issuer::issuer_url::{DISCOVERY, IssuerUrl};
use crate::issuer::web::{self, Approach, HttpsUrl, WebError};
use crate::kubernetes::{ApiError, Environment, UserCluster, UserClusterSettings, request_token};

/// The audience of the tokens that are made to see who signs: AWS's, though nobody else sees them.
const AUDIENCE: &str = "sts.amazonaws.com";

/// How long a token lasts: API servers make none that lasts for less.
const LIFETIME: Duration = Duration::from_mins(10);

/// How long a token may take to be made.
const REQUEST: Duration = Duration::from_secs(10);

/// Why something was not seen. Then nothing is said of the rotation, and nothing remembered.
#[derive(Debug, thiserror::Error)]
pub(super) enum LookError {
    #[error("failed to read {url}: {source}; 'pod-identity-webhook issuer check' says more")]
    Web { url: String, source: WebError },
    #[error(
        "{url} is not the discovery document of {issuer}: {why}; 'pod-identity-webhook issuer check' says more"
    )]
    Document { url: String, issuer: String, why: String },
    #[error("the keys at {url} cannot be read: {source}; 'pod-identity-webhook issuer check' says more")]
    Keys { url: String, source: KeySetError },
    #[error("{0}")]
    ApiServer(#[from] ApiServerError),
    #[error(
        "failed to have the API server {server} make a token for {account}, to see by which key it signs: {source}; the user needs the right to create serviceaccounts/token, and --service-account names another account"
    )]
    Token { server: String, account: Account, source: ApiError },
    #[error("the token that the API server {server} has made names no key")]
    NoKid { server: String },
}

#[derive(Deserialize)]
struct Document {
    issuer: String,
    jwks_uri: String,
}

#[derive(Deserialize)]
struct Header {
    kid: Option<String>,
}

/// Looks at everything.
pub(super) async fn look(settings: &Settings) -> Result<Seen, LookError> {
    let servers = settings.api_servers.iter().map(|server| ask(server.clone(), &settings.account));
    let (published, servers) =
        tokio::join!(published(&settings.issuer, &settings.approach), try_join_all(servers));
    Ok(Seen { published: published?, servers: servers? })
}

/// The ids of the keys that the discovery document leads to.
async fn published(issuer: &IssuerUrl, approach: &Approach) -> Result<BTreeSet<String>, LookError> {
    let url = issuer.below(DISCOVERY);
    let bytes = read(&url, approach).await?;
    let foreign = |why: String| LookError::Document { url: url.clone(), issuer: issuer.to_string(), why };
    let document: Document = serde_json::from_slice(&bytes).map_err(|error| foreign(error.to_string()))?;
    if document.issuer != issuer.as_str() {
        return Err(foreign(format!("it is of {:?}", document.issuer)));
    }
    let url = document.jwks_uri;
    let keys = JsonWebKeySet::parse(&read(&url, approach).await?);
    let keys = keys.map_err(|source| LookError::Keys { url, source })?;
    Ok(ids(keys.keys()))
}

async fn read(url: &str, approach: &Approach) -> Result<Vec<u8>, LookError> {
    let failed = |source| LookError::Web { url: url.to_owned(), source };
    let parsed = HttpsUrl::parse(url).ok_or_else(|| failed(WebError::NoUrl))?;
    web::read(parsed, approach).await.map_err(failed)
}

fn ids(keys: &[tokens::JsonWebKey]) -> BTreeSet<String> {
    keys.iter().filter_map(|key| key.kid().map(str::to_owned)).collect()
}

async fn ask(settings: UserClusterSettings, account: &Account) -> Result<ApiServer, LookError> {
    let cluster =
        UserCluster::find(settings, Environment::of_process()).await.map_err(ApiServerError::from)?;
    let UserCluster { client, server: url, .. } = cluster;
    let verifies = ids(&api_server::keys(&client, &url).await?);
    let Account { namespace, name } = account;
    let asking = request_token(&client, AccountName { namespace, name }, AUDIENCE, LIFETIME);
    let issued = timeout(REQUEST, asking).await.unwrap_or(Err(ApiError::Late(REQUEST)));
    let issued = issued.map_err(|source| LookError::Token {
        server: url.clone(),
        account: account.clone(),
        source,
    })?;
    let header = issued.token.split('.').next().and_then(|part| URL_SAFE_NO_PAD.decode(part).ok());
    let header = header.and_then(|json| serde_json::from_slice::<Header>(&json).ok());
    let signs =
        header.and_then(|header| header.kid).ok_or_else(|| LookError::NoKid { server: url.clone() })?;
    Ok(ApiServer { url, verifies, signs })
}
