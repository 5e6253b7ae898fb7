//! A certificate chain with its private key, proven to belong together.

use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use tokio_rustls::rustls;
use tokio_rustls::rustls::crypto::aws_lc_rs;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer, pem};
use tokio_rustls::rustls::sign::CertifiedKey;

use super::pem::to_pem;

/// A chain and its key.
#[derive(Debug)]
pub struct Pair {
    certified: Arc<CertifiedKey>,
    not_before: i64,
    not_after: i64,
}

/// Why bytes are not a pair that can be served. The caller keeps the pair that it has.
#[derive(Debug, thiserror::Error)]
pub enum PairError {
    /// The chain's PEM is malformed.
    #[error("no certificate could be read: {0}")]
    Certificate(&'static str),
    /// There is no PEM block of a certificate.
    #[error("no certificate in it")]
    NoCertificate,
    /// The key's PEM is malformed, or holds no key.
    #[error("no private key could be read: {0}")]
    Key(&'static str),
    /// Key and certificate do not belong together, or are of a kind that TLS does not use.
    #[error("certificate and key do not match: {0}")]
    Mismatch(#[source] rustls::Error),
    /// The certificate's contents cannot be read.
    #[error("the certificate is malformed: {0}")]
    Malformed(String),
}

impl Pair {
    /// Reads a chain and its key, both PEM, and proves that they belong together.
    pub fn from_pem(certificate: &[u8], key: &[u8]) -> Result<Self, PairError> {
        let chain: Vec<_> = CertificateDer::pem_slice_iter(certificate)
            .collect::<Result<_, _>>()
            .map_err(|error| PairError::Certificate(in_words(&error)))?;
        let key = PrivateKeyDer::from_pem_slice(key).map_err(|error| PairError::Key(in_words(&error)))?;
        Self::from_der(chain, key)
    }

    /// Takes a chain and its key in DER, and proves that they belong together.
    pub fn from_der(
        chain: Vec<CertificateDer<'static>>,
        key: PrivateKeyDer<'static>,
    ) -> Result<Self, PairError> {
        let leaf = chain.first().ok_or(PairError::NoCertificate)?;
        let (_, parsed) = x509_parser::parse_x509_certificate(leaf)
            .map_err(|error| PairError::Malformed(error.to_string()))?;
        let validity = parsed.validity();
        let (not_before, not_after) = (validity.not_before.timestamp(), validity.not_after.timestamp());
        let certified = CertifiedKey::from_der(chain, key, &aws_lc_rs::default_provider())
            .map_err(PairError::Mismatch)?;
        Ok(Self { certified: Arc::new(certified), not_before, not_after })
    }

    /// The pair in the form that rustls serves.
    #[must_use]
    pub fn certified(&self) -> Arc<CertifiedKey> {
        self.certified.clone()
    }

    /// The chain as PEM: what every client of a handshake is shown, and no key.
    #[must_use]
    pub fn chain_pem(&self) -> String {
        self.certified.cert.iter().map(|certificate| to_pem(certificate)).collect()
    }

    /// When the certificate becomes valid, in seconds since 1970.
    pub(in crate::certificates) fn not_before(&self) -> i64 {
        self.not_before
    }

    /// When the certificate expires, in seconds since 1970.
    #[must_use]
    pub fn not_after(&self) -> i64 {
        self.not_after
    }

    /// Whether the certificate is within its validity.
    pub fn check(&self, now: SystemTime) -> Result<(), String> {
        let now = now.duration_since(UNIX_EPOCH).as_ref().map_or(0, Duration::as_secs);
        let now = i64::try_from(now).unwrap_or(i64::MAX);
        if now > self.not_after {
            Err(format!("the certificate expired {} s ago", now - self.not_after))
        } else if now < self.not_before {
            Err(format!("the certificate is not valid for another {} s", self.not_before - now))
        } else {
            Ok(())
        }
    }
}

/// What is wrong with PEM, without quoting it: the parser's own words do, and a key whose line breaks were
/// lost would end up in the log whole.
pub(super) fn in_words(error: &pem::Error) -> &'static str {
    match error {
        pem::Error::MissingSectionEnd { .. } => "a PEM block has no END line of its own",
        pem::Error::IllegalSectionStart { .. } => "a PEM block has a malformed BEGIN line",
        pem::Error::Base64Decode(_) => "a PEM block is not base64",
        pem::Error::NoItemsFound => "no PEM block of that kind",
        _ => "malformed PEM",
    }
}
