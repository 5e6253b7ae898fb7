//! What comes of reading a URL, before anything is made of it.

use std::net::SocketAddr;
use std::time::{Duration, SystemTime};

use tokio_rustls::rustls::pki_types::CertificateDer;

use super::url::HttpsUrl;

/// Bytes of a document: the largest key set that STS takes, 200 keys, has a third of it.
pub(in crate::issuer) const LARGEST: usize = tokens::key_set::MAX_BYTES;

/// What came of reading a URL.
pub(in crate::issuer) struct Fetched {
    pub(in crate::issuer) url: HttpsUrl,
    pub(in crate::issuer) reached: Result<Reached, Unreached>,
}

/// A server that speaks TLS.
pub(in crate::issuer) struct Reached {
    pub(in crate::issuer) address: SocketAddr,
    /// Whether a flag named the address, and DNS was not asked.
    pub(in crate::issuer) is_by_flag: bool,
    /// The certificates that it showed, whether or not anybody trusts them.
    pub(in crate::issuer) chain: Vec<CertificateDer<'static>>,
    pub(in crate::issuer) reply: Result<Reply, NoReply>,
}

/// Why there is no connection.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(in crate::issuer) enum Unreached {
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
pub(in crate::issuer) struct Reply {
    pub(in crate::issuer) status: u16,
    pub(in crate::issuer) location: Option<String>,
    pub(in crate::issuer) content_type: Option<String>,
    pub(in crate::issuer) cache_control: Option<String>,
    /// The region of an S3 bucket.
    pub(in crate::issuer) bucket_region: Option<String>,
    /// What the server says it is.
    pub(in crate::issuer) server: Option<String>,
    /// The server's clock.
    pub(in crate::issuer) date: Option<SystemTime>,
    /// Of an answer that is an error, its first [`LARGEST`] bytes.
    pub(in crate::issuer) body: Vec<u8>,
}

/// Why there is no answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(in crate::issuer) enum NoReply {
    #[error("no whole answer within {0:?}")]
    Late(Duration),
    #[error("the answer does not end after {} KiB", .0 >> 10)]
    TooLong(usize),
    #[error("the answer breaks off, or is not HTTP: {0}")]
    Broken(String),
}
