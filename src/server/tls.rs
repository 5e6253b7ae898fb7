//! How the server uses rustls: TLS 1.2 and 1.3, HTTP/1.1, the certificate that is current.

use std::io;
use std::sync::Arc;

use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::server::NoServerSessionStorage;
use tokio_rustls::rustls::server::danger::ClientCertVerifier;
use tokio_rustls::rustls::{self, ServerConfig};

use super::tls_settings::TlsSettings;
use crate::certificates::Store;

/// The reason of a handshake that failed because of the client's certificate.
pub(super) const CLIENT_CERTIFICATE: &str = "client_certificate";

/// An acceptor that serves the store's certificate, and asks clients for theirs if there is something to
/// verify it by.
pub fn acceptor(
    settings: &TlsSettings,
    certificates: Arc<Store>,
    clients: Option<Arc<dyn ClientCertVerifier>>,
) -> Result<TlsAcceptor, rustls::Error> {
    let config = ServerConfig::builder_with_provider(Arc::new(settings.provider()))
        .with_protocol_versions(&settings.versions())?;
    let config = match clients {
        Some(verifier) => config.with_client_cert_verifier(verifier),
        None => config.with_no_client_auth(),
    };
    let mut config = config.with_cert_resolver(certificates);
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    // No resumption: it would keep replaced certificates in use, and the API server never asks for it.
    config.session_storage = Arc::new(NoServerSessionStorage {});
    config.send_tls13_tickets = 0;
    Ok(TlsAcceptor::from(Arc::new(config)))
}

/// Why a handshake failed, in one word for a metric.
pub(super) fn reason(error: &io::Error) -> &'static str {
    let tls = error.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>());
    match tls {
        Some(rustls::Error::AlertReceived(_)) => "alert",
        Some(rustls::Error::InvalidCertificate(_)) => CLIENT_CERTIFICATE,
        Some(_) => "protocol",
        None => match error.kind() {
            io::ErrorKind::UnexpectedEof | io::ErrorKind::ConnectionReset | io::ErrorKind::BrokenPipe => {
                "eof"
            }
            _ => "io",
        },
    }
}
