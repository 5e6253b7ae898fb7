//! Whether the link is one that `agent initialize` has made, and may be removed: a function of what is there. Pure.

use std::net::IpAddr;

use super::link::{Kind, Link, LinkName};
use super::state::{Family, State};

/// Why the link is left as it is.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum Foreign {
    /// It is of a type that the agent does not make.
    #[error(
        "{name} is left as it is: it is a link of type {kind}, and the agent's is a dummy or a bridge without ports"
    )]
    Kind {
        /// The link's name.
        name: String,
        /// What it is.
        kind: Kind,
    },
    /// It is somebody's bridge.
    #[error("{name} is left as it is: it is a bridge with the ports {ports}, and the agent's has none")]
    Ports {
        /// The bridge's name.
        name: String,
        /// Names of its ports.
        ports: String,
    },
    /// It carries what the agent has not put there.
    #[error("{name} is left as it is: it has {network} too, which is none of the agent's addresses")]
    Address {
        /// The link's name.
        name: String,
        /// The address that is not the agent's.
        network: String,
    },
    /// It carries nothing by which it is known.
    #[error(
        "{name} is left as it is: it has none of the agent's addresses; if nobody needs it, 'ip link delete {name}' \
         removes it"
    )]
    Bare {
        /// The link's name.
        name: String,
    },
}

/// The link that is to be removed; none if there is none.
pub(super) fn removal<'s>(name: &LinkName, state: &'s State) -> Result<Option<&'s Link>, Foreign> {
    let Some(link) = &state.link else { return Ok(None) };
    let name = name.to_string();
    match &link.kind {
        kind @ Kind::Other(_) => return Err(Foreign::Kind { name, kind: kind.clone() }),
        Kind::Dummy | Kind::Bridge => {}
    }
    if !link.ports.is_empty() {
        return Err(Foreign::Ports { name, ports: link.ports.join(", ") });
    }
    let mut is_ours = false;
    for held in state.addresses.iter().filter(|held| held.on.index == link.index) {
        match Family::of(held.address) {
            Some(family) if family.prefix() == held.prefix => is_ours = true,
            None if is_made_by_the_kernel(held.address) => {}
            _ => {
                let network = format!("{}/{}", held.address, held.prefix);
                return Err(Foreign::Address { name, network });
            }
        }
    }
    if is_ours { Ok(Some(link)) } else { Err(Foreign::Bare { name }) }
}

/// Every link with IPv6 has a link-local address that nobody has put there.
fn is_made_by_the_kernel(address: IpAddr) -> bool {
    matches!(address, IpAddr::V6(address) if address.is_unicast_link_local())
}

#[cfg(test)]
mod tests {
    use super::super::state::{Held, Interface};
    use super::*;

    const INDEX: u32 = 7;

    fn state(kind: Kind, ports: &[&str], addresses: &[(&str, u8)]) -> State {
        let held = |(address, prefix): &(&str, u8)| Held {
            address: address.parse().unwrap(),
            prefix: *prefix,
            on: Interface { index: INDEX, name: "pod-id-link0".to_owned() },
        };
        let ports = ports.iter().map(|port| (*port).to_owned()).collect();
        State {
            link: Some(Link { index: INDEX, kind, is_up: true, ports }),
            addresses: addresses.iter().map(held).collect(),
            routes: Vec::new(),
        }
    }

    fn removed(state: &State) -> Result<Option<u32>, String> {
        let removed = removal(&"pod-id-link0".parse().unwrap(), state);
        removed.map(|link| link.map(|link| link.index)).map_err(|foreign| foreign.to_string())
    }

    const V4: (&str, u8) = ("169.254.170.23", 32);
    const V6: (&str, u8) = ("fd00:ec2::23", 128);
    const KERNEL: (&str, u8) = ("fe80::1", 64);

    #[test]
    fn link_with_the_agents_addresses_alone_is_removed() {
        assert_eq!(removed(&State::default()), Ok(None));
        for addresses in [&[V4, V6, KERNEL][..], &[V4], &[V6]] {
            assert_eq!(removed(&state(Kind::Dummy, &[], addresses)), Ok(Some(INDEX)));
            assert_eq!(removed(&state(Kind::Bridge, &[], addresses)), Ok(Some(INDEX)));
        }
    }

    #[test]
    fn link_of_somebody_else_is_left_and_the_reason_said() {
        let reason = |state: &State| removed(state).unwrap_err();
        let veth = reason(&state(Kind::Other("veth".to_owned()), &[], &[V4]));
        assert!(veth.contains("it is a link of type veth"), "{veth}");
        let ports = reason(&state(Kind::Bridge, &["eth1", "eth2"], &[V4]));
        assert!(ports.contains("with the ports eth1, eth2"), "{ports}");
        let more = reason(&state(Kind::Dummy, &[], &[V4, ("10.0.0.1", 24)]));
        assert!(more.contains("it has 10.0.0.1/24 too"), "{more}");
        let wide = reason(&state(Kind::Dummy, &[], &[("169.254.170.23", 16)]));
        assert!(wide.contains("it has 169.254.170.23/16 too"), "{wide}");
        for addresses in [&[][..], &[KERNEL]] {
            let bare = reason(&state(Kind::Dummy, &[], addresses));
            assert!(bare.contains("none of the agent's addresses"), "{bare}");
        }
    }
}
