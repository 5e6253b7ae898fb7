//! Where the serving certificate comes from.

use std::fmt;
use std::path::PathBuf;

use super::self_managed::SelfManaged;
use crate::cli::certificates::{CertificateArgs, Certificates};
use crate::cli::error::SettingsError;

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
    /// Made by every replica, signed by an authority that the cluster keeps.
    SelfManaged(SelfManaged),
    /// Made at start for the local machine, with an authority of its own.
    InMemory {
        /// Where the authority's certificate is written.
        authority_out: Option<PathBuf>,
    },
}

impl CertificateSource {
    /// Where the certificate comes from: without files, and only `on_manifests`, it is made in memory.
    pub(crate) fn new(
        args: &CertificateArgs,
        on_manifests: bool,
        notices: &mut Vec<String>,
    ) -> Result<Self, SettingsError> {
        let CertificateArgs { certificates, in_cluster, tls_cert, tls_key, tls_ca_out, .. } = args;
        let has_files = tls_cert.is_some() || tls_key.is_some();
        let conflict = |one, other, why| Err(SettingsError::Conflict { one, other, why });
        if tls_ca_out.is_some() && (has_files || !on_manifests) {
            let why =
                "it writes the authority of a certificate made in memory, with --manifests and no --tls-cert";
            return conflict("--tls-ca-out", "a certificate from files or of the cluster", why);
        }
        let is_kept = match (certificates, in_cluster) {
            (Some(Certificates::Files), Some(true)) => {
                return conflict(
                    "--certificates=files",
                    "--in-cluster=true",
                    "the second means self-managed",
                );
            }
            (Some(Certificates::SelfManaged), Some(false)) => {
                return conflict(
                    "--certificates=self-managed",
                    "--in-cluster=false",
                    "the second means files",
                );
            }
            (Some(certificates), _) => *certificates == Certificates::SelfManaged,
            (None, Some(in_cluster)) => *in_cluster,
            (None, None) => !on_manifests,
        };
        if is_kept && on_manifests {
            let why = "there is no cluster to keep an authority in";
            return conflict("--manifests", "--certificates=self-managed or --in-cluster=true", why);
        }
        if is_kept {
            if has_files {
                notices.push(
                    "--tls-cert and --tls-key have no effect without --certificates=files or --in-cluster=false: \
                     the certificate is self-managed"
                        .to_owned(),
                );
            }
            return Ok(Self::SelfManaged(args.try_into()?));
        }
        if !has_files && on_manifests && certificates.is_none() {
            return Ok(Self::InMemory { authority_out: tls_ca_out.clone() });
        }
        let or_default =
            |given: &Option<PathBuf>, default: &str| given.clone().unwrap_or_else(|| default.into());
        Ok(Self::Files {
            certificate: or_default(tls_cert, "/etc/webhook/certs/tls.crt"),
            key: or_default(tls_key, "/etc/webhook/certs/tls.key"),
        })
    }
}

impl fmt::Display for CertificateSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Files { certificate, key } => {
                write!(f, "tls-cert={} tls-key={}", certificate.display(), key.display())
            }
            Self::SelfManaged(settings) => write!(f, "{settings}"),
            Self::InMemory { .. } => f.write_str("tls-cert=(in memory)"),
        }
    }
}
