//! What is counted of connections: failed handshakes, and connections that the server closed or refused.

use prometheus::{IntCounter, IntCounterVec, IntGauge};

use crate::telemetry::{MetricsError, Registry};

/// The metrics of all connections.
#[derive(Debug)]
pub struct Metrics {
    handshake_errors: IntCounterVec,
    open: IntGauge,
    closed: IntCounterVec,
    refused_clients: IntCounter,
}

impl Metrics {
    /// Metrics at zero, registered once.
    pub fn new(registry: &Registry) -> Result<Self, MetricsError> {
        Ok(Self {
            handshake_errors: registry.counters(
                "pod_identity_webhook_tls_handshake_errors_total",
                "TLS handshakes that failed, by reason: a wrong caBundle shows as alert.",
                &["reason"],
            )?,
            open: registry
                .gauge("pod_identity_webhook_connections", "Connections to the webhook's port, or to that on which the agent answers pods, that are open.")?,
            closed: registry.counters(
                "pod_identity_webhook_connections_closed_total",
                "Connections that were closed to keep to a limit, by port and reason.",
                &["port", "reason"],
            )?,
            refused_clients: registry.counter(
                "pod_identity_webhook_refused_clients_total",
                "Calls without the client certificate that --client-ca-file asks for.",
            )?,
        })
    }

    /// A TLS handshake failed.
    pub(super) fn handshake_error(&self, reason: &str) {
        self.handshake_errors.with_label_values(&[reason]).inc();
    }

    /// How many connections are open to the port that serves: the webhook's, or the agent's.
    #[must_use]
    pub fn open(&self) -> &IntGauge {
        &self.open
    }

    /// A connection was closed to keep to a limit.
    pub(super) fn closed(&self, port: Port, reason: ClosedConnection) {
        self.closed.with_label_values(&[port.label(), reason.label()]).inc();
    }

    /// A request came without the client certificate that is asked for.
    pub(super) fn refused_client(&self) {
        self.refused_clients.inc();
    }
}

/// A port of the process.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Port {
    /// The port of `/mutate`.
    Webhook,
    /// The port of metrics and probes.
    Metrics,
    /// The port of the EKS endpoint.
    EksEndpoint,
    /// The port on which the node's agent answers pods.
    Agent,
    /// The port of an issuer's documents.
    Issuer,
}

/// Why the server closed a connection that its client would have kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ClosedConnection {
    /// Its peer has more than a peer's share.
    PeerShare,
    /// There was no room for another.
    Full,
    /// It was new, and all others were in the middle of a call.
    Refused,
    /// The process had no descriptor left.
    Descriptors,
    /// It idled for too long.
    Idle,
    /// Its client read an answer too slowly.
    SlowReader,
}

impl Port {
    /// The port as a metric's label.
    #[must_use]
    pub fn label(self) -> &'static str {
        match self {
            Self::Webhook => "webhook",
            Self::Metrics => "metrics",
            Self::EksEndpoint => "eks-endpoint",
            Self::Agent => "agent",
            Self::Issuer => "issuer",
        }
    }
}

impl ClosedConnection {
    /// The reason as a metric's label.
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_reference_names_every_port_and_reason() {
        let page = include_str!("../../docs/reference.md");
        let name = "| `pod_identity_webhook_connections_closed_total{port,reason}`";
        let row = page.lines().find(|line| line.starts_with(name)).unwrap();
        let ports = [Port::Webhook, Port::Metrics, Port::EksEndpoint, Port::Agent].map(Port::label);
        let reasons = [
            ClosedConnection::PeerShare,
            ClosedConnection::Full,
            ClosedConnection::Refused,
            ClosedConnection::Descriptors,
            ClosedConnection::Idle,
            ClosedConnection::SlowReader,
        ]
        .map(ClosedConnection::label);
        for label in ports.iter().chain(&reasons) {
            assert!(row.contains(&format!("`{label}`")), "{label}");
        }
    }
}
