//! How many connections a server takes, and how long each may take for each step.

use std::time::Duration;

/// Largest head of a request. The API server's are below 2 KiB: it calls a short path with a dozen short
/// headers, and sends no cookies or tokens. A thousand connections may each send half of a head.
pub const HEAD_LIMIT: usize = 16 << 10;

/// Connections to the metrics port at the same time: a kubelet and a few scrapers have one each.
pub const METRICS_CONNECTIONS: usize = 128;

/// Descriptors for everything else: the listeners, the runtime, files that are read, the log, and a few dozen
/// connections to the API server.
const RESERVE: u64 = 128;

/// From connecting to the first request, and from one to the next, on the metrics port. A client that scrapes
/// every 15 s or more makes a new connection each time, which is cheap without TLS.
const METRICS_IDLE: Duration = Duration::from_secs(5);

/// How many connections a server takes, and how long each may take for each step.
#[derive(Debug, Clone)]
pub struct Limits {
    /// Connections at the same time; one is closed to make room for a further one.
    pub connections: usize,
    /// Connections of one peer while others want the room; 0: as many as all together.
    pub connections_per_peer: usize,
    /// Bytes of one request's headers, and of each read from its body.
    pub head: usize,
    /// From a connection's start to its first request's headers, the TLS handshake included.
    pub first_request: Duration,
    /// From one answer to the next request's headers. hyper's header time is the idle time of a
    /// kept connection too, and the API server keeps one for about 90 s.
    pub idle: Duration,
    /// The same when all places are taken: from half of them on, the time falls towards this. It is enough
    /// for a client that calls every now and then.
    pub idle_when_full: Duration,
    /// From a request's headers to its answer, and again from there until the client has read all of it.
    pub request: Duration,
    /// From the signal to stop, once the delay is over, to the end of the last connection.
    pub drain: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connections: 1000,
            connections_per_peer: 500,
            head: HEAD_LIMIT,
            first_request: Duration::from_secs(10),
            idle: Duration::from_mins(2),
            idle_when_full: Duration::from_secs(5),
            request: Duration::from_secs(10),
            drain: Duration::from_secs(15),
        }
    }
}

impl Limits {
    /// The same for the port of metrics and probes, which has few clients that ask all at once.
    #[must_use]
    pub fn of_metrics_port(&self) -> Self {
        Self {
            connections: METRICS_CONNECTIONS,
            // This holds whatever the flag says: the kubelet's address is the node's, and no pod has it.
            connections_per_peer: METRICS_CONNECTIONS / 2,
            first_request: METRICS_IDLE.min(self.first_request),
            idle: METRICS_IDLE.min(self.idle),
            ..self.clone()
        }
    }

    /// Lowers the connections to what the allowed descriptors suffice for; whether that was necessary.
    pub(crate) fn fit(&mut self, allowed: Option<u64>) -> bool {
        let Some(allowed) = allowed else {
            return false;
        };
        let metrics = self.of_metrics_port().connections as u64;
        let left = usize::try_from(allowed.saturating_sub(metrics + RESERVE)).unwrap_or(usize::MAX).max(1);
        let fits = self.connections <= left;
        self.connections = self.connections.min(left);
        if !fits && self.connections_per_peer > 0 {
            self.connections_per_peer = self.connections_per_peer.min(left.div_ceil(2));
        }
        !fits
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn connections_that_have_no_descriptor_are_not_promised() {
        let fitted = |allowed, per_peer| {
            let mut limits = Limits { connections_per_peer: per_peer, ..Limits::default() };
            let is_lowered = limits.fit(allowed);
            (is_lowered, limits.connections, limits.connections_per_peer)
        };
        assert_eq!(fitted(None, 500), (false, 1000, 500));
        assert_eq!(fitted(Some(1000 + 128 + RESERVE), 500), (false, 1000, 500));
        assert_eq!(fitted(Some(1024), 500), (true, 768, 384));
        assert_eq!(fitted(Some(1024), 0), (true, 768, 0));
        assert_eq!(fitted(Some(10), 500), (true, 1, 1));
    }
}
