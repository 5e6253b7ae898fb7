//! The authorities of clients that may call: their file is followed like any other, and a handshake uses what
//! it says at that moment.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use tokio_rustls::rustls::client::danger::HandshakeSignatureValid;
use tokio_rustls::rustls::crypto::{CryptoProvider, WebPkiSupportedAlgorithms, aws_lc_rs};
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, UnixTime};
use tokio_rustls::rustls::server::WebPkiClientVerifier;
use tokio_rustls::rustls::server::danger::{ClientCertVerified, ClientCertVerifier};
use tokio_rustls::rustls::{DigitallySignedStruct, DistinguishedName, Error, RootCertStore, SignatureScheme};

use super::FILE_LIMIT;
use super::pair::in_words;
use crate::process::Readiness;
use crate::source;
use crate::source::file::{self, FileFormat, Parts};
use crate::source::{Complaint, Source};

/// The source's name in log, metrics and readiness.
pub(crate) const NAME: &str = "client-ca-file";

/// Verifies client certificates by the last good authorities of a file.
#[derive(Debug)]
pub struct ClientAuthorities {
    source: Arc<Source<Authorities>>,
    algorithms: WebPkiSupportedAlgorithms,
}

/// What the file says.
#[derive(Debug)]
pub(crate) struct Authorities {
    certificates: Vec<CertificateDer<'static>>,
    verifier: Arc<dyn ClientCertVerifier>,
}

impl PartialEq for Authorities {
    fn eq(&self, other: &Self) -> bool {
        self.certificates == other.certificates
    }
}

/// Why the file names no authorities.
#[derive(Debug, thiserror::Error)]
pub(crate) enum AuthoritiesError {
    #[error("no certificate could be read: {0}")]
    Pem(&'static str),
    #[error("no certificate in it")]
    None,
    #[error("certificate {0} is not an authority's: {1}")]
    Certificate(usize, Error),
    #[error("{0}")]
    Verifier(#[from] tokio_rustls::rustls::server::VerifierBuilderError),
}

impl FileFormat for Authorities {
    type Set = Self;
    type Error = AuthoritiesError;

    const WHAT: &'static str = "authorities of client certificates";
    const LIMIT: u64 = FILE_LIMIT;
    // A file that is cut after the first of several certificates still looks good.
    const PARTS: Parts = Parts::MayPass;

    fn parse(bytes: &[u8]) -> Result<Self, AuthoritiesError> {
        let certificates: Vec<_> = CertificateDer::pem_slice_iter(bytes)
            .collect::<Result<_, _>>()
            .map_err(|error| AuthoritiesError::Pem(in_words(&error)))?;
        if certificates.is_empty() {
            return Err(AuthoritiesError::None);
        }
        let mut roots = RootCertStore::empty();
        for (index, certificate) in certificates.iter().enumerate() {
            let added = roots.add(certificate.clone());
            added.map_err(|error| AuthoritiesError::Certificate(index + 1, error))?;
        }
        // A client without a certificate may still ask the probes.
        let verifier = WebPkiClientVerifier::builder_with_provider(roots.into(), provider());
        Ok(Self { certificates, verifier: verifier.allow_unauthenticated().build()? })
    }

    fn nothing() -> Option<Self> {
        None
    }

    fn into_set(self) -> (Self, Option<Complaint>) {
        (self, None)
    }
}

fn provider() -> Arc<CryptoProvider> {
    Arc::new(aws_lc_rs::default_provider())
}

impl ClientAuthorities {
    /// Reads the file, which has to be good at start; the returned future follows it for ever.
    pub fn read(
        path: &Path,
        readiness: &Readiness,
        metrics: &source::Metrics,
    ) -> Result<(Self, impl Future<Output = ()> + Send + use<>), impl std::error::Error + Send + Sync + 'static>
    {
        let authorities = file::read_now::<Authorities>(path)?;
        let source = Source::new(NAME, |set: &Authorities| set.certificates.len(), readiness, metrics);
        source.replace(authorities);
        let path: PathBuf = path.to_owned();
        let follow = file::follow::<Authorities>(path, source.clone());
        let algorithms = provider().signature_verification_algorithms;
        Ok::<_, file::FileError<AuthoritiesError>>((Self { source, algorithms }, follow))
    }
}

impl ClientCertVerifier for ClientAuthorities {
    fn client_auth_mandatory(&self) -> bool {
        false
    }

    /// No hints, which help a client to choose a certificate: an API server has one for each webhook.
    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        &[]
    }

    fn verify_client_cert(
        &self,
        leaf: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        now: UnixTime,
    ) -> Result<ClientCertVerified, Error> {
        let Some(authorities) = self.source.current() else {
            return Err(Error::General("no authorities of clients were read".to_owned()));
        };
        authorities.verifier.verify_client_cert(leaf, intermediates, now)
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        tokio_rustls::rustls::crypto::verify_tls12_signature(
            message,
            certificate,
            signature,
            &self.algorithms,
        )
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        tokio_rustls::rustls::crypto::verify_tls13_signature(
            message,
            certificate,
            signature,
            &self.algorithms,
        )
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.algorithms.supported_schemes()
    }
}
