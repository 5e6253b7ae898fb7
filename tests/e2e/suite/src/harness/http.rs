//! One HTTP request, as the API server and kubelet make them.

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result};
use http_body_util::{BodyExt, Full};
use hyper::body::Bytes;
use hyper::client::conn::http1;
use hyper::header::{CONTENT_TYPE, HOST};
use hyper::{HeaderMap, Request, StatusCode};
use hyper_util::rt::TokioIo;
use serde_json::Value;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName};
use tokio_rustls::rustls::{ClientConfig, RootCertStore};

/// Longer than any answer takes.
const LIMIT: Duration = Duration::from_secs(30);

/// What came back.
pub struct Answer {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub body: String,
}

/// Sends a request over a connection of its own.
pub async fn exchange(
    connection: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
    request: Request<Full<Bytes>>,
) -> Result<Answer> {
    let exchanged = async {
        let (mut sender, connection) = http1::handshake(TokioIo::new(connection)).await?;
        let answered = async {
            let (head, body) = sender.send_request(request).await?.into_parts();
            let body = String::from_utf8_lossy(&body.collect().await?.to_bytes()).into_owned();
            anyhow::Ok(Answer { status: head.status, headers: head.headers, body })
        };
        tokio::pin!(connection, answered);
        tokio::select! {
            biased;
            answer = &mut answered => answer,
            // The end of the connection is where some answers end.
            ended = &mut connection => { ended?; answered.await }
        }
    };
    timeout(LIMIT, exchanged).await.with_context(|| format!("no answer within {LIMIT:?}"))?
}

/// A request of JSON.
pub fn request(method: &str, path: &str, body: String) -> Result<Request<Full<Bytes>>> {
    let head = Request::builder().method(method).uri(path).header(HOST, "e2e");
    Ok(head.header(CONTENT_TYPE, "application/json").body(Full::from(body))?)
}

/// Posts JSON as the API server does, to a server that this authority (PEM) vouches for by `name`.
pub async fn post(address: &str, name: &str, authority: &str, path: &str, body: &Value) -> Result<Answer> {
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_slice(authority.as_bytes())?)?;
    let tls = ClientConfig::builder().with_root_certificates(roots).with_no_client_auth();
    let connection = TcpStream::connect(address).await?;
    let name = ServerName::try_from(name.to_owned())?;
    let connection = TlsConnector::from(Arc::new(tls)).connect(name, connection).await?;
    exchange(connection, request("POST", path, body.to_string())?).await
}
