//! How much a server takes of everything at once, and for how long.

use std::time::Duration;

/// Largest body that is read: two objects of the 3 MB that etcd is commonly allowed, and slack.
pub const BODY_LIMIT: usize = 7 << 20;

/// Largest head of a request: the API server's are below 2 KiB, for it calls a short path with a dozen short
/// headers and no cookie or token of anybody; and a thousand connections may each send half of one.
pub const HEAD_LIMIT: usize = 16 << 10;

/// Connections to the metrics port at the same time: a kubelet and a few scrapers have one each.
pub const METRICS_CONNECTIONS: usize = 128;

/// From connecting to the first request, and from one to the next, on the metrics port. Whoever scrapes
/// every 15 s or more makes a new connection, which costs nothing without TLS.
const METRICS_IDLE: Duration = Duration::from_secs(5);

/// How much of everything at once, and for how long.
#[derive(Debug, Clone)]
pub struct Limits {
    /// Connections at the same time; for a further one another is closed.
    pub connections: usize,
    /// Those of one peer, while others want the room; 0: as many as of all.
    pub connections_per_peer: usize,
    /// Bytes of all bodies in flight together; further ones wait to be read.
    pub request_memory: usize,
    /// One body.
    pub body: usize,
    /// The headers of one request, and what is read at a time of its body.
    pub head: usize,
    /// From a connection's start to its first request's headers, the TLS handshake included.
    pub first_request: Duration,
    /// From one answer to the next request's headers. hyper's header time is the idle time of a
    /// kept connection too, and the API server keeps one for about 90 s.
    pub idle: Duration,
    /// The same where all places are taken; from half of them on it falls to this. Enough for a client that
    /// calls every now and then.
    pub idle_when_full: Duration,
    /// From a request's headers to its answer; and from there until its reader has taken the whole of it.
    pub request: Duration,
    /// One live look-up.
    pub lookup: Duration,
    /// From the signal to stop, once the delay is over, to the end of the last connection.
    pub drain: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connections: 1000,
            connections_per_peer: 500,
            request_memory: 64 << 20,
            body: BODY_LIMIT,
            head: HEAD_LIMIT,
            first_request: Duration::from_secs(10),
            idle: Duration::from_mins(2),
            idle_when_full: Duration::from_secs(5),
            request: Duration::from_secs(10),
            lookup: Duration::from_millis(1500),
            drain: Duration::from_secs(15),
        }
    }
}

impl Limits {
    /// The same for the port of metrics and probes, which few ask and all at once.
    #[must_use]
    pub fn of_metrics_port(&self) -> Self {
        Self {
            connections: METRICS_CONNECTIONS,
            // Always: the kubelet's address is the node's, and no pod's.
            connections_per_peer: METRICS_CONNECTIONS / 2,
            first_request: METRICS_IDLE.min(self.first_request),
            idle: METRICS_IDLE.min(self.idle),
            ..self.clone()
        }
    }
}
