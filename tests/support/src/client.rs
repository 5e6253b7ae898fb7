//! A client over TLS that verifies the server, and sees everything of the answer.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::{HeaderMap, Request, StatusCode};
use http_body_util::{BodyExt, Full};
use hyper::body::Bytes;
use hyper::client::conn::http1::SendRequest;
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use tokio::net::{TcpSocket, TcpStream};
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName};
use tokio_rustls::rustls::{ClientConfig, RootCertStore};

/// Connects to servers whose certificate this authority signed.
#[derive(Clone)]
pub struct Client {
    pub address: SocketAddr,
    /// The client's own address; `None`: any.
    from: Option<IpAddr>,
    connector: TlsConnector,
}

/// One connection that is kept.
pub struct Connection(SendRequest<Full<Bytes>>);

/// An answer, read whole.
#[derive(Debug)]
pub struct Answer {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub body: Bytes,
}

impl Answer {
    /// The body as JSON.
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|error| panic!("{error}: {:?}", self.body))
    }

    /// The patch of a review's answer, if it holds one.
    pub fn patch(&self) -> Option<Value> {
        patch(&self.json()["response"])
    }

    /// A header as text, empty if absent.
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    /// Asserts a Kubernetes `Status` of this code.
    pub fn assert_status(&self, code: u16, reason: &str) {
        assert_eq!(self.status.as_u16(), code, "{:?}", self.body);
        assert_eq!(self.header("content-type"), "application/json");
        let status = self.json();
        let expected = [("kind", json!("Status")), ("apiVersion", json!("v1")), ("status", json!("Failure"))];
        for (member, value) in expected.into_iter().chain([("reason", json!(reason)), ("code", json!(code))])
        {
            assert_eq!(status[member], value, "{member} of {status}");
        }
        assert!(!status["message"].as_str().unwrap().is_empty());
    }
}

impl Client {
    /// A client for the server at `address` that trusts the authority of this PEM.
    pub fn new(address: SocketAddr, authority_pem: &str) -> Self {
        let config =
            ClientConfig::builder().with_root_certificates(roots(authority_pem)).with_no_client_auth();
        Self::with_config(address, config)
    }

    /// A client with a TLS configuration of its own.
    pub fn with_config(address: SocketAddr, config: ClientConfig) -> Self {
        Self { address, from: None, connector: TlsConnector::from(Arc::new(config)) }
    }

    /// The same client, with this IPv4 address as its own.
    #[must_use]
    pub fn from(&self, from: IpAddr) -> Self {
        Self { from: Some(from), ..self.clone() }
    }

    /// A TLS stream without any HTTP on it.
    pub async fn stream(&self) -> std::io::Result<TlsStream<TcpStream>> {
        let tcp = match self.from {
            None => TcpStream::connect(self.address).await?,
            Some(from) => {
                let socket = TcpSocket::new_v4()?;
                socket.bind((from, 0).into())?;
                socket.connect(self.address).await?
            }
        };
        self.stream_over(tcp).await
    }

    /// A TLS stream for which the kernel buffers next to nothing that the client has not read.
    pub async fn deaf_stream(&self) -> std::io::Result<TlsStream<TcpStream>> {
        let socket = TcpSocket::new_v4()?;
        socket.set_recv_buffer_size(4096)?;
        self.stream_over(socket.connect(self.address).await?).await
    }

    async fn stream_over(&self, tcp: TcpStream) -> std::io::Result<TlsStream<TcpStream>> {
        // Go's clients do the same: a body does not wait until what was sent before is acknowledged.
        tcp.set_nodelay(true)?;
        let name = ServerName::try_from("localhost").unwrap();
        self.connector.connect(name, tcp).await
    }

    /// A connection for several requests.
    pub async fn connect(&self) -> std::io::Result<Connection> {
        let stream = self.stream().await?;
        let (sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream))
            .await
            .map_err(std::io::Error::other)?;
        tokio::spawn(connection);
        Ok(Connection(sender))
    }

    /// One POST of JSON on a connection of its own.
    pub async fn post(&self, path: &str, body: impl Into<Bytes>) -> Answer {
        self.connect().await.unwrap().post(path, body).await.unwrap()
    }

    /// One request on a connection of its own.
    pub async fn send(&self, request: Request<Full<Bytes>>) -> Answer {
        self.connect().await.unwrap().send(request).await.unwrap()
    }
}

impl Connection {
    /// A POST of JSON.
    pub async fn post(&mut self, path: &str, body: impl Into<Bytes>) -> hyper::Result<Answer> {
        self.send(post(path, body)).await
    }

    /// Any request.
    pub async fn send(&mut self, request: Request<Full<Bytes>>) -> hyper::Result<Answer> {
        self.0.ready().await?;
        let (head, body) = self.0.send_request(request).await?.into_parts();
        Ok(Answer { status: head.status, headers: head.headers, body: body.collect().await?.to_bytes() })
    }

    /// Whether the server has closed the connection.
    pub fn is_closed(&self) -> bool {
        self.0.is_closed()
    }
}

/// The patch in the response of a review, if it holds one.
pub fn patch(response: &Value) -> Option<Value> {
    let patch = response.get("patch")?;
    assert_eq!(response["patchType"], json!("JSONPatch"));
    Some(serde_json::from_slice(&STANDARD.decode(patch.as_str().unwrap()).unwrap()).unwrap())
}

/// The authorities of this PEM.
pub fn roots(authority_pem: &str) -> RootCertStore {
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_slice_iter(authority_pem.as_bytes()) {
        roots.add(certificate.unwrap()).unwrap();
    }
    roots
}

/// A POST of JSON.
pub fn post(path: &str, body: impl Into<Bytes>) -> Request<Full<Bytes>> {
    Request::post(path)
        .header("Host", "localhost")
        .header("Content-Type", "application/json")
        .body(Full::new(body.into()))
        .unwrap()
}

/// A GET.
pub fn get(path: &str) -> Request<Full<Bytes>> {
    Request::get(path).header("Host", "localhost").body(Full::default()).unwrap()
}

/// A GET in plain HTTP.
pub async fn get_plain(address: SocketAddr, path: &str) -> Answer {
    let stream = TcpStream::connect(address).await.unwrap();
    let (sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await.unwrap();
    tokio::spawn(connection);
    Connection(sender).send(get(path)).await.unwrap()
}

/// The value of one line of the metrics served at `address`, `None` if there is no such line.
pub async fn metric(address: SocketAddr, name_and_labels: &str) -> Option<f64> {
    let text = get_plain(address, "/metrics").await;
    let text = std::str::from_utf8(&text.body).unwrap().to_owned();
    text.lines().find_map(|line| line.strip_prefix(name_and_labels)?.strip_prefix(' ')?.parse().ok())
}
