//! Accepts connections and serves HTTP/1.1 on them: their number is limited, each has deadlines, handshake
//! errors are seen, and a connection ends without losing a call.
//!
//! It has its own accept loop: axum's server swallows handshake errors, and a bad caBundle is the commonest
//! outage of webhooks. It serves HTTP/1.1 alone, because the API server pins it.

mod activity;
pub mod admin;
mod answers;
mod connection;
mod connections;
mod entry;
mod group;
mod handshake;
mod limits;
mod listen;
mod metrics;
mod peer;
pub mod pressure;
mod settings;
pub mod strangers;
mod stream;
pub mod tls;
mod tls_settings;

use std::iter;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use prometheus::IntGauge;
use tokio::net::{TcpListener, TcpStream};
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

pub use answers::{Answer, Answers};
pub use limits::{HEAD_LIMIT, Limits, METRICS_CONNECTIONS};
pub(crate) use listen::bind;
pub use metrics::{ClosedConnection, Metrics, Port};
pub use settings::Settings;
pub use tls_settings::TlsSettings;

/// Wait after an accept that failed: mostly for want of descriptors, until a connection's end frees one.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// Most memory that one connection takes, in bytes, whatever its client sends, without the bodies and answers
/// of requests: heads that are read ahead (16 KiB), a TLS record that does not end (18), one that is
/// decrypted and one that is encrypted (16 each at most), and 20 for its task and its TLS. Measured over
/// hundreds of connections of each kind: 66 KiB at most, where requests are sent and no answer is read. It
/// does not include what the kernel keeps of a socket: [`SOCKET_BUFFER`].
pub const CONNECTION_MEMORY: usize = 80 << 10;

/// Bytes that the kernel is asked to buffer in each direction, while the server does not read or the client
/// does not; it takes twice as much for its own bookkeeping. By default it lets a fast connection grow to
/// several MiB, which count against the container's memory: a thousand would end it. This is enough for a
/// review of nearly any pod in one round trip, and for some tens of MB a second within a cluster.
pub const SOCKET_BUFFER: u32 = 32 << 10;

/// Connections beyond the number allowed that may be closed without their tasks having ended, before the next
/// is accepted: each keeps its descriptor and its memory until its task has run once more.
const ENDING: usize = 64;

/// How long to wait for some of them to end.
const TURN: Duration = Duration::from_millis(1);

/// How often to look for connections that idle, or read an answer, for too long: looking at a thousand takes
/// microseconds.
const SWEEP: Duration = Duration::from_millis(250);

/// One listening socket and what is served on it.
pub struct Server {
    /// Where connections come from.
    pub listener: TcpListener,
    /// `None` serves plain HTTP.
    pub tls: Option<TlsAcceptor>,
    /// What answers.
    pub answers: Answers,
    /// What answers clients without a certificate, instead of `answers`; `None`: all are served alike.
    pub strangers: Option<Router>,
    /// How many connections it takes, and how long each may take for each step.
    pub limits: Limits,
    /// Counts failed handshakes, and connections that were closed.
    pub metrics: Arc<Metrics>,
    /// Its name in metrics and log.
    pub port: Port,
    /// The gauge of open connections; `None` on the metrics port, where a scrape would count itself.
    pub open: Option<IntGauge>,
    /// Whether the memory for calls is short; `None` where answers, which hold it until read, are small.
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
        let Self { listener, tls, answers, strangers, limits, metrics, port, open, pressure, shutdown } =
            self;
        let connections = Arc::new(Connections::new(&limits, metrics.clone(), port, open, pressure));
        let tasks = TaskTracker::new();
        let drain = limits.drain;
        let most = limits.connections + ENDING;
        let context = Arc::new(Context {
            tls: tls.map(Handshakes::new),
            answers,
            strangers: strangers.map(Answers::from),
            limits,
            metrics,
            shutdown: shutdown.clone(),
            complaints: Throttle::new(Duration::from_secs(1)),
        });
        let mut sweep = interval(SWEEP);
        sweep.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let complaints = Throttle::new(Duration::from_secs(1));
        let admit = |stream, peer: SocketAddr| {
            // Without a place the stream is dropped, and so closed.
            let of = if port == Port::Agent { Peer::exactly } else { Peer::of };
            if let Some(place) = connections.admit(of(peer.ip())) {
                let entry = place.entry.clone();
                let task = tasks.spawn(context.clone().connection(stream, peer, place));
                entry.task(task.abort_handle());
            }
        };
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
                Ok((stream, peer)) => admit(stream, peer),
                Err(error) => {
                    if let Some(left_out) = complaints.allow() {
                        tracing::warn!(%error, left_out, "failed to accept a connection");
                    }
                    connections.close_one();
                    sleep(ACCEPT_PAUSE).await;
                }
            }
        }
        for (stream, peer) in waiting(listener) {
            admit(stream, peer);
        }
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

/// The connections that the kernel has made and nobody has accepted: they would be reset with the socket, and their calls
/// be lost. Asked of the kernel itself, because the runtime may not have heard of the last ones yet.
fn waiting(listener: TcpListener) -> impl Iterator<Item = (TcpStream, SocketAddr)> {
    let listener = listener.into_std().ok();
    iter::from_fn(move || {
        let (stream, peer) = listener.as_ref()?.accept().ok()?;
        stream.set_nonblocking(true).ok()?;
        Some((TcpStream::from_std(stream).ok()?, peer))
    })
}
