//! What the cluster says: its issuer, the keys that it verifies with, and a token made for this.

use std::time::Duration;

use injection::AccountName;
use kube::Client;
use tokio::time::timeout;

use super::super::seen::{AskedCluster, ClusterSeen, Reading, Unread};
use super::super::settings::Settings;
use crate::issuer::account::Account;
use crate::issuer::web::LARGEST;
use crate::kubernetes::{ApiError, Environment, IssuedToken, UserCluster, request_token, text};

/// How long one request may take.
const REQUEST: Duration = Duration::from_secs(10);

/// How long the token lasts: API servers make none that lasts for less.
const LIFETIME: Duration = Duration::from_mins(10);

/// Asks the cluster, if one is to be asked.
pub(super) async fn ask(settings: &Settings) -> ClusterSeen {
    let Some(cluster) = &settings.cluster else { return ClusterSeen::NotAsked };
    let client = match UserCluster::find(cluster.clone(), Environment::of_process()).await {
        Ok(cluster) => cluster.client,
        Err(error) => return ClusterSeen::Unusable(error.to_string()),
    };
    let (document, keys, token) = tokio::join!(
        timely(text(&client, "/.well-known/openid-configuration", LARGEST)),
        timely(text(&client, "/openid/v1/jwks", LARGEST)),
        timely(token(&client, settings)),
    );
    ClusterSeen::Asked(Box::new(AskedCluster { document, keys, token }))
}

async fn token(client: &Client, settings: &Settings) -> Result<IssuedToken, ApiError> {
    let Account { namespace, name } = &settings.account;
    request_token(client, AccountName { namespace, name }, &settings.audience, LIFETIME).await
}

async fn timely<T>(request: impl Future<Output = Result<T, ApiError>>) -> Reading<T> {
    let answer = timeout(REQUEST, request).await.unwrap_or(Err(ApiError::Late(REQUEST)));
    answer.map_err(|error| match error.code() {
        Some(401 | 403) => Unread::Forbidden(error.to_string()),
        Some(404) => Unread::Missing(error.to_string()),
        _ => Unread::Failed(error.to_string()),
    })
}
