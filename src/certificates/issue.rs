//! How certificates are made, whoever signs them: ECDSA P-256, a random serial number, and a life that begins a
//! little earlier, for clocks that differ.

use std::time::{Duration, SystemTime};

use rcgen::{
    CertificateParams, DistinguishedName, DnType, ExtendedKeyUsagePurpose, Issuer, KeyPair, KeyUsagePurpose,
    SerialNumber,
};
use tokio_rustls::rustls::crypto::aws_lc_rs;

use super::{Pair, PairError};

/// How long before now certificates begin to be valid: API servers whose clocks are behind by no more accept them.
pub(super) const BACKDATED: Duration = Duration::from_mins(5);

/// Bytes of a serial number. RFC 5280 allows 20, the first of which must not look negative.
const SERIAL: usize = 16;

/// Why no certificate could be made.
#[derive(Debug, thiserror::Error)]
pub enum IssueError {
    /// The key or the signature could not be made.
    #[error("failed to make a certificate: {0}")]
    Make(#[from] rcgen::Error),
    /// What was made cannot be served.
    #[error("failed to use the certificate that was made: {0}")]
    Use(#[from] PairError),
    /// The system gives no random numbers.
    #[error("failed to make a serial number: the system gives no random numbers")]
    Random,
    /// What was made would be refused by whoever calls.
    #[error("the certificate that was made would be refused: {0}")]
    Refused(#[source] tokio_rustls::rustls::Error),
}

impl IssueError {
    /// The error without what differs each time, such as the time itself.
    pub(super) fn kind(&self) -> &'static str {
        match self {
            Self::Make(_) => "a key or a signature could not be made",
            Self::Use(_) => "the certificate that was made cannot be used",
            Self::Random => "the system gives no random numbers",
            Self::Refused(_) => "the certificate that was made would be refused: are the clocks right?",
        }
    }
}

/// A leaf, as PEM for files and as a pair to serve.
pub struct Leaf {
    /// The certificate.
    pub certificate_pem: String,
    /// Its private key: never logged, written only where the caller says.
    pub key_pem: String,
}

impl std::fmt::Debug for Leaf {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Leaf").field("certificate_pem", &self.certificate_pem).finish_non_exhaustive()
    }
}

impl Leaf {
    /// The leaf as a pair to serve.
    pub fn pair(&self) -> Result<Pair, PairError> {
        Pair::from_pem(self.certificate_pem.as_bytes(), self.key_pem.as_bytes())
    }
}

/// What a certificate of this name has that is valid from now on.
pub(super) fn params(name: &str, now: SystemTime, life: Duration) -> Result<CertificateParams, IssueError> {
    let mut serial = [0; SERIAL];
    let random = aws_lc_rs::default_provider().secure_random;
    random.fill(&mut serial).map_err(|_| IssueError::Random)?;
    // Not zero, and positive in DER.
    if let Some(first) = serial.first_mut() {
        *first = *first & 0x7f | 0x40;
    }
    let mut params = CertificateParams::default();
    params.distinguished_name = distinguished_name(name);
    params.serial_number = Some(SerialNumber::from_slice(&serial));
    params.not_before = (now - BACKDATED).into();
    params.not_after = (now + life).into();
    Ok(params)
}

/// The name of whoever a certificate is of.
pub(super) fn distinguished_name(common_name: &str) -> DistinguishedName {
    let mut name = DistinguishedName::new();
    name.push(DnType::CommonName, common_name);
    name
}

/// What a serving certificate has besides its names and its life.
pub(super) fn of_server(mut params: CertificateParams) -> CertificateParams {
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    params
}

/// Makes a key, and has the issuer sign a certificate for it.
pub(super) fn leaf(
    mut params: CertificateParams,
    issuer: &Issuer<'_, KeyPair>,
) -> Result<Leaf, rcgen::Error> {
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    params.use_authority_key_identifier_extension = true;
    let key = KeyPair::generate()?;
    let certificate = params.signed_by(&key, issuer)?;
    Ok(Leaf { certificate_pem: certificate.pem(), key_pem: key.serialize_pem() })
}
