//! Whether a chain of certificates is a host's.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use tokio_rustls::rustls::client::{verify_server_cert_signed_by_trust_anchor, verify_server_name};
use tokio_rustls::rustls::crypto::aws_lc_rs::default_provider;
use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use tokio_rustls::rustls::server::ParsedCertificate;
use tokio_rustls::rustls::{Error, RootCertStore};

use super::approach::Authorities;

/// Whether a host has shown a chain of its own that an authority has signed and that is valid now.
pub(super) fn verify(
    chain: &[CertificateDer<'_>],
    host: &str,
    authorities: &Authorities,
) -> Result<(), String> {
    let (leaf, others) = chain.split_first().ok_or("the server has shown no certificate")?;
    if !is_for(leaf, host) {
        return Err(format!("the server's certificate is not for {host}"));
    }
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let now = i64::try_from(now.as_secs()).unwrap_or(i64::MAX);
    let Authorities { public, own } = authorities;
    let signed = path(leaf, others, public, now);
    let signed = signed.or_else(|error| own.as_ref().map_or(Err(error), |own| path(leaf, others, own, now)));
    signed.map_err(|error| format!("the server's certificate is not trusted: {error}"))
}

/// Whether an authority has signed the chain, at this time in seconds since 1970.
pub(in crate::issuer) fn path(
    leaf: &CertificateDer<'_>,
    others: &[CertificateDer<'_>],
    roots: &RootCertStore,
    at: i64,
) -> Result<(), Error> {
    let time = UnixTime::since_unix_epoch(Duration::from_secs(u64::try_from(at).unwrap_or_default()));
    let algorithms = default_provider().signature_verification_algorithms.all;
    verify_server_cert_signed_by_trust_anchor(
        &ParsedCertificate::try_from(leaf)?,
        roots,
        others,
        time,
        algorithms,
    )
}

/// Whether a certificate is for a host.
pub(in crate::issuer) fn is_for(leaf: &CertificateDer<'_>, host: &str) -> bool {
    let Ok(name) = ServerName::try_from(host) else { return false };
    ParsedCertificate::try_from(leaf).is_ok_and(|leaf| verify_server_name(&leaf, &name).is_ok())
}
