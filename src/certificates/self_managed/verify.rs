//! What an API server makes of the certificate that it is shown in a handshake.

use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use tokio_rustls::rustls::client::WebPkiServerVerifier;
use tokio_rustls::rustls::client::danger::ServerCertVerifier;
use tokio_rustls::rustls::crypto::aws_lc_rs;
use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use tokio_rustls::rustls::{CertificateError, Error, RootCertStore};

use super::certificate::Certificate;

/// Whether this chain is accepted for the name at this time by whoever trusts these authorities and no others.
///
/// # Errors
/// Why it is refused.
pub fn accepts(
    authorities: &[Certificate],
    chain: &[CertificateDer<'_>],
    name: &str,
    at: SystemTime,
) -> Result<(), Error> {
    let (leaf, intermediates) = chain.split_first().ok_or(Error::NoCertificatesPresented)?;
    let mut roots = RootCertStore::empty();
    let since = at.duration_since(UNIX_EPOCH).unwrap_or_default();
    let seconds = i64::try_from(since.as_secs()).unwrap_or(i64::MAX);
    // Go looks at a root's life too, and webpki does not.
    for authority in authorities.iter().filter(|authority| authority.check(seconds).is_ok()) {
        // What is no authority's is passed over, as Go does.
        drop(roots.add(authority.der().clone()));
    }
    if roots.is_empty() {
        return Err(Error::InvalidCertificate(CertificateError::UnknownIssuer));
    }
    let provider = Arc::new(aws_lc_rs::default_provider());
    let verifier = WebPkiServerVerifier::builder_with_provider(Arc::new(roots), provider).build();
    let verifier = verifier.map_err(|error| Error::General(error.to_string()))?;
    let name = ServerName::try_from(name);
    let name = name.map_err(|_| Error::InvalidCertificate(CertificateError::NotValidForName))?;
    let now = UnixTime::since_unix_epoch(since);
    verifier.verify_server_cert(leaf, intermediates, &name, &[], now).map(|_| ())
}
