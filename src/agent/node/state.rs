//! What the agent needs of the node's network, and what is there of it. Pure: `kernel` reads it, `plan` compares.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::link::Link;

/// One of the two addresses at which SDKs ask, by its version of IP.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Family {
    /// `169.254.170.23`.
    V4,
    /// `fd00:ec2::23`.
    V6,
}

impl Family {
    /// Both, in the order in which they are put on the link.
    pub(super) const ALL: [Self; 2] = [Self::V4, Self::V6];

    /// The address.
    pub(super) const fn address(self) -> IpAddr {
        match self {
            Self::V4 => IpAddr::V4(Ipv4Addr::new(169, 254, 170, 23)),
            Self::V6 => IpAddr::V6(Ipv6Addr::new(0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x23)),
        }
    }

    /// The length of its prefix: it is an address alone, with no network around it.
    pub(super) const fn prefix(self) -> u8 {
        match self {
            Self::V4 => 32,
            Self::V6 => 128,
        }
    }

    /// The address with its prefix.
    pub(super) fn network(self) -> String {
        format!("{}/{}", self.address(), self.prefix())
    }

    /// The address as a URL has it.
    pub(super) fn host(self) -> &'static str {
        match self {
            Self::V4 => "169.254.170.23",
            Self::V6 => "[fd00:ec2::23]",
        }
    }

    /// Which of the two it is, if it is one.
    pub(super) fn of(address: IpAddr) -> Option<Self> {
        Self::ALL.into_iter().find(|family| family.address() == address)
    }
}

impl fmt::Display for Family {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::V4 => "IPv4",
            Self::V6 => "IPv6",
        })
    }
}

/// What is there.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct State {
    /// The link of the name that is asked for.
    pub(super) link: Option<Link>,
    /// All addresses of that link, and the agent's wherever they are.
    pub(super) addresses: Vec<Held>,
    /// Routes to the agent's addresses in the main table.
    pub(super) routes: Vec<Route>,
}

/// A link as it is named to a person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Interface {
    /// The kernel's number of it.
    pub(super) index: u32,
    /// Its name.
    pub(super) name: String,
}

/// An address that an interface has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Held {
    /// The address.
    pub(super) address: IpAddr,
    /// The length of its prefix.
    pub(super) prefix: u8,
    /// Whose it is.
    pub(super) on: Interface,
}

/// A route to one of the agent's addresses and to nothing else.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Route {
    /// Where it leads.
    pub(super) to: Family,
    /// The interfaces through which it leads; none for one that drops packets.
    pub(super) through: Vec<Interface>,
}
