//! Certificate and key in files. Their bytes are compared on a poll: a watch for writes misses
//! kubelet's swap of the `..data` symlink.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use tokio::time::{MissedTickBehavior, interval};

use super::{Pair, PairError, Store};
use crate::metrics::Metrics;

/// How often the files are read: small, and from the page cache.
const POLL: Duration = Duration::from_secs(1);

/// The two files.
#[derive(Debug, Clone)]
pub struct Files {
    /// Certificate chain in PEM.
    pub certificate: PathBuf,
    /// Private key in PEM.
    pub key: PathBuf,
}

/// Why the files give no pair. At start it ends the start; later the pair that is served stays.
#[derive(Debug, thiserror::Error)]
pub enum FilesError {
    /// One of the files.
    #[error("failed to read {path}: {source}; give --tls-cert and --tls-key")]
    Read {
        /// Which.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// What they hold.
    #[error("failed to use {certificate} with {key}: {source}")]
    Pair {
        /// The chain's file.
        certificate: PathBuf,
        /// The key's file.
        key: PathBuf,
        /// Why.
        source: PairError,
    },
}

/// The files' bytes, to tell a change by.
#[derive(PartialEq, Eq)]
pub struct Contents {
    certificate: Vec<u8>,
    key: Vec<u8>,
}

impl Files {
    /// Reads both files.
    pub async fn contents(&self) -> Result<Contents, FilesError> {
        Ok(Contents { certificate: read(&self.certificate).await?, key: read(&self.key).await? })
    }

    /// Makes a pair of what was read.
    pub fn pair(&self, contents: &Contents) -> Result<Pair, FilesError> {
        Pair::from_pem(&contents.certificate, &contents.key).map_err(|source| FilesError::Pair {
            certificate: self.certificate.clone(),
            key: self.key.clone(),
            source,
        })
    }

    /// Replaces the store's pair whenever the files change into a good one, for ever.
    pub async fn follow(self, store: Arc<Store>, mut served: Contents, metrics: Arc<Metrics>) {
        let mut poll = interval(POLL);
        poll.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut complaint = String::new();
        loop {
            poll.tick().await;
            match self.changed(&served).await {
                Ok(None) => complaint.clear(),
                Ok(Some((contents, pair))) => {
                    tracing::info!(certificate = %self.certificate.display(), not_after = pair.not_after(), "certificate replaced");
                    metrics.certificate_expiry(pair.not_after());
                    store.replace(pair);
                    served = contents;
                    complaint.clear();
                }
                // Half a change, mostly: the files are written one after the other. Said once.
                Err(error) => {
                    let text = error.to_string();
                    if text != complaint {
                        metrics.certificate_error();
                        tracing::warn!(error = %text, "certificate not replaced: the last good one stays");
                        complaint = text;
                    }
                }
            }
        }
    }

    async fn changed(&self, served: &Contents) -> Result<Option<(Contents, Pair)>, FilesError> {
        let contents = self.contents().await?;
        if contents == *served {
            return Ok(None);
        }
        let pair = self.pair(&contents)?;
        Ok(Some((contents, pair)))
    }
}

async fn read(path: &Path) -> Result<Vec<u8>, FilesError> {
    tokio::fs::read(path).await.map_err(|source| FilesError::Read { path: path.to_owned(), source })
}
