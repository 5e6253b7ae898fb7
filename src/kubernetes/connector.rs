//! Connections to the API server, or to the proxy that leads to it.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use http::Uri;
use http::uri::Builder;
use hyper::rt::{Read, ReadBufCursor, Write};
use hyper_util::client::legacy::connect::proxy::{SocksV5, Tunnel};
use hyper_util::client::legacy::connect::{Connected, Connection, HttpConnector};
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::ClientConfig;
use tokio_rustls::rustls::pki_types::ServerName;
use tower::{BoxError, Service, ServiceExt, service_fn};

use super::proxy::{Login, Protocol, Proxy};

/// How long a proxy may take to be reached and to connect on. It is less than the 30 s of a list's page, so that what
/// is logged of a list names the proxy; whatever waits for less gives up by itself.
const THROUGH_PROXY: Duration = Duration::from_secs(10);

/// How long the API server may take for TLS, as in Go's client.
const HANDSHAKE: Duration = Duration::from_secs(10);

/// Makes connections over which HTTP is spoken with the API server.
#[derive(Debug, Clone)]
pub(super) struct Connector {
    http: HttpConnector,
    proxy: Option<Proxy>,
    tls: Option<Tls>,
}

/// How TLS is spoken.
#[derive(Debug, Clone)]
pub(super) struct Tls {
    pub(super) config: Arc<ClientConfig>,
    /// The API server's name in its certificate, if that is not its host in the URL.
    pub(super) server_name: Option<ServerName<'static>>,
}

/// No connection through a proxy. The request is tried again as if the API server had been out of reach.
#[derive(Debug, thiserror::Error)]
#[error("failed to connect through the proxy {proxy}: {source}")]
struct ThroughProxy {
    proxy: String,
    source: BoxError,
}

/// Why there is no TLS. The request is tried again as if the server had been out of reach.
#[derive(Debug, thiserror::Error)]
enum TlsError {
    #[error("TLS was not set up for {0}")]
    Missing(String),
    #[error("{0} is not a name that a certificate can have")]
    Name(String),
    #[error("no TLS within {HANDSHAKE:?}")]
    Silent,
}

/// What bytes are sent over.
trait Bytes: AsyncRead + AsyncWrite + Unpin + Send {}

impl<T: AsyncRead + AsyncWrite + Unpin + Send> Bytes for T {}

type Line = TokioIo<Box<dyn Bytes>>;

impl Connector {
    /// A connector that goes through the proxy, if there is one.
    pub(super) fn new(http: HttpConnector, proxy: Option<Proxy>, tls: Option<Tls>) -> Self {
        Self { http, proxy, tls }
    }

    async fn connect(self, server: Uri) -> Result<Stream, BoxError> {
        let is_secure = server.scheme_str() == Some("https");
        let line = match &self.proxy {
            None => self.reach(&server).await?,
            Some(proxy) => through(proxy, self.pass(proxy, &server, is_secure)).await?,
        };
        let is_http = |proxy: &Proxy| !matches!(proxy.protocol(), Protocol::Socks5(_));
        if !is_secure {
            let is_forwarded = self.proxy.as_ref().is_some_and(is_http);
            return Ok(Stream { line, is_forwarded });
        }
        let name = self.tls.as_ref().and_then(|tls| tls.server_name.clone());
        let line = timeout(HANDSHAKE, self.secure(line, &server, name)).await;
        Ok(Stream { line: line.map_err(|_| TlsError::Silent)??, is_forwarded: false })
    }

    /// A connection over TCP to the host of this URL.
    async fn reach(&self, url: &Uri) -> Result<Line, BoxError> {
        let io = self.http.clone().oneshot(url.clone()).await?.into_inner();
        Ok(TokioIo::new(Box::new(io)))
    }

    /// Speaks TLS with the host of this URL, whose certificate has `name` if that is another.
    async fn secure(
        &self,
        line: Line,
        url: &Uri,
        name: Option<ServerName<'static>>,
    ) -> Result<Line, BoxError> {
        let host = url.host().unwrap_or_default();
        let Some(Tls { config, .. }) = &self.tls else {
            return Err(TlsError::Missing(host.to_owned()).into());
        };
        let bare = host.trim_start_matches('[').trim_end_matches(']').to_owned();
        let own = || ServerName::try_from(bare).map_err(|_| TlsError::Name(host.to_owned()));
        let name = name.map_or_else(own, Ok)?;
        let io = TlsConnector::from(config.clone()).connect(name, line.into_inner()).await?;
        Ok(TokioIo::new(Box::new(io)))
    }

    /// A connection through the proxy to the server, or to the proxy alone where that is sent the requests.
    async fn pass(&self, proxy: &Proxy, server: &Uri, is_secure: bool) -> Result<Line, BoxError> {
        let line = self.reach(&tcp(proxy.url())?).await?;
        let server = with_port(server)?;
        match proxy.protocol() {
            Protocol::Http(_) | Protocol::Https(_) if !is_secure => self.greet(line, proxy).await,
            Protocol::Http(authorization) | Protocol::Https(authorization) => {
                let line = self.greet(line, proxy).await?;
                let tunnel = Tunnel::new(proxy.url().clone(), once(line));
                let tunnel =
                    authorization.iter().fold(tunnel, |tunnel, value| tunnel.with_auth(value.clone()));
                Ok(tunnel.oneshot(server).await?)
            }
            Protocol::Socks5(login) => {
                let socks = SocksV5::new(proxy.url().clone(), once(line));
                let socks = login.iter().fold(socks, |socks, Login { user, password }| {
                    socks.with_auth(user.clone(), password.clone())
                });
                Ok(socks.oneshot(server).await?)
            }
        }
    }

    /// TLS with the proxy, if it wants that: by the authorities of the API server, as in Go's client.
    async fn greet(&self, line: Line, proxy: &Proxy) -> Result<Line, BoxError> {
        match proxy.protocol() {
            Protocol::Https(_) => self.secure(line, proxy.url(), None).await,
            Protocol::Http(_) | Protocol::Socks5(_) => Ok(line),
        }
    }
}

impl Service<Uri> for Connector {
    type Response = Stream;
    type Error = BoxError;
    type Future = Pin<Box<dyn Future<Output = Result<Stream, BoxError>> + Send>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        self.http.poll_ready(cx).map_err(BoxError::from)
    }

    fn call(&mut self, server: Uri) -> Self::Future {
        Box::pin(self.clone().connect(server))
    }
}

/// Host and port of a URL alone: hyper's connector knows no `socks5`, and would take the port of another scheme.
fn tcp(url: &Uri) -> Result<Uri, http::Error> {
    let authority = url.authority().map(ToString::to_string).unwrap_or_default();
    Builder::new().scheme("http").authority(authority).path_and_query("/").build()
}

/// The URL with its port: what asks a proxy takes 443 for any that is left out.
fn with_port(server: &Uri) -> Result<Uri, http::Error> {
    let default = if server.scheme_str() == Some("https") { 443 } else { 80 };
    let authority = format!("{}:{}", server.host().unwrap_or_default(), server.port_u16().unwrap_or(default));
    let scheme = server.scheme_str().unwrap_or("https");
    Builder::new().scheme(scheme).authority(authority).path_and_query("/").build()
}

/// A connector that gives this connection, which is there already: so a failure to reach a proxy is told in full.
fn once(
    line: Line,
) -> impl Service<Uri, Response = Line, Error = io::Error, Future = std::future::Ready<io::Result<Line>>> {
    let mut line = Some(line);
    service_fn(move |_: Uri| {
        std::future::ready(line.take().ok_or_else(|| io::ErrorKind::NotConnected.into()))
    })
}

async fn through<T>(
    proxy: &Proxy,
    connecting: impl Future<Output = Result<T, BoxError>>,
) -> Result<T, ThroughProxy> {
    let connected = timeout(THROUGH_PROXY, connecting).await.map_err(BoxError::from);
    connected.flatten().map_err(|source| {
        let proxy = proxy.url().authority().map(ToString::to_string).unwrap_or_default();
        ThroughProxy { proxy, source }
    })
}

/// A connection.
pub(super) struct Stream {
    line: Line,
    /// Whether requests go to a proxy, which has to be told the whole URL.
    is_forwarded: bool,
}

impl Connection for Stream {
    fn connected(&self) -> Connected {
        Connected::new().proxy(self.is_forwarded)
    }
}

impl Read for Stream {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: ReadBufCursor<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.line).poll_read(cx, buf)
    }
}

impl Write for Stream {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.line).poll_write(cx, buf)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.line).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.line).poll_shutdown(cx)
    }

    fn is_write_vectored(&self) -> bool {
        self.line.is_write_vectored()
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.line).poll_write_vectored(cx, bufs)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_proxy_that_says_nothing_is_given_up() {
        let silent = std::future::pending::<Result<(), BoxError>>();
        let proxy = Proxy::parse("http://p:3128/", "it").unwrap();
        let error = through(&proxy, silent).await.unwrap_err();
        assert_eq!(error.to_string(), "failed to connect through the proxy p:3128: deadline has elapsed");
    }
}
