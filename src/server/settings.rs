//! Where a server listens, how much it takes at once, and how it ends.

use std::net::{IpAddr, Ipv6Addr, SocketAddr};
use std::time::Duration;

use super::limits::Limits;
use crate::cli::error::{SettingsError, invalid};
use crate::cli::server::ServerArgs;

/// Where a server listens, how much it takes at once, and how it ends.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Where it listens.
    pub address: SocketAddr,
    /// Where metrics and probes listen.
    pub metrics_address: SocketAddr,
    /// How many connections it takes, and how long each may take for each step.
    pub limits: Limits,
    /// How long to go on serving after the signal to stop.
    pub shutdown_delay: Duration,
}

impl Settings {
    /// The usual limits at these ports of the address that a flag names.
    pub(crate) fn new(
        bind_address: &str,
        port: u16,
        metrics_port: u16,
        shutdown_delay: Duration,
    ) -> Result<Self, SettingsError> {
        let address = address(bind_address)?;
        Ok(Self {
            address: SocketAddr::new(address, port),
            metrics_address: SocketAddr::new(address, metrics_port),
            limits: Limits::default(),
            shutdown_delay,
        })
    }
}

impl TryFrom<&ServerArgs> for Settings {
    type Error = SettingsError;

    fn try_from(args: &ServerArgs) -> Result<Self, SettingsError> {
        let usual = Self::new(&args.bind_address, args.port, args.metrics_port, args.shutdown_delay)?;
        let limits = Limits {
            connections: usize::try_from(args.max_connections).unwrap_or(usize::MAX),
            connections_per_peer: connections_per_peer(args),
            ..Limits::default()
        };
        Ok(Self { limits, ..usual })
    }
}

/// Half of all connections unless the flag says otherwise: one peer cannot take the places of another,
/// and an API server, which works on 200 changes at the same time, has more than it needs.
fn connections_per_peer(args: &ServerArgs) -> usize {
    let share = args.max_connections_per_peer.unwrap_or_else(|| args.max_connections.div_ceil(2));
    usize::try_from(share).unwrap_or(usize::MAX)
}

fn address(text: &str) -> Result<IpAddr, SettingsError> {
    if text.is_empty() {
        return Ok(IpAddr::V6(Ipv6Addr::UNSPECIFIED));
    }
    text.parse().map_err(|_| invalid("--bind-address", text, "expected an IPv4 or IPv6 address"))
}
