//! One connection, from its handshake to its end: its deadlines, its requests, its farewell.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use axum::Router;
use axum::extract::Request;
use axum::http::header::{CONNECTION, HeaderValue};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use prometheus::IntGauge;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::sync::OwnedSemaphorePermit;
use tokio::time::{Instant, sleep_until, timeout_at};
use tokio_io_timeout::TimeoutWriter;
use tokio_rustls::TlsAcceptor;
use tower::ServiceExt;

use super::tls;
use crate::lifecycle::Shutdown;
use crate::metrics::Metrics;
use crate::settings::Limits;
use crate::telemetry::Throttle;

/// How long a connection without a request is kept when the server stops: a call follows its
/// handshake within a round trip.
const FAREWELL: Duration = Duration::from_secs(1);

/// A connection that is counted for as long as this lives, however it ends.
struct Open<'m>(&'m IntGauge);

impl<'m> Open<'m> {
    fn new(gauge: &'m IntGauge) -> Self {
        gauge.inc();
        Self(gauge)
    }
}

impl Drop for Open<'_> {
    fn drop(&mut self) {
        self.0.dec();
    }
}

/// What every connection shares.
pub(super) struct Context {
    pub(super) tls: Option<TlsAcceptor>,
    pub(super) router: Router,
    pub(super) limits: Limits,
    pub(super) metrics: Arc<Metrics>,
    pub(super) open: Option<IntGauge>,
    pub(super) shutdown: Shutdown,
    pub(super) complaints: Throttle,
}

impl Context {
    /// Serves one connection; `slot` is its place among those that are allowed.
    pub(super) async fn connection(
        self: Arc<Self>,
        stream: TcpStream,
        peer: SocketAddr,
        slot: OwnedSemaphorePermit,
    ) {
        let _open = self.open.as_ref().map(Open::new);
        let first_request = Instant::now() + self.limits.first_request;
        // Answers are written whole; waiting for more to send would only delay them.
        drop(stream.set_nodelay(true));
        // hyper waits for ever for a client that does not read.
        let mut stream = TimeoutWriter::new(stream);
        stream.set_timeout(Some(self.limits.request));
        let stream = Box::pin(stream);
        match &self.tls {
            None => self.http(stream, first_request).await,
            Some(acceptor) => match timeout_at(first_request, acceptor.accept(stream)).await {
                Ok(Ok(stream)) => self.http(stream, first_request).await,
                Ok(Err(error)) => self.complain(tls::reason(&error), &error, peer),
                Err(elapsed) => self.complain("timeout", &elapsed, peer),
            },
        }
        drop(slot);
    }

    async fn http(&self, stream: impl AsyncRead + AsyncWrite + Unpin, first_request: Instant) {
        let asked = AtomicBool::new(false);
        let service = hyper::service::service_fn(|request: Request<Incoming>| {
            asked.store(true, Ordering::Relaxed);
            let answer = self.router.clone().oneshot(request.map(axum::body::Body::new));
            async {
                let mut answer = answer.await?;
                // Who keeps a connection is told to make its next one, elsewhere, before this is closed.
                if self.shutdown.leaving.is_cancelled() {
                    answer.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
                }
                Ok::<_, Infallible>(answer)
            }
        });
        let connection = http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(self.limits.idle)
            .max_buf_size(self.limits.head)
            .serve_connection(TokioIo::new(stream), service);
        tokio::pin!(connection);
        let first_request = sleep_until(first_request);
        tokio::pin!(first_request);
        let mut is_waiting = true;
        let mut is_serving = true;
        loop {
            tokio::select! {
                biased;
                () = self.shutdown.stopping.cancelled(), if is_serving => {
                    is_serving = false;
                    if asked.load(Ordering::Relaxed) {
                        connection.as_mut().graceful_shutdown();
                    } else {
                        // hyper would close it at once, and lose the call for which it was made: that
                        // may be under way. Its answer ends the connection.
                        let soon = first_request.deadline().min(Instant::now() + FAREWELL);
                        first_request.as_mut().reset(soon);
                    }
                }
                result = &mut connection => {
                    if let Err(error) = result {
                        tracing::debug!(%error, "connection ended");
                    }
                    return;
                }
                () = &mut first_request, if is_waiting => {
                    is_waiting = false;
                    if !asked.load(Ordering::Relaxed) {
                        tracing::debug!("connection closed: no request in time");
                        return;
                    }
                }
            }
        }
    }

    fn complain(&self, reason: &'static str, error: &dyn std::fmt::Display, peer: SocketAddr) {
        self.metrics.handshake_error(reason);
        if let Some(left_out) = self.complaints.allow() {
            tracing::warn!(
                %peer, reason, %error, left_out,
                "TLS handshake failed; if this is the API server, the webhook's caBundle does not match the certificate"
            );
        }
    }
}
