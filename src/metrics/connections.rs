//! What is told of connections, and of those that were closed or refused by us.

use prometheus::{IntCounter, IntCounterVec, IntGauge, Registry};

use super::{int_counters, int_gauge, registered};

/// The metrics of all connections.
#[derive(Debug)]
pub(super) struct Connections {
    pub(super) open: IntGauge,
    closed: IntCounterVec,
    pub(super) refused_clients: IntCounter,
}

impl Connections {
    pub(super) fn new(registry: &Registry) -> Result<Self, prometheus::Error> {
        Ok(Self {
            open: int_gauge(
                registry,
                "pod_identity_webhook_connections",
                "Connections to /mutate's port that are open.",
            )?,
            closed: int_counters(
                registry,
                "pod_identity_webhook_connections_closed_total",
                "Connections that were closed to keep to a limit, by port and reason.",
                &["port", "reason"],
            )?,
            refused_clients: registered(
                registry,
                IntCounter::new(
                    "pod_identity_webhook_refused_clients_total",
                    "Calls without the client certificate that --client-ca-file asks for.",
                )?,
            )?,
        })
    }

    pub(super) fn closed(&self, port: Port, reason: ClosedConnection) {
        self.closed.with_label_values(&[port.label(), reason.label()]).inc();
    }
}

/// A port of the process.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Port {
    /// That of `/mutate`.
    Webhook,
    /// That of metrics and probes.
    Metrics,
}

/// Why a connection was closed that its client would have kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ClosedConnection {
    /// Its peer has more than a peer's share.
    PeerShare,
    /// There was no room for another.
    Full,
    /// It was new, and all others were in the middle of a call.
    Refused,
    /// The process has no descriptor left.
    Descriptors,
    /// It idled for too long.
    Idle,
    /// It took an answer too slowly.
    SlowReader,
}

impl Port {
    /// As a metric's label.
    #[must_use]
    pub fn label(self) -> &'static str {
        match self {
            Self::Webhook => "webhook",
            Self::Metrics => "metrics",
        }
    }
}

impl ClosedConnection {
    /// As a metric's label.
    #[must_use]
    pub fn label(self) -> &'static str {
        match self {
            Self::PeerShare => "peer_share",
            Self::Full => "full",
            Self::Refused => "refused",
            Self::Descriptors => "descriptors",
            Self::Idle => "idle",
            Self::SlowReader => "slow_reader",
        }
    }
}
