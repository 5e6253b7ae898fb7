//! Accepts connections and serves HTTP/1.1 on them: capped in number, each with its deadlines,
//! handshake errors seen, ended without losing a call.
//!
//! An accept loop of our own: axum's server swallows handshake errors, and a bad caBundle is the
//! commonest outage of webhooks. HTTP/1.1 alone, because the API server pins it.

pub mod admin;
pub mod tls;

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
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, sleep, sleep_until, timeout, timeout_at};
use tokio_rustls::TlsAcceptor;
use tokio_util::task::TaskTracker;
use tower::ServiceExt;

use crate::lifecycle::Shutdown;
use crate::metrics::Metrics;
use crate::settings::Limits;
use crate::telemetry::Throttle;

/// Wait after an accept that failed: out of descriptors, mostly, which another connection's end
/// puts right.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// How long a connection without a request is kept when the server stops: a call follows its
/// handshake within a round trip.
const FAREWELL: Duration = Duration::from_secs(1);

/// One listening socket and what is served on it.
pub struct Server {
    /// Where connections come from.
    pub listener: TcpListener,
    /// `None` serves plain HTTP.
    pub tls: Option<TlsAcceptor>,
    /// What answers.
    pub router: Router,
    /// How many connections, and how long each may take for what.
    pub limits: Limits,
    /// Counts failed handshakes.
    pub metrics: Arc<Metrics>,
    /// Counts the connections that are open, if anybody is to know: whoever asks for metrics would
    /// only count themselves.
    pub open: Option<IntGauge>,
    /// When to stop.
    pub shutdown: Shutdown,
}

impl std::fmt::Debug for Server {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Server").field("listener", &self.listener).finish_non_exhaustive()
    }
}

impl Server {
    /// Serves until told to stop, and then until the last connection has ended or the limit of
    /// the drain is over.
    pub async fn serve(self) {
        let Self { listener, tls, router, limits, metrics, open, shutdown } = self;
        let slots = Arc::new(Semaphore::new(limits.connections));
        let connections = TaskTracker::new();
        let context = Arc::new(Context {
            tls,
            router,
            limits: limits.clone(),
            metrics,
            open,
            shutdown: shutdown.clone(),
            complaints: Throttle::new(Duration::from_secs(1)),
        });
        loop {
            // A place first, so that what waits beyond the cap waits in the kernel, unaccepted.
            let next = async {
                let slot = slots.clone().acquire_owned().await.ok()?;
                Some((listener.accept().await, slot))
            };
            let accepted = tokio::select! {
                biased;
                () = shutdown.stopping.cancelled() => break,
                accepted = next => accepted,
            };
            match accepted {
                Some((Ok((stream, peer)), slot)) => {
                    connections.spawn(context.clone().connection(stream, peer, slot));
                }
                Some((Err(error), _)) => {
                    tracing::warn!(%error, "failed to accept a connection");
                    sleep(ACCEPT_PAUSE).await;
                }
                // The semaphore is never closed; without it nothing could be accepted.
                None => break,
            }
        }
        drop(listener);
        connections.close();
        if timeout(limits.drain, connections.wait()).await.is_err() {
            tracing::warn!(left = connections.len(), "connections left when the time to drain was over");
        }
    }
}

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
struct Context {
    tls: Option<TlsAcceptor>,
    router: Router,
    limits: Limits,
    metrics: Arc<Metrics>,
    open: Option<IntGauge>,
    shutdown: Shutdown,
    complaints: Throttle,
}

impl Context {
    async fn connection(self: Arc<Self>, stream: TcpStream, peer: SocketAddr, slot: OwnedSemaphorePermit) {
        let _open = self.open.as_ref().map(Open::new);
        let first_request = Instant::now() + self.limits.first_request;
        // Answers are written whole; waiting for more to send would only delay them.
        drop(stream.set_nodelay(true));
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
