//! The part of an authority that may be known to all: what caBundles are made of.

use std::fmt::{self, Write as _};

use rcgen::{KeyPair, PublicKeyData};
use tokio_rustls::rustls::pki_types::CertificateDer;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use x509_parser::certificate::X509Certificate;
use x509_parser::extensions::GeneralName;

use super::error::AuthorityError;
use super::names::Names;
use crate::certificates::PairError;
use crate::certificates::pair::in_words;
use crate::certificates::pem::to_pem;

/// A certificate of an authority.
#[derive(Clone, PartialEq, Eq)]
pub struct Certificate {
    der: CertificateDer<'static>,
    not_before: i64,
    not_after: i64,
    serial: String,
}

impl fmt::Debug for Certificate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Certificate").field(&self.serial).finish()
    }
}

impl Certificate {
    /// Reads a certificate that was written as PEM: the first, if there are more.
    pub fn of_pem(pem: &str) -> Result<Self, PairError> {
        let der = CertificateDer::from_pem_slice(pem.as_bytes());
        Self::of_der(der.map_err(|error| PairError::Certificate(in_words(&error)))?)
    }

    /// Reads a certificate.
    pub fn of_der(der: CertificateDer<'static>) -> Result<Self, PairError> {
        let parsed = parse(&der)?;
        let validity = parsed.validity();
        let (not_before, not_after) = (validity.not_before.timestamp(), validity.not_after.timestamp());
        let serial = parsed.raw_serial_as_string().replace(':', "");
        Ok(Self { der, not_before, not_after, serial })
    }

    /// Every certificate of a bundle in PEM; what cannot be read is left out.
    #[must_use]
    pub fn of_bundle(pem: &[u8]) -> Vec<Self> {
        let blocks = CertificateDer::pem_slice_iter(pem);
        blocks.filter_map(Result::ok).filter_map(|der| Self::of_der(der).ok()).collect()
    }

    /// The certificate as caBundles and the Secret have it.
    #[must_use]
    pub fn pem(&self) -> String {
        to_pem(&self.der)
    }

    /// The certificate's bytes.
    #[must_use]
    pub fn der(&self) -> &CertificateDer<'static> {
        &self.der
    }

    /// Its serial number in hexadecimal digits: random, and so its name in the log.
    #[must_use]
    pub fn serial(&self) -> &str {
        &self.serial
    }

    /// When it becomes valid, in seconds since 1970.
    #[must_use]
    pub fn not_before(&self) -> i64 {
        self.not_before
    }

    /// When it expires, in seconds since 1970.
    #[must_use]
    pub fn not_after(&self) -> i64 {
        self.not_after
    }

    /// Whether leaves of this authority are accepted at this time.
    pub(super) fn check(&self, now: i64) -> Result<(), AuthorityError> {
        if now >= self.not_after {
            Err(AuthorityError::Expired(now.saturating_sub(self.not_after)))
        } else if self.not_before > now {
            Err(AuthorityError::NotYetValid(self.not_before.saturating_sub(now)))
        } else {
            Ok(())
        }
    }

    /// Whether it is an authority's of this name, which may sign for exactly these names.
    pub(super) fn is_of(&self, subject: &str, names: &Names) -> bool {
        let Ok(parsed) = parse(&self.der) else { return false };
        let mut common_names = parsed.subject().iter_common_name();
        let is_subject = common_names.next().and_then(|name| name.as_str().ok()) == Some(subject);
        let Ok(Some(constraints)) = parsed.name_constraints() else { return false };
        let permitted = constraints.value.permitted_subtrees.as_deref().unwrap_or_default();
        let permitted = permitted.iter().map(|subtree| match &subtree.base {
            GeneralName::DNSName(name) => Some(*name),
            _ => None,
        });
        is_subject && parsed.is_ca() && permitted.eq(names.iter().map(|name| Some(name.as_str())))
    }

    /// Whether it is of this key.
    pub(super) fn is_of_key(&self, key: &KeyPair) -> bool {
        parse(&self.der)
            .is_ok_and(|parsed| parsed.public_key().subject_public_key.data.as_ref() == key.der_bytes())
    }
}

impl fmt::Display for Certificate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.serial)
    }
}

fn parse<'a>(der: &'a CertificateDer<'_>) -> Result<X509Certificate<'a>, PairError> {
    let parsed = x509_parser::parse_x509_certificate(der);
    parsed.map(|(_, parsed)| parsed).map_err(|error| PairError::Malformed(error.to_string()))
}

/// Certificates as one bundle.
pub(super) fn bundle<'a>(certificates: impl IntoIterator<Item = &'a Certificate>) -> String {
    certificates.into_iter().fold(String::new(), |mut pem, certificate| {
        // Writing to a String does not fail.
        let _ = pem.write_str(&certificate.pem());
        pem
    })
}
