//! What was read, before anything is made of it.

use std::time::SystemTime;

use crate::issuer::web::Fetched;
use crate::kubernetes::IssuedToken;

/// Everything that was looked at.
pub(super) struct Seen {
    /// This machine's time.
    pub(super) now: SystemTime,
    /// The discovery document; `None` if the issuer is no URL to read from.
    pub(super) document: Option<Fetched>,
    /// The key set; `None` if no document names one to read.
    pub(super) keys: Option<Fetched>,
    pub(super) cluster: ClusterSeen,
}

/// What the cluster says.
pub(super) enum ClusterSeen {
    /// It was not to be asked.
    NotAsked,
    /// There is none to ask.
    Unusable(String),
    /// It was asked.
    Asked(Box<AskedCluster>),
}

/// What a cluster answered.
pub(super) struct AskedCluster {
    /// Its discovery document.
    pub(super) document: Reading<String>,
    /// Its keys.
    pub(super) keys: Reading<String>,
    pub(super) token: Reading<IssuedToken>,
}

/// What was read, or why it was not.
pub(super) type Reading<T> = Result<T, Unread>;

/// Why the cluster did not say something.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum Unread {
    /// The caller may not.
    #[error("not permitted: {0}")]
    Forbidden(String),
    /// There is no such object.
    #[error("not found: {0}")]
    Missing(String),
    /// There was no usable answer.
    #[error("no usable answer: {0}")]
    Failed(String),
}
