//! Accepts connections and serves HTTP/1.1 on them: capped in number, each with its deadlines,
//! handshake errors seen, ended without losing a call.
//!
//! An accept loop of our own: axum's server swallows handshake errors, and a bad caBundle is the
//! commonest outage of webhooks. HTTP/1.1 alone, because the API server pins it.

pub mod admin;
mod connection;
pub mod tls;

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use prometheus::IntGauge;
use tokio::net::TcpListener;
use tokio::sync::Semaphore;
use tokio::time::{sleep, timeout};
use tokio_rustls::TlsAcceptor;
use tokio_util::task::TaskTracker;

use crate::lifecycle::Shutdown;
use crate::metrics::Metrics;
use crate::settings::Limits;
use crate::telemetry::Throttle;
use connection::Context;

/// Wait after an accept that failed: out of descriptors, mostly, which another connection's end
/// puts right.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

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
