//! What stands between a client and the fake API server: proxies, and TLS. Each keeps what it was told.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use pod_identity_webhook::certificates::{Authority, Leaf};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::crypto::aws_lc_rs;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::rustls::server::WebPkiClientVerifier;

use super::client::roots;

/// The name of the API server behind all of these: whoever reaches it did not look it up.
pub const NAME: &str = "kubernetes.invalid";

/// Something told to a relay.
#[derive(Debug, Clone)]
pub struct Heard {
    /// The head of a request, or for SOCKS the login and the place asked for.
    pub head: String,
    /// The name asked for in TLS.
    pub name: Option<String>,
    /// The certificate that the client showed.
    pub certificate: Option<Vec<u8>>,
}

/// A relay; what it was told so far, in order.
#[derive(Debug, Clone)]
pub struct Relay {
    pub address: SocketAddr,
    heard: Arc<Mutex<Vec<Heard>>>,
    wanted: Arc<Mutex<Option<String>>>,
}

/// What a relay speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Speaks {
    /// HTTP, as a proxy that answers CONNECT so, or as what stands before a server.
    Http(&'static str),
    /// HTTP, as what stands before a server and keeps connections: the first request on each is heard.
    Kept,
    /// SOCKS 5, with or without a login.
    Socks(bool),
}

impl Relay {
    /// Leads to `target` whatever it is asked for.
    pub async fn plain(speaks: Speaks, target: SocketAddr) -> Self {
        Self::start(speaks, target, None).await
    }

    /// The same within TLS, with this certificate; clients may show one of the same authority.
    pub async fn tls(speaks: Speaks, target: SocketAddr, authority: &Authority, leaf: &Leaf) -> Self {
        let provider = Arc::new(aws_lc_rs::default_provider());
        let authorities = Arc::new(roots(&authority.certificate_pem()));
        let clients = WebPkiClientVerifier::builder_with_provider(authorities, provider.clone());
        let certificate = CertificateDer::from_pem_slice(leaf.certificate_pem.as_bytes()).unwrap();
        let key = PrivateKeyDer::from_pem_slice(leaf.key_pem.as_bytes()).unwrap();
        let config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_client_cert_verifier(clients.allow_unauthenticated().build().unwrap())
            .with_single_cert(vec![certificate], key)
            .unwrap();
        Self::start(speaks, target, Some(TlsAcceptor::from(Arc::new(config)))).await
    }

    async fn start(speaks: Speaks, target: SocketAddr, tls: Option<TlsAcceptor>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let relay = Self { address, heard: Arc::default(), wanted: Arc::default() };
        let kept = relay.clone();
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let (relay, tls) = (relay.clone(), tls.clone());
                tokio::spawn(async move {
                    let Some(tls) = tls else { return relay.serve(client, speaks, target, None, None).await };
                    let Ok(client) = tls.accept(client).await else { return };
                    let (_, session) = client.get_ref();
                    let name = session.server_name().map(str::to_owned);
                    let shown = session.peer_certificates().and_then(|chain| chain.first());
                    let shown = shown.map(|certificate| certificate.to_vec());
                    relay.serve(client, speaks, target, name, shown).await;
                });
            }
        });
        kept
    }

    /// Requests without this value of Authorization get a 401 from now on.
    pub fn want(&self, authorization: &str) {
        *self.wanted.lock().unwrap() = Some(authorization.to_owned());
    }

    /// What it was told so far.
    pub fn heard(&self) -> Vec<Heard> {
        self.heard.lock().unwrap().clone()
    }

    /// The heads of what it was told so far.
    pub fn heads(&self) -> Vec<String> {
        self.heard().into_iter().map(|heard| heard.head).collect()
    }

    async fn serve(
        &self,
        client: impl AsyncRead + AsyncWrite + Unpin,
        speaks: Speaks,
        target: SocketAddr,
        name: Option<String>,
        certificate: Option<Vec<u8>>,
    ) {
        let note = |head: String| self.heard.lock().unwrap().push(Heard { head, name, certificate });
        match speaks {
            Speaks::Http(answer) => self.http(client, answer, target, note).await,
            Speaks::Kept => self.http(client, "", target, note).await,
            Speaks::Socks(wants_login) => socks(client, wants_login, target, note).await,
        }
    }

    /// Reads a head, and answers CONNECT; passes all else on, each request on a connection of its own.
    async fn http(
        &self,
        mut client: impl AsyncRead + AsyncWrite + Unpin,
        answer: &str,
        target: SocketAddr,
        note: impl FnOnce(String),
    ) {
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            let Ok(byte) = client.read_u8().await else { return };
            head.push(byte);
        }
        let mut head = String::from_utf8(head).unwrap();
        note(head.clone());
        let wanted = self.wanted.lock().unwrap().clone();
        if wanted.is_some_and(|wanted| !head.contains(&format!("uthorization: {wanted}\r\n"))) {
            let refusal = b"HTTP/1.1 401 Unauthorized\r\ncontent-length: 0\r\nconnection: close\r\n\r\n";
            return drop(client.write_all(refusal).await);
        }
        let mut target = TcpStream::connect(target).await.unwrap();
        if head.starts_with("CONNECT ") {
            client.write_all(format!("HTTP/1.1 {answer}\r\n\r\n").as_bytes()).await.unwrap();
        } else {
            // Whoever answers nothing to CONNECT is a server that keeps its connections.
            if !answer.is_empty() {
                head.insert_str(head.len() - 2, "connection: close\r\n");
            }
            target.write_all(head.as_bytes()).await.unwrap();
        }
        drop(copy_bidirectional(&mut client, &mut target).await);
    }
}

/// SOCKS 5, of RFC 1928 and RFC 1929.
async fn socks(
    mut client: impl AsyncRead + AsyncWrite + Unpin,
    wants_login: bool,
    target: SocketAddr,
    note: impl FnOnce(String),
) {
    assert_eq!(client.read_u8().await.unwrap(), 5);
    let methods = read_counted(&mut client).await;
    let method = if wants_login { 2 } else { 0 };
    assert!(methods.as_bytes().contains(&method), "{methods:?}");
    client.write_all(&[5, method]).await.unwrap();
    let mut head = String::new();
    if wants_login {
        assert_eq!(client.read_u8().await.unwrap(), 1);
        head = format!("{}:{}@", read_counted(&mut client).await, read_counted(&mut client).await);
        client.write_all(&[1, 0]).await.unwrap();
    }
    let mut request = [0; 4];
    client.read_exact(&mut request).await.unwrap();
    assert_eq!(request, [5, 1, 0, 3], "CONNECT to a name");
    let place = read_counted(&mut client).await;
    note(format!("{head}{place}:{}", client.read_u16().await.unwrap()));
    client.write_all(&[5, 0, 0, 1, 0, 0, 0, 0, 0, 0]).await.unwrap();
    let mut target = TcpStream::connect(target).await.unwrap();
    drop(copy_bidirectional(&mut client, &mut target).await);
}

async fn read_counted(client: &mut (impl AsyncRead + Unpin)) -> String {
    let mut bytes = vec![0; client.read_u8().await.unwrap().into()];
    client.read_exact(&mut bytes).await.unwrap();
    String::from_utf8(bytes).unwrap()
}
