//! Reads keys from where the cluster has them: from files, and from API servers.

use std::path::{Path, PathBuf};

use futures_util::future::join_all;
use tokio::task::spawn_blocking;

use super::plan::Source;
use crate::issuer::api_server::{self, ApiServerError};
use crate::issuer::keys::{self, KeyFileError};
use crate::kubernetes::{Environment, UserCluster, UserClusterSettings};
use crate::source::regular_file::{self, ReadError};

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
    ApiServer(#[from] ApiServerError),
    #[error("failed to ask the file system: {0}")]
    Lost(String),
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
    let cluster =
        UserCluster::find(settings, Environment::of_process()).await.map_err(ApiServerError::from)?;
    let UserCluster { client, server, .. } = cluster;
    let keys = api_server::keys(&client, &server).await?;
    Ok(Source { name: server, keys })
}
