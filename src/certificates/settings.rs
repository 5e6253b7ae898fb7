//! Where the serving certificate comes from.

use std::fmt;
use std::path::PathBuf;

use crate::cli::error::SettingsError;
use crate::cli::tls::TlsArgs;

/// Where the serving certificate comes from.
#[derive(Debug, Clone)]
pub enum CertificateSource {
    /// PEM files, read again when they change.
    Files {
        /// Certificate chain.
        certificate: PathBuf,
        /// Private key.
        key: PathBuf,
    },
    /// Made at start for the local machine, with an authority of its own.
    InMemory {
        /// Where the authority's certificate is written.
        authority_out: Option<PathBuf>,
    },
}

impl CertificateSource {
    /// Where the certificate comes from: without files, and only `on_manifests`, it is made in memory.
    pub(crate) fn new(tls: &TlsArgs, on_manifests: bool) -> Result<Self, SettingsError> {
        let is_given = tls.tls_cert.is_some() || tls.tls_key.is_some();
        if !is_given && on_manifests {
            return Ok(CertificateSource::InMemory { authority_out: tls.tls_ca_out.clone() });
        }
        if tls.tls_ca_out.is_some() {
            let why =
                "it writes the authority of a certificate made in memory, with --manifests and no --tls-cert";
            return Err(SettingsError::Conflict {
                one: "--tls-ca-out",
                other: "a certificate from files",
                why,
            });
        }
        let or_default =
            |given: &Option<PathBuf>, default: &str| given.clone().unwrap_or_else(|| default.into());
        Ok(CertificateSource::Files {
            certificate: or_default(&tls.tls_cert, "/etc/webhook/certs/tls.crt"),
            key: or_default(&tls.tls_key, "/etc/webhook/certs/tls.key"),
        })
    }
}

impl fmt::Display for CertificateSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Files { certificate, key } => {
                write!(f, "tls-cert={} tls-key={}", certificate.display(), key.display())
            }
            Self::InMemory { .. } => f.write_str("tls-cert=(in memory)"),
        }
    }
}
