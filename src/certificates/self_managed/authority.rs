//! An authority that signs for one Service's names alone, and the certificate by which it is known.

use std::sync::Arc;
use std::time::{Duration, UNIX_EPOCH};

use rcgen::{
    BasicConstraints, CertificateParams, CidrSubnet, GeneralSubtree, IsCa, Issuer, KeyPair, KeyUsagePurpose,
    NameConstraints, PKCS_ECDSA_P256_SHA256,
};

use super::certificate::Certificate;
use super::error::AuthorityError;
use super::names::Names;
use super::verify;
use crate::certificates::Pair;
use crate::certificates::issue::{self, BACKDATED, IssueError};

/// Common name of every authority; which Service it is for is what its constraints say.
const SUBJECT: &str = "pod-identity-webhook authority";

/// An authority: its certificate, which may be known to all, and its key.
pub struct Authority {
    certificate: Certificate,
    issuer: Issuer<'static, KeyPair>,
}

impl std::fmt::Debug for Authority {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_tuple("Authority").field(&self.certificate.serial()).finish()
    }
}

impl Authority {
    /// Makes an authority for these names, valid from `now` (seconds since 1970) on.
    pub fn make(names: &Names, now: i64, life: Duration) -> Result<Arc<Self>, IssueError> {
        let now = UNIX_EPOCH + Duration::from_secs(now.unsigned_abs());
        let mut params = issue::params(SUBJECT, now, life)?;
        params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign];
        params.name_constraints = Some(NameConstraints {
            permitted_subtrees: names.iter().cloned().map(GeneralSubtree::DnsName).collect(),
            // Names that are permitted say nothing of addresses: without these, any could be signed.
            excluded_subtrees: vec![
                GeneralSubtree::IpAddress(CidrSubnet::from_v4_prefix([0; 4], 0)),
                GeneralSubtree::IpAddress(CidrSubnet::from_v6_prefix([0; 16], 0)),
            ],
        });
        let key = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256)?;
        let der = params.self_signed(&key)?.der().clone();
        let certificate = Certificate::of_der(der).map_err(IssueError::Use)?;
        Ok(Arc::new(Self { certificate, issuer: Issuer::new(params, key) }))
    }

    /// Reads an authority as it was written, and proves that it is one of this program for these names that can
    /// sign at this time.
    pub fn read(certificate: &str, key: &str, names: &Names, now: i64) -> Result<Arc<Self>, AuthorityError> {
        let read = Certificate::of_pem(certificate);
        let certificate = read.map_err(|error| AuthorityError::Certificate(error.to_string()))?;
        if !certificate.is_of(SUBJECT, names) {
            return Err(AuthorityError::Foreign(names.to_string()));
        }
        let key =
            KeyPair::from_pem_and_sign_algo(key, &PKCS_ECDSA_P256_SHA256).map_err(|_| AuthorityError::Key)?;
        if !certificate.is_of_key(&key) {
            return Err(AuthorityError::Mismatch);
        }
        certificate.check(now)?;
        // Only these are read of an issuer: its name, its key and how the key is named.
        let mut params = CertificateParams::default();
        params.distinguished_name = issue::distinguished_name(SUBJECT);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign];
        Ok(Arc::new(Self { certificate, issuer: Issuer::new(params, key) }))
    }

    /// The authority's certificate.
    #[must_use]
    pub fn certificate(&self) -> &Certificate {
        &self.certificate
    }

    /// The authority's key, for the Secret and nothing else.
    pub(super) fn key_pem(&self) -> String {
        self.issuer.key().serialize_pem()
    }

    /// Makes a serving certificate for these names from `now` on, with a key that only the caller has. It ends with
    /// the authority at the latest, and is verified as API servers will.
    pub fn leaf(&self, names: &Names, now: i64, life: Duration) -> Result<Pair, IssueError> {
        let left = self.certificate.not_after().saturating_sub(now);
        let life = life.min(Duration::from_secs(u64::try_from(left).unwrap_or(0)));
        let at = UNIX_EPOCH + Duration::from_secs(now.unsigned_abs());
        let mut params = issue::of_server(issue::params("pod-identity-webhook", at, life)?);
        params.subject_alt_names = CertificateParams::new(names.to_vec())?.subject_alt_names;
        let pair = issue::leaf(params, &self.issuer)?.pair()?;
        self.verify(&pair, names, at).map_err(IssueError::Refused)?;
        Ok(pair)
    }

    fn verify(
        &self,
        pair: &Pair,
        names: &Names,
        at: std::time::SystemTime,
    ) -> Result<(), tokio_rustls::rustls::Error> {
        let certified = pair.certified();
        names.iter().try_for_each(|name| {
            verify::accepts(std::slice::from_ref(&self.certificate), &certified.cert, name, at)
        })
    }

    /// When the next authority is due, in seconds since 1970: with a third of the life left, as it was made or as it is
    /// wanted now.
    #[must_use]
    pub fn renewal(&self, wanted: Duration) -> i64 {
        let begin = self.certificate.not_before().saturating_add(whole(BACKDATED));
        let life = self.certificate.not_after().saturating_sub(begin);
        begin.saturating_add(life.min(whole(wanted)) / 3 * 2)
    }
}

/// A duration in whole seconds.
pub(super) fn whole(duration: Duration) -> i64 {
    i64::try_from(duration.as_secs()).unwrap_or(i64::MAX)
}

#[cfg(test)]
#[path = "authority_tests.rs"]
mod tests;
