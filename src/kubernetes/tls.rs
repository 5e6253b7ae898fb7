//! TLS with the API server: whom the client trusts and what it shows of itself. Files are read again when a request is
//! made and a second has passed, as Go's client does; new connections use what they say then.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use rustls_platform_verifier::BuilderVerifierExt;
use tokio_rustls::rustls::crypto::aws_lc_rs;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::rustls::sign::{CertifiedKey, SingleCertAndKey};
use tokio_rustls::rustls::{ClientConfig, RootCertStore};

use super::anyone::Anyone;
use super::renewed::{OnFailure, Renewable};
use crate::source::regular_file;

/// The largest file of certificates or a key, in bytes: a bundle of all public authorities has a quarter of it.
const LARGEST_PEM: u64 = 1 << 20;

/// PEM, from where it is.
#[derive(Clone)]
pub(super) enum Pem {
    /// It was written into the kubeconfig.
    Data(Vec<u8>),
    /// A file, which may change.
    File(PathBuf),
}

/// What the client shows of itself.
pub(super) enum Identity {
    /// Nothing.
    None,
    /// A certificate and its key.
    Pair {
        /// The certificate's chain.
        certificate: Pem,
        /// The key.
        key: Pem,
    },
    /// What a program said last, if it said something.
    Program(Box<dyn Fn() -> Option<PairBytes> + Send + Sync>),
}

/// Certificate and key, as PEM.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct PairBytes {
    pub(super) certificate: Vec<u8>,
    pub(super) key: Vec<u8>,
}

/// Whose certificates are trusted.
pub(super) enum Trust {
    /// Those of the host's authorities, or of `SSL_CERT_FILE`.
    Host,
    /// Those of these authorities.
    Authorities(Pem),
    /// All.
    Anyone,
}

/// Where TLS is set up from.
pub(super) struct TlsSources {
    pub(super) trust: Trust,
    pub(super) identity: Identity,
}

/// TLS as it was set up, and what from.
pub(super) struct Handshake {
    authorities: Option<Vec<u8>>,
    pair: Option<PairBytes>,
    pub(super) config: Arc<ClientConfig>,
}

impl Pem {
    /// What it says now; `field` says in messages what it is.
    pub(super) fn read(&self, field: &str) -> Result<Vec<u8>, String> {
        match self {
            Self::Data(bytes) => Ok(bytes.clone()),
            Self::File(path) => regular_file::read(path, LARGEST_PEM)
                .map_err(|error| format!("its {field} {} cannot be read: {error}", path.display())),
        }
    }
}

impl Renewable for TlsSources {
    type Value = Handshake;

    const PATIENCE: Duration = Duration::from_secs(1);
    const PAUSE: Duration = Duration::from_secs(1);
    const FAILURE: OnFailure =
        OnFailure::Keep("files for TLS with the API server not read again: what they said last is used");

    fn renew(&self, last: Option<&Handshake>) -> Result<Option<Handshake>, String> {
        let authorities = match &self.trust {
            Trust::Authorities(pem) => Some(pem.read("certificate-authority")?),
            Trust::Host | Trust::Anyone => None,
        };
        let pair = match &self.identity {
            Identity::None => None,
            Identity::Pair { certificate, key } => Some(PairBytes {
                certificate: certificate.read("client-certificate")?,
                key: key.read("client-key")?,
            }),
            Identity::Program(said) => said(),
        };
        if last.is_some_and(|last| (&last.authorities, &last.pair) == (&authorities, &pair)) {
            return Ok(None);
        }
        let mut config = self.trusting(authorities.as_deref())?;
        if let Some(pair) = &pair {
            config.client_auth_cert_resolver = Arc::new(SingleCertAndKey::from(certified(pair)?));
        }
        if last.is_some() {
            tracing::info!("certificates for TLS with the API server replaced");
        }
        Ok(Some(Handshake { authorities, pair, config: Arc::new(config) }))
    }

    fn lasts(&self, _: &Handshake) -> Option<Duration> {
        let is_file = |pem: &Pem| matches!(pem, Pem::File(_));
        let is_trust_file = matches!(&self.trust, Trust::Authorities(pem) if is_file(pem));
        match &self.identity {
            // Whoever asks has just made the program say what it says now, which is no file.
            Identity::Program(_) => Some(Duration::ZERO),
            Identity::Pair { certificate, key } if is_file(certificate) || is_file(key) => Some(Self::PAUSE),
            Identity::Pair { .. } | Identity::None => is_trust_file.then_some(Self::PAUSE),
        }
    }
}

impl TlsSources {
    /// The configuration without an identity.
    fn trusting(&self, authorities: Option<&[u8]>) -> Result<ClientConfig, String> {
        let provider = Arc::new(aws_lc_rs::default_provider());
        let builder = ClientConfig::builder_with_provider(provider.clone());
        let builder = builder.with_safe_default_protocol_versions().map_err(|error| error.to_string())?;
        let Some(authorities) = authorities else {
            // Not by kube's configuration, which brings a megabyte along: the ways of logging in that it knows.
            let builder = match self.trust {
                Trust::Anyone => {
                    builder.dangerous().with_custom_certificate_verifier(Arc::new(Anyone::new(&provider)))
                }
                Trust::Host | Trust::Authorities(_) => {
                    builder.with_platform_verifier().map_err(|error| error.to_string())?
                }
            };
            return Ok(builder.with_no_client_auth());
        };
        let mut roots = RootCertStore::empty();
        // One that cannot be read is left out, as in Go.
        let certificates = CertificateDer::pem_slice_iter(authorities).filter_map(Result::ok);
        let (added, _) = roots.add_parsable_certificates(certificates);
        if added == 0 {
            return Err("its certificate-authority has no certificate".to_owned());
        }
        Ok(builder.with_root_certificates(roots).with_no_client_auth())
    }
}

/// A certificate and its key, proven to belong together. No error quotes anything of them.
pub(super) fn certified(pair: &PairBytes) -> Result<CertifiedKey, String> {
    let chain: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&pair.certificate).collect();
    let chain = chain.ok().filter(|chain| !chain.is_empty());
    let chain = chain.ok_or("its client-certificate has no certificate in PEM")?;
    let key = PrivateKeyDer::from_pem_slice(&pair.key);
    let key = key.map_err(|_| "its client-key has no private key in PEM")?;
    CertifiedKey::from_der(chain, key, &aws_lc_rs::default_provider())
        .map_err(|error| format!("its client-certificate and client-key do not match: {error}"))
}
