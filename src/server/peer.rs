//! Whose connection it is, for its share of all connections.

use std::fmt;
use std::net::{IpAddr, Ipv6Addr};

/// One peer: an IPv4 address, even if written as an IPv6 one, or a /64 of IPv6: a client that has one address
/// of it has all 2^64.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Peer {
    address: IpAddr,
    /// How much of the address it is, for people.
    prefix: &'static str,
}

impl Peer {
    /// Exactly this address: pods of one node share a /64, and each is a peer of its own to the node's agent.
    pub(super) fn exactly(address: IpAddr) -> Self {
        Self { address: address.to_canonical(), prefix: "" }
    }

    pub(super) fn of(address: IpAddr) -> Self {
        match address.to_canonical() {
            IpAddr::V6(address) => {
                let address = IpAddr::V6(Ipv6Addr::from_bits(address.to_bits() >> 64 << 64));
                Self { address, prefix: "/64" }
            }
            address @ IpAddr::V4(_) => Self { address, prefix: "" },
        }
    }
}

impl fmt::Display for Peer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { address, prefix } = self;
        write!(f, "{address}{prefix}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn peer(address: &str) -> Peer {
        Peer::of(address.parse().unwrap())
    }

    #[test]
    fn ipv4_address_is_one_peer_however_it_is_written() {
        assert_eq!(peer("192.0.2.1"), peer("::ffff:192.0.2.1"));
        assert_ne!(peer("192.0.2.1"), peer("192.0.2.2"));
        assert_ne!(peer("::ffff:192.0.2.1"), peer("::ffff:192.0.2.2"));
    }

    #[test]
    fn network_of_64_bits_is_one_peer() {
        assert_eq!(peer("2001:db8::1"), peer("2001:db8::ffff:ffff:ffff:ffff"));
        assert_ne!(peer("2001:db8::1"), peer("2001:db8:0:1::1"));
    }
}
