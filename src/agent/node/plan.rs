//! What is missing on the node, and what stands in the way: a function of what is there. Pure.

use super::link::{Kind, Link, LinkName, LinkType};
use super::state::{Family, State};

/// What is asked for.
#[derive(Debug, Clone)]
pub(super) struct Wanted {
    /// The name of the link.
    pub(super) name: LinkName,
    /// Its type.
    pub(super) link_type: LinkType,
    /// The addresses that it is to have, without those that the kernel has refused.
    pub(super) families: Vec<Family>,
}

/// A change of the node's network.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Step {
    /// Make the link.
    Link,
    /// Put an address on the link with this number.
    Address(Family, u32),
    /// Set the link with this number up.
    Up(u32),
    /// Route an address to the link with this number.
    Route(Family, u32),
}

impl Step {
    /// The address that the step is about.
    pub(super) fn family(self) -> Option<Family> {
        match self {
            Self::Address(family, _) | Self::Route(family, _) => Some(family),
            Self::Link | Self::Up(_) => None,
        }
    }
}

/// What stands in the way and is not the agent's to change.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum Conflict {
    /// The name is that of something else.
    #[error(
        "{name} is a link of type {kind} already, and the agent's is a dummy or a bridge without ports: rename that \
         one, or give the agent's another name (--link)"
    )]
    Kind {
        /// The link's name.
        name: String,
        /// What it is.
        kind: Kind,
    },
    /// The name is that of the right thing, but not of what was asked for.
    #[error("{name} is a {kind} already: remove it with 'agent teardown' first, or leave --link-type out")]
    Type {
        /// The link's name.
        name: String,
        /// What it is.
        kind: Kind,
    },
    /// The name is that of a bridge that is somebody's.
    #[error(
        "{name} is a bridge already, with the ports {ports}, through which others could reach the agent: rename it, or \
         give the agent's link another name (--link)"
    )]
    Ports {
        /// The bridge's name.
        name: String,
        /// Names of its ports.
        ports: String,
    },
    /// Another interface has the address.
    #[error(
        "{} is on {interface} already: if that is the link of another agent, use it by --link={interface}; if not, \
         take the address away ('ip address del {network} dev {interface}')",
        family.address()
    )]
    Address {
        /// Which address.
        family: Family,
        /// The address as it is there.
        network: String,
        /// Whose it is.
        interface: String,
    },
    /// The link has the address, and a network with it.
    #[error(
        "{name} has {network}, expected {}: take it away ('ip address del {network} dev {name}')",
        family.network()
    )]
    Prefix {
        /// The link's name.
        name: String,
        /// Which address.
        family: Family,
        /// The address as it is there.
        network: String,
    },
    /// The address is routed to another interface.
    #[error(
        "the main routing table sends packets to {} {way} already: take that route away ('ip{} route del {}{dev}')",
        family.address(),
        if *family == Family::V6 { " -6" } else { "" },
        family.network()
    )]
    Route {
        /// Which address.
        family: Family,
        /// Where the route leads, in words.
        way: String,
        /// The same for `ip`.
        dev: String,
    },
}

/// The steps that can be done now; none once everything is there. They are to be done in this order, and then asked for
/// again: what a link lacks is known only when there is one, and the kernel makes some routes by itself.
pub(super) fn next(wanted: &Wanted, state: &State) -> Result<Vec<Step>, Vec<Conflict>> {
    let conflicts = conflicts(wanted, state);
    if !conflicts.is_empty() {
        return Err(conflicts);
    }
    let Some(link) = &state.link else { return Ok(vec![Step::Link]) };
    let families = wanted.families.iter().copied();
    let address = families.clone().filter(|family| !has_address(state, link, *family));
    let mut steps: Vec<_> = address.map(|family| Step::Address(family, link.index)).collect();
    if !link.is_up {
        steps.push(Step::Up(link.index));
    }
    if steps.is_empty() {
        let route = families.filter(|family| !state.routes.iter().any(|route| route.to == *family));
        steps.extend(route.map(|family| Step::Route(family, link.index)));
    }
    Ok(steps)
}

/// Whether the link has the address.
pub(super) fn has_address(state: &State, link: &Link, family: Family) -> bool {
    state.addresses.iter().any(|held| held.on.index == link.index && held.address == family.address())
}

fn conflicts(wanted: &Wanted, state: &State) -> Vec<Conflict> {
    let name = wanted.name.to_string();
    let mut conflicts: Vec<_> = state.link.iter().filter_map(|link| of_link(wanted, &name, link)).collect();
    let index = state.link.as_ref().map(|link| link.index);
    for held in &state.addresses {
        let Some(family) = Family::of(held.address) else { continue };
        let network = format!("{}/{}", held.address, held.prefix);
        if Some(held.on.index) != index {
            conflicts.push(Conflict::Address { family, network, interface: held.on.name.clone() });
        } else if held.prefix != family.prefix() {
            conflicts.push(Conflict::Prefix { name: name.clone(), family, network });
        }
    }
    for route in &state.routes {
        let family = route.to;
        if route.through.is_empty() {
            let way = "nowhere".to_owned();
            conflicts.push(Conflict::Route { family, way, dev: String::new() });
        }
        for interface in route.through.iter().filter(|interface| Some(interface.index) != index) {
            let way = format!("through {}", interface.name);
            conflicts.push(Conflict::Route { family, way, dev: format!(" dev {}", interface.name) });
        }
    }
    conflicts
}

fn of_link(wanted: &Wanted, name: &str, link: &Link) -> Option<Conflict> {
    let (name, kind) = (name.to_owned(), link.kind.clone());
    match kind {
        Kind::Other(_) => Some(Conflict::Kind { name, kind }),
        Kind::Bridge if !link.ports.is_empty() => {
            Some(Conflict::Ports { name, ports: link.ports.join(", ") })
        }
        _ if !wanted.link_type.kinds().contains(&kind) => Some(Conflict::Type { name, kind }),
        Kind::Dummy | Kind::Bridge => None,
    }
}

#[cfg(test)]
mod tests {
    use super::super::state::{Held, Interface, Route};
    use super::*;

    const OWN: u32 = 7;
    const OTHER: u32 = 3;

    fn wanted(link_type: LinkType) -> Wanted {
        let name = "pod-id-link0".parse().unwrap();
        Wanted { name, link_type, families: Family::ALL.to_vec() }
    }

    fn link(kind: Kind) -> Link {
        Link { index: OWN, kind, is_up: true, ports: Vec::new() }
    }

    fn interface(index: u32) -> Interface {
        Interface { index, name: if index == OWN { "pod-id-link0" } else { "eth0" }.to_owned() }
    }

    fn held(family: Family, prefix: u8, on: u32) -> Held {
        Held { address: family.address(), prefix, on: interface(on) }
    }

    fn route(to: Family, through: &[u32]) -> Route {
        Route { to, through: through.iter().map(|index| interface(*index)).collect() }
    }

    /// Everything is there, as AWS's agent makes it.
    fn whole() -> State {
        State {
            link: Some(link(Kind::Dummy)),
            addresses: Family::ALL.map(|family| held(family, family.prefix(), OWN)).into(),
            routes: Family::ALL.map(|family| route(family, &[OWN])).into(),
        }
    }

    fn steps(state: &State) -> Vec<Step> {
        next(&wanted(LinkType::Auto), state).unwrap()
    }

    fn conflicts(state: &State) -> Vec<String> {
        let conflicts = next(&wanted(LinkType::Auto), state).unwrap_err();
        conflicts.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn what_is_there_is_used_unchanged() {
        assert_eq!(steps(&whole()), []);
        let mut state = whole();
        // Another agent's route beside the kernel's own, and addresses that are none of the agent's.
        state.routes.push(route(Family::V6, &[OWN]));
        let local = Held { address: "fe80::1".parse().unwrap(), prefix: 64, on: interface(OWN) };
        state.addresses.push(local);
        assert_eq!(steps(&state), []);
    }

    #[test]
    fn steps_are_those_that_can_be_done_now() {
        assert_eq!(steps(&State::default()), [Step::Link]);
        let mut state = State { link: Some(Link { is_up: false, ..link(Kind::Dummy) }), ..State::default() };
        let addresses = Family::ALL.map(|family| Step::Address(family, OWN));
        assert_eq!(steps(&state), [addresses[0], addresses[1], Step::Up(OWN)]);
        state.addresses = whole().addresses;
        assert_eq!(steps(&state), [Step::Up(OWN)]);
        state.link = whole().link;
        assert_eq!(steps(&state), Family::ALL.map(|family| Step::Route(family, OWN)));
        state.routes.push(route(Family::V6, &[OWN]));
        assert_eq!(steps(&state), [Step::Route(Family::V4, OWN)]);
    }

    #[test]
    fn address_that_was_refused_is_not_asked_for_again() {
        let wanted = Wanted { families: vec![Family::V4], ..wanted(LinkType::Auto) };
        let bare = State { link: Some(link(Kind::Bridge)), ..State::default() };
        assert_eq!(next(&wanted, &bare), Ok(vec![Step::Address(Family::V4, OWN)]));
        let routeless = State { routes: Vec::new(), ..whole() };
        assert_eq!(next(&wanted, &routeless), Ok(vec![Step::Route(Family::V4, OWN)]));
    }

    #[test]
    fn address_on_another_interface_is_named_before_anything_is_made() {
        let state = State { addresses: vec![held(Family::V4, 32, OTHER)], ..State::default() };
        let [text] = conflicts(&state).try_into().unwrap();
        assert!(text.starts_with("169.254.170.23 is on eth0 already"), "{text}");
        assert!(
            text.contains("--link=eth0") && text.contains("ip address del 169.254.170.23/32 dev eth0"),
            "{text}"
        );
        let mut state = whole();
        state.addresses.push(held(Family::V6, 64, OTHER));
        let [text] = conflicts(&state).try_into().unwrap();
        assert!(text.contains("ip address del fd00:ec2::23/64 dev eth0"), "{text}");
    }

    #[test]
    fn network_around_the_address_is_refused() {
        let mut state = whole();
        state.addresses[0].prefix = 16;
        let [text] = conflicts(&state).try_into().unwrap();
        assert!(text.starts_with("pod-id-link0 has 169.254.170.23/16, expected 169.254.170.23/32"), "{text}");
    }

    #[test]
    fn route_through_another_interface_is_named() {
        let state = State { routes: vec![route(Family::V4, &[OTHER])], ..State::default() };
        let [text] = conflicts(&state).try_into().unwrap();
        assert!(text.contains("sends packets to 169.254.170.23 through eth0 already"), "{text}");
        assert!(text.contains("'ip route del 169.254.170.23/32 dev eth0'"), "{text}");
        let mut state = whole();
        state.routes.push(route(Family::V6, &[OWN, OTHER]));
        state.routes.push(route(Family::V4, &[]));
        let [through, nowhere] = conflicts(&state).try_into().unwrap();
        assert!(through.contains("'ip -6 route del fd00:ec2::23/128 dev eth0'"), "{through}");
        assert!(
            nowhere.contains("nowhere already") && nowhere.contains("'ip route del 169.254.170.23/32'"),
            "{nowhere}"
        );
    }

    #[test]
    fn link_of_another_kind_is_refused() {
        let with = |link: Link| State { link: Some(link), ..whole() };
        let [text] = conflicts(&with(link(Kind::Other("veth".to_owned())))).try_into().unwrap();
        assert!(text.starts_with("pod-id-link0 is a link of type veth already"), "{text}");
        let ports = Link { ports: vec!["eth1".to_owned(), "eth2".to_owned()], ..link(Kind::Bridge) };
        let [text] = conflicts(&with(ports)).try_into().unwrap();
        assert!(text.contains("with the ports eth1, eth2"), "{text}");
        for (asked, there) in [(LinkType::Dummy, Kind::Bridge), (LinkType::Bridge, Kind::Dummy)] {
            let [conflict] =
                next(&wanted(asked), &with(link(there.clone()))).unwrap_err().try_into().unwrap();
            assert_eq!(conflict, Conflict::Type { name: "pod-id-link0".to_owned(), kind: there.clone() });
            assert_eq!(next(&wanted(LinkType::Auto), &with(link(there))), Ok(Vec::new()));
        }
    }
}
