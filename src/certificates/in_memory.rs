//! An authority and leaves made in memory, for a server without a cluster and for tests.

use std::time::{Duration, SystemTime};

use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DistinguishedName, DnType, ExtendedKeyUsagePurpose,
    IsCa, KeyPair, KeyUsagePurpose,
};

use super::{Pair, PairError};

/// How long authority and leaves last: a development server that runs for longer is restarted.
const VALID: Duration = Duration::from_hours(8760);

/// How long before now they begin to be valid, for clocks that differ.
const BACKDATED: Duration = Duration::from_mins(5);

/// A certificate authority whose key exists only in this process.
pub struct Authority(CertifiedIssuer<'static, KeyPair>);

impl std::fmt::Debug for Authority {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Authority").finish_non_exhaustive()
    }
}

/// Why no certificate could be made. It ends the start.
#[derive(Debug, thiserror::Error)]
pub enum InMemoryError {
    /// The key or the signature could not be made.
    #[error("failed to make a certificate: {0}")]
    Make(#[from] rcgen::Error),
    /// What was made cannot be served.
    #[error("failed to use the certificate that was made: {0}")]
    Use(#[from] PairError),
}

/// A leaf, as PEM for files and as a pair to serve.
#[derive(Debug)]
pub struct Leaf {
    /// The certificate.
    pub certificate_pem: String,
    /// Its private key: never logged, written only where the caller says.
    pub key_pem: String,
}

impl Leaf {
    /// The leaf as a pair to serve.
    pub fn pair(&self) -> Result<Pair, PairError> {
        Pair::from_pem(self.certificate_pem.as_bytes(), self.key_pem.as_bytes())
    }
}

impl Authority {
    /// A new authority that may sign leaves and nothing else.
    pub fn new() -> Result<Self, InMemoryError> {
        let mut params = params("pod-identity-webhook authority");
        params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        Ok(Self(CertifiedIssuer::self_signed(params, KeyPair::generate()?)?))
    }

    /// The authority's certificate: what a client is to trust.
    #[must_use]
    pub fn certificate_pem(&self) -> String {
        self.0.pem()
    }

    /// A serving certificate for names and addresses.
    pub fn leaf(&self, names: &[String]) -> Result<Leaf, InMemoryError> {
        let mut params = params("pod-identity-webhook");
        params.subject_alt_names = CertificateParams::new(names)?.subject_alt_names;
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        self.sign(params)
    }

    /// A client's certificate, which proves who the client is.
    pub fn client(&self, name: &str) -> Result<Leaf, InMemoryError> {
        let mut params = params(name);
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
        self.sign(params)
    }

    fn sign(&self, mut params: CertificateParams) -> Result<Leaf, InMemoryError> {
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.use_authority_key_identifier_extension = true;
        let key = KeyPair::generate()?;
        let certificate = params.signed_by(&key, &self.0)?;
        Ok(Leaf { certificate_pem: certificate.pem(), key_pem: key.serialize_pem() })
    }
}

fn params(name: &str) -> CertificateParams {
    let now = SystemTime::now();
    let mut params = CertificateParams::default();
    params.distinguished_name = DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, name);
    params.not_before = (now - BACKDATED).into();
    params.not_after = (now + VALID).into();
    params
}
