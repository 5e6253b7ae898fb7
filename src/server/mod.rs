//! Accepts connections and serves HTTP/1.1 on them: capped in number, each with its deadlines,
//! handshake errors seen, ended without losing a call.
//!
//! An accept loop of our own: axum's server swallows handshake errors, and a bad caBundle is the
//! commonest outage of webhooks. HTTP/1.1 alone, because the API server pins it.

mod activity;
pub mod admin;
mod connection;
mod connections;
mod entry;
mod group;
mod handshake;
mod limits;
mod metrics;
mod peer;
pub mod pressure;
mod settings;
pub mod strangers;
mod stream;
pub mod tls;
mod tls_settings;

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use prometheus::IntGauge;
use tokio::net::TcpListener;
use tokio::time::{MissedTickBehavior, interval, sleep, timeout};
use tokio_rustls::TlsAcceptor;
use tokio_util::task::TaskTracker;

use crate::process::Shutdown;
use crate::telemetry::Throttle;
use connection::Context;
use connections::Connections;
use handshake::Handshakes;
use peer::Peer;
use pressure::Pressure;

pub use limits::{HEAD_LIMIT, Limits, METRICS_CONNECTIONS};
pub use metrics::{ClosedConnection, Metrics, Port};
pub use settings::Settings;
pub use tls_settings::TlsSettings;

/// Wait after an accept that failed: out of descriptors, mostly, which another connection's end
/// puts right.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// Most memory that one connection takes, in bytes, whoever has it and whatever is sent, without the bodies and
/// answers of requests: heads that are read ahead (16 KiB), a record of TLS that does not end (18), one that is
/// decrypted and one that is encrypted (16 each at most), and 20 for its task and its TLS. Measured over
/// hundreds of connections of each kind: 66 KiB at most, where requests are sent and no answer is read. What the
/// kernel keeps of a socket is not in it: [`SOCKET_BUFFER`].
pub const CONNECTION_MEMORY: usize = 80 << 10;

/// Bytes that the kernel is asked to keep of a connection in each direction, while we do not read or the client
/// does not; it takes twice as much for its own bookkeeping. By itself it lets a fast connection grow to
/// several MiB, which count against the memory of the container: a thousand would end it. Enough for a review of
/// nearly any pod in one round trip, and for some tens of MB a second within a cluster.
pub const SOCKET_BUFFER: u32 = 32 << 10;

/// Connections beyond the number that is allowed that were closed and whose tasks have not ended, at most, before the
/// next is accepted: each keeps its descriptor and its memory until its task has run once more.
const ENDING: usize = 64;

/// How long is waited for some of them to end.
const TURN: Duration = Duration::from_millis(1);

/// How often connections are looked over for those that idle, or read, for too long: a look at a thousand
/// takes microseconds.
const SWEEP: Duration = Duration::from_millis(250);

/// One listening socket and what is served on it.
pub struct Server {
    /// Where connections come from.
    pub listener: TcpListener,
    /// `None` serves plain HTTP.
    pub tls: Option<TlsAcceptor>,
    /// What answers.
    pub router: Router,
    /// What answers instead those who have shown no client certificate; `None`: all are served alike.
    pub strangers: Option<Router>,
    /// How many connections, and how long each may take for what.
    pub limits: Limits,
    /// Counts failed handshakes, and connections that were closed.
    pub metrics: Arc<Metrics>,
    /// As metrics and log call it.
    pub port: Port,
    /// Counts the connections that are open, if anybody is to know: whoever asks for metrics would
    /// only count themselves.
    pub open: Option<IntGauge>,
    /// Whether the memory for calls is short, which answers hold until they are read; `None` where they are
    /// small.
    pub pressure: Option<Arc<Pressure>>,
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
        let Self { listener, tls, router, strangers, limits, metrics, port, open, pressure, shutdown } = self;
        let connections = Arc::new(Connections::new(&limits, metrics.clone(), port, open, pressure));
        let tasks = TaskTracker::new();
        let drain = limits.drain;
        let most = limits.connections + ENDING;
        let context = Arc::new(Context {
            tls: tls.map(Handshakes::new),
            router,
            strangers,
            limits,
            metrics,
            shutdown: shutdown.clone(),
            complaints: Throttle::new(Duration::from_secs(1)),
        });
        let mut sweep = interval(SWEEP);
        sweep.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let complaints = Throttle::new(Duration::from_secs(1));
        loop {
            let accepted = tokio::select! {
                biased;
                () = shutdown.stopping.cancelled() => break,
                _ = sweep.tick() => {
                    connections.sweep();
                    continue;
                }
                accepted = listener.accept(), if tasks.len() < most => accepted,
                () = sleep(TURN), if tasks.len() >= most => continue,
            };
            match accepted {
                Ok((stream, peer)) => {
                    // Without a place the stream is dropped, and so closed.
                    if let Some(place) = connections.admit(Peer::of(peer.ip())) {
                        let entry = place.entry.clone();
                        let task = tasks.spawn(context.clone().connection(stream, peer, place));
                        entry.task(task.abort_handle());
                    }
                }
                Err(error) => {
                    if let Some(left_out) = complaints.allow() {
                        tracing::warn!(%error, left_out, "failed to accept a connection");
                    }
                    connections.close_one();
                    sleep(ACCEPT_PAUSE).await;
                }
            }
        }
        drop(listener);
        tasks.close();
        let drained = async {
            let waited = tasks.wait();
            tokio::pin!(waited);
            loop {
                tokio::select! {
                    () = &mut waited => break,
                    _ = sweep.tick() => connections.sweep(),
                }
            }
        };
        if timeout(drain, drained).await.is_err() {
            tracing::warn!(left = tasks.len(), "connections left when the time to drain was over");
        }
    }
}
