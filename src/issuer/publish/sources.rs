//! Reads keys from where the cluster has them: from files, and from API servers.

use std::path::{Path, PathBuf};
use std::time::Duration;

use futures_util::future::join_all;
use kube::Client;
use tokens::key_set::KeySetError;
use tokens::{JsonWebKey, JsonWebKeySet};
use tokio::task::spawn_blocking;
use tokio::time::timeout;

use super::plan::Source;
use crate::issuer::keys::{self, KeyFileError};
use crate::kubernetes::{ApiError, Environment, UserCluster, UserClusterError, UserClusterSettings, text};
use crate::source::regular_file::{self, ReadError};

/// How long an API server may take.
const REQUEST: Duration = Duration::from_secs(10);

/// Largest answer that is read, in bytes.
const LARGEST: usize = tokens::key_set::MAX_BYTES;

/// Where an API server publishes its keys.
const KEY_SET: &str = "/openid/v1/jwks";

/// Where keys are read from.
#[derive(Debug, Clone, Default)]
pub(super) struct Places {
    pub(super) files: Vec<PathBuf>,
    /// Each API server that is asked.
    pub(super) api_servers: Vec<UserClusterSettings>,
}

/// Why a place was not read.
#[derive(Debug, thiserror::Error)]
pub(super) enum SourceError {
    #[error("failed to read the keys of {}: {source}", path.display())]
    Read { path: PathBuf, source: ReadError },
    #[error("failed to read the keys of {}: {source}", path.display())]
    Keys { path: PathBuf, source: KeyFileError },
    #[error("{0}")]
    Cluster(#[from] UserClusterError),
    #[error("failed to ask the API server {server} for its keys: {source}{}", to_do(source))]
    Api { server: String, source: ApiError },
    #[error("the API server {server} does not answer with its keys: {source}")]
    KeySet { server: String, source: KeySetError },
    #[error("the API server {server} has a key that cannot be published: {why}")]
    LeftOut { server: String, why: String },
    #[error("failed to ask the file system: {0}")]
    Lost(String),
}

fn to_do(error: &ApiError) -> &'static str {
    match error.code() {
        Some(401 | 403) => {
            "; the ClusterRole system:service-account-issuer-discovery lets a user read them, which ServiceAccounts have by themselves"
        }
        _ => "",
    }
}

/// Everything that could be read, and what could not.
pub(super) async fn read(places: &Places) -> (Vec<Source>, Vec<SourceError>) {
    let Places { files, api_servers } = places;
    let of_files = join_all(files.iter().map(|path| of_file(path))).await;
    let of_servers = join_all(api_servers.iter().map(|settings| of_api_server(settings.clone()))).await;
    let mut sources = Vec::new();
    let mut failed = Vec::new();
    for source in of_files.into_iter().chain(of_servers) {
        match source {
            Ok(source) => sources.push(source),
            Err(error) => failed.push(error),
        }
    }
    (sources, failed)
}

async fn of_file(path: &Path) -> Result<Source, SourceError> {
    let path = path.to_owned();
    let reading = spawn_blocking(move || match regular_file::read(&path, keys::LARGEST) {
        Err(source) => Err(SourceError::Read { path, source }),
        Ok(bytes) => match keys::read(&bytes) {
            Err(source) => Err(SourceError::Keys { path, source }),
            Ok(keys) => Ok(Source { name: path.display().to_string(), keys }),
        },
    });
    reading.await.unwrap_or_else(|error| Err(SourceError::Lost(error.to_string())))
}

async fn of_api_server(settings: UserClusterSettings) -> Result<Source, SourceError> {
    let cluster = UserCluster::find(settings, Environment::of_process()).await?;
    let UserCluster { client, server, .. } = cluster;
    let keys = asked(&client, &server).await?;
    Ok(Source { name: server, keys })
}

/// All keys that an API server verifies by. One that cannot be published is an error: tokens that it signs would be refused.
async fn asked(client: &Client, server: &str) -> Result<Vec<JsonWebKey>, SourceError> {
    let answer = timeout(REQUEST, text(client, KEY_SET, LARGEST)).await;
    let answer = answer.unwrap_or(Err(ApiError::Late(REQUEST)));
    let answer = answer.map_err(|source| SourceError::Api { server: server.to_owned(), source })?;
    let set = JsonWebKeySet::parse(answer.as_bytes())
        .map_err(|source| SourceError::KeySet { server: server.to_owned(), source })?;
    match set.left_out() {
        [] => Ok(set.keys().to_vec()),
        [first, ..] => Err(SourceError::LeftOut { server: server.to_owned(), why: first.to_string() }),
    }
}
