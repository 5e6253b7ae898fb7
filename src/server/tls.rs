//! rustls as the server uses it: TLS 1.2 and 1.3, HTTP/1.1, the certificate of the moment.

use std::io;
use std::sync::Arc;

use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::server::NoServerSessionStorage;
use tokio_rustls::rustls::{self, ServerConfig};

use crate::certificates::Store;
use crate::settings::TlsSettings;

/// An acceptor that serves the store's certificate.
pub fn acceptor(settings: &TlsSettings, certificates: Arc<Store>) -> Result<TlsAcceptor, rustls::Error> {
    let mut config = ServerConfig::builder_with_provider(Arc::new(settings.provider()))
        .with_protocol_versions(&settings.versions())?
        .with_no_client_auth()
        .with_cert_resolver(certificates);
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    // No resumption: it would carry a certificate that was replaced on from session to session.
    // The API server never asks for it.
    config.session_storage = Arc::new(NoServerSessionStorage {});
    config.send_tls13_tickets = 0;
    Ok(TlsAcceptor::from(Arc::new(config)))
}

/// Why a handshake failed, in one word for a metric.
pub(super) fn reason(error: &io::Error) -> &'static str {
    let tls = error.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>());
    match tls {
        Some(rustls::Error::AlertReceived(_)) => "alert",
        Some(_) => "protocol",
        None => match error.kind() {
            io::ErrorKind::UnexpectedEof | io::ErrorKind::ConnectionReset | io::ErrorKind::BrokenPipe => {
                "eof"
            }
            _ => "io",
        },
    }
}
