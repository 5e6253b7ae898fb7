//! Connections to the API server, or to the proxy that leads to it.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use http::Uri;
use hyper::rt::{Read, ReadBufCursor, Write};
use hyper_util::client::legacy::connect::proxy::Tunnel;
use hyper_util::client::legacy::connect::{Connected, Connection, HttpConnector};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tokio::time::timeout;
use tower::{BoxError, Service};

use super::proxy::Proxy;

/// How long a proxy may take to be reached and to connect on. It is less than the 30 s of a list's page, so that what
/// is logged of a list names the proxy; whatever waits for less gives up by itself.
const THROUGH_PROXY: Duration = Duration::from_secs(10);

/// Makes connections over which HTTP or TLS is spoken with the API server.
#[derive(Debug, Clone)]
pub(super) struct Connector {
    http: HttpConnector,
    route: Route,
}

#[derive(Debug, Clone)]
enum Route {
    Direct,
    /// Requests are sent to the proxy at this URL: what HTTP has for servers that are spoken to in plain text.
    Forward(Uri),
    /// The proxy is asked to connect, and is then no longer there.
    Tunnel(Tunnel<HttpConnector>, Uri),
}

/// No connection through a proxy. The request is tried again as if the API server had been out of reach.
#[derive(Debug, thiserror::Error)]
#[error("failed to connect through the proxy {proxy}: {source}")]
struct ThroughProxy {
    proxy: String,
    source: BoxError,
}

impl Connector {
    /// A connector to the API server at this URL, through the proxy if there is one.
    pub(super) fn new(http: HttpConnector, server: &Uri, proxy: Option<&Proxy>) -> Self {
        let route = match proxy {
            None => Route::Direct,
            Some(Proxy { url, authorization }) if server.scheme_str() == Some("https") => {
                let tunnel = Tunnel::new(url.clone(), http.clone());
                let tunnel =
                    authorization.iter().fold(tunnel, |tunnel, value| tunnel.with_auth(value.clone()));
                Route::Tunnel(tunnel, url.clone())
            }
            // The credentials are then a header of each request.
            Some(Proxy { url, authorization: _ }) => Route::Forward(url.clone()),
        };
        Self { http, route }
    }

    /// Whether a proxy reads the requests.
    pub(super) fn is_forwarding(&self) -> bool {
        matches!(self.route, Route::Forward(_))
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
        match &mut self.route {
            Route::Direct => {
                let connecting = self.http.call(server);
                Box::pin(async { Ok(Stream { io: connecting.await?, is_forwarded: false }) })
            }
            Route::Forward(proxy) => {
                let connecting = self.http.call(proxy.clone());
                let io = through(proxy.clone(), connecting);
                Box::pin(async { Ok(Stream { io: io.await?, is_forwarded: true }) })
            }
            Route::Tunnel(tunnel, proxy) => {
                let connecting = tunnel.call(server);
                let io = through(proxy.clone(), connecting);
                Box::pin(async { Ok(Stream { io: io.await?, is_forwarded: false }) })
            }
        }
    }
}

async fn through<T, E: Into<BoxError>>(
    proxy: Uri,
    connecting: impl Future<Output = Result<T, E>>,
) -> Result<T, ThroughProxy> {
    let connected = timeout(THROUGH_PROXY, connecting).await.map_err(BoxError::from);
    connected.and_then(|connected| connected.map_err(Into::into)).map_err(|source| {
        let proxy = proxy.authority().map(ToString::to_string).unwrap_or_default();
        ThroughProxy { proxy, source }
    })
}

/// A connection.
#[derive(Debug)]
pub(super) struct Stream {
    io: TokioIo<TcpStream>,
    /// Whether requests go to a proxy, which has to be told the whole URL.
    is_forwarded: bool,
}

impl Connection for Stream {
    fn connected(&self) -> Connected {
        self.io.connected().proxy(self.is_forwarded)
    }
}

impl Read for Stream {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: ReadBufCursor<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_read(cx, buf)
    }
}

impl Write for Stream {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.io).poll_write(cx, buf)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_shutdown(cx)
    }

    fn is_write_vectored(&self) -> bool {
        self.io.is_write_vectored()
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.io).poll_write_vectored(cx, bufs)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_proxy_that_says_nothing_is_given_up() {
        let silent = std::future::pending::<Result<(), BoxError>>();
        let error = through(Uri::from_static("http://p:3128/"), silent).await.unwrap_err();
        assert_eq!(error.to_string(), "failed to connect through the proxy p:3128: deadline has elapsed");
    }
}
