//! What was read, before anything is made of it.

use std::net::SocketAddr;
use std::time::{Duration, SystemTime};

use tokio_rustls::rustls::pki_types::CertificateDer;

use super::url::HttpsUrl;
use crate::kubernetes::IssuedToken;

/// Bytes of a document: the largest key set that STS takes, 200 keys, has a third of it.
pub(super) const LARGEST: usize = tokens::key_set::MAX_BYTES;

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

/// What came of reading a URL.
pub(super) struct Fetched {
    pub(super) url: HttpsUrl,
    pub(super) reached: Result<Reached, Unreached>,
}

/// A server that speaks TLS.
pub(super) struct Reached {
    pub(super) address: SocketAddr,
    /// Whether a flag named the address, and DNS was not asked.
    pub(super) is_by_flag: bool,
    /// The certificates that it showed, whether or not anybody trusts them.
    pub(super) chain: Vec<CertificateDer<'static>>,
    pub(super) reply: Result<Reply, NoReply>,
}

/// Why there is no connection.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum Unreached {
    #[error("the name {0} does not resolve: {1}")]
    Name(String, String),
    #[error("{0} does not take a connection: {1}")]
    Refused(SocketAddr, String),
    #[error("{0} does not speak TLS as AWS does: {1}")]
    Tls(SocketAddr, String),
    #[error("no connection within {0:?}")]
    Late(Duration),
}

/// An answer over HTTP, whatever it says.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Reply {
    pub(super) status: u16,
    pub(super) location: Option<String>,
    pub(super) content_type: Option<String>,
    pub(super) cache_control: Option<String>,
    /// The region of an S3 bucket.
    pub(super) bucket_region: Option<String>,
    /// What the server says it is.
    pub(super) server: Option<String>,
    /// The server's clock.
    pub(super) date: Option<SystemTime>,
    /// Of an answer that is an error, its first [`LARGEST`] bytes.
    pub(super) body: Vec<u8>,
}

/// Why there is no answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum NoReply {
    #[error("no whole answer within {0:?}")]
    Late(Duration),
    #[error("the answer does not end after {} KiB", .0 >> 10)]
    TooLong(usize),
    #[error("the answer breaks off, or is not HTTP: {0}")]
    Broken(String),
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
