//! Certificate and key in files. Their bytes are compared on a poll: a watch for writes misses
//! kubelet's swap of the `..data` symlink.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use tokio::task::spawn_blocking;
use tokio::time::{MissedTickBehavior, interval, timeout};

use super::metrics::Metrics;
use super::{FILE_LIMIT, Pair, PairError, Store};
use crate::source::regular_file;

/// How often the files are read: they are small, and in the page cache.
const POLL: Duration = Duration::from_secs(1);

/// How long one reading may take before it is reported; the file may be on a file system that hangs.
const PATIENCE: Duration = Duration::from_secs(5);

/// The two files.
#[derive(Debug, Clone)]
pub struct Files {
    /// Certificate chain in PEM.
    pub certificate: PathBuf,
    /// Private key in PEM.
    pub key: PathBuf,
}

/// Why the files give no pair. At start, the process ends; later, the pair that is served stays.
#[derive(Debug, thiserror::Error)]
pub enum FilesError {
    /// One of the files could not be read.
    #[error("failed to read {path}: {why}; give --tls-cert and --tls-key")]
    Read {
        /// The file's path.
        path: PathBuf,
        /// The reason, as text.
        why: String,
    },
    /// The files were read, but hold no pair that can be served.
    #[error("failed to use {certificate} with {key}: {source}")]
    Pair {
        /// Path of the chain's file.
        certificate: PathBuf,
        /// Path of the key's file.
        key: PathBuf,
        /// What is wrong with the pair.
        source: PairError,
    },
}

/// The files' bytes, by which a change is noticed.
#[derive(PartialEq, Eq)]
pub struct PairBytes {
    certificate: Vec<u8>,
    key: Vec<u8>,
}

impl Files {
    /// Reads both files.
    pub async fn contents(&self) -> Result<PairBytes, FilesError> {
        Ok(PairBytes { certificate: read(&self.certificate).await?, key: read(&self.key).await? })
    }

    /// Makes a pair of what was read.
    pub fn pair(&self, contents: &PairBytes) -> Result<Pair, FilesError> {
        Pair::from_pem(&contents.certificate, &contents.key).map_err(|source| FilesError::Pair {
            certificate: self.certificate.clone(),
            key: self.key.clone(),
            source,
        })
    }

    /// What TLS serves by these files, and the task that keeps it so.
    pub(crate) async fn served(
        self,
        metrics: Metrics,
    ) -> Result<(Arc<Store>, impl Future<Output = ()> + Send), FilesError> {
        let contents = self.contents().await?;
        let pair = self.pair(&contents)?;
        metrics.expires(pair.not_after());
        let store = Arc::new(Store::new(pair));
        Ok((store.clone(), self.follow(store, contents, metrics)))
    }

    /// Replaces the store's pair whenever the files change into a good one, for ever.
    pub async fn follow(self, store: Arc<Store>, mut served: PairBytes, metrics: Metrics) {
        let mut poll = interval(POLL);
        poll.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut complaint = String::new();
        loop {
            poll.tick().await;
            match self.changed(&served).await {
                Ok(None) => complaint.clear(),
                Ok(Some((contents, pair))) => {
                    tracing::info!(certificate = %self.certificate.display(), not_after = pair.not_after(), "certificate replaced");
                    metrics.expires(pair.not_after());
                    store.replace(pair);
                    served = contents;
                    complaint.clear();
                }
                // Mostly this is half a change: the files are written one after the other. It is logged once.
                Err(error) => {
                    let text = error.to_string();
                    if text != complaint {
                        metrics.failed();
                        tracing::warn!(error = %text, "certificate not replaced: the last good one stays");
                        complaint = text;
                    }
                }
            }
        }
    }

    async fn changed(&self, served: &PairBytes) -> Result<Option<(PairBytes, Pair)>, FilesError> {
        let contents = self.contents().await?;
        if contents == *served {
            return Ok(None);
        }
        let pair = self.pair(&contents)?;
        Ok(Some((contents, pair)))
    }
}

/// Reads one of the files. Its thread may hang, and is then waited for: another would hang beside it.
async fn read(path: &Path) -> Result<Vec<u8>, FilesError> {
    let failed = |why: String| FilesError::Read { path: path.to_owned(), why };
    let file = path.to_owned();
    let mut reading = spawn_blocking(move || regular_file::read(&file, FILE_LIMIT));
    let mut is_told = false;
    loop {
        match timeout(PATIENCE, &mut reading).await {
            Ok(Ok(Ok(bytes))) => return Ok(bytes),
            Ok(Ok(Err(error))) => return Err(failed(error.to_string())),
            // The runtime ends, and with it everything that could be done about the file.
            Ok(Err(error)) if error.is_cancelled() => return std::future::pending().await,
            Ok(Err(_)) => return Err(failed("the reading failed".to_owned())),
            Err(_) if is_told => {}
            Err(_) => {
                tracing::warn!(path = %path.display(), "no answer from the file system within {PATIENCE:?}");
                is_told = true;
            }
        }
    }
}
