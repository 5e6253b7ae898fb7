//! The kernel's network by netlink: reads what is there, makes one change at a time. Called by `node` alone; decides
//! nothing. Linux only.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use futures_util::TryStreamExt;
use rtnetlink::packet_route::AddressFamily;
use rtnetlink::packet_route::address::{AddressAttribute, AddressHeaderFlags, AddressMessage};
use rtnetlink::packet_route::link::{InfoKind, LinkAttribute, LinkFlags, LinkInfo, LinkMessage};
use rtnetlink::packet_route::route::{RouteAddress, RouteAttribute, RouteHeader, RouteMessage, RouteScope};
use rtnetlink::{Handle, LinkBridge, LinkDummy, LinkUnspec, RouteMessageBuilder};
use rustix::io::Errno;

use super::error::{Failures, NodeError, is, refused};
use super::link::{Kind, Link, LinkName};
use super::plan::{Step, Wanted};
use super::state::{Family, Held, Interface, Route, State};

/// The kernel, by a netlink socket in this process's network namespace.
pub(super) struct Kernel {
    handle: Handle,
}

/// How a change ended that the kernel did not refuse.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Change {
    /// It was made.
    Made,
    /// Somebody else was faster.
    WasThere,
}

/// Does work with the kernel, which answers only as long.
pub(super) async fn with_kernel<T>(
    work: impl AsyncFnOnce(Kernel) -> Result<T, Failures>,
) -> Result<T, Failures> {
    let (connection, handle, _unsolicited) = rtnetlink::new_connection().map_err(NodeError::Socket)?;
    tokio::select! {
        biased;
        // To its requests an end of the connection looks like the end of a list.
        () = connection => Err(NodeError::Closed.into()),
        result = work(Kernel { handle }) => result,
    }
}

impl Kernel {
    /// What is there of what the agent needs.
    pub(super) async fn read(&self, name: &LinkName) -> Result<State, NodeError> {
        let link = self.link(name).await.map_err(reading("the link"))?;
        let index = link.as_ref().map(|link| link.index);
        let addresses = self.addresses(index).await.map_err(reading("the node's addresses"))?;
        let routes = self.routes().await.map_err(reading("the node's routes"))?;
        Ok(State { link, addresses, routes })
    }

    /// Makes one change. `NodeError::Refused` and `NodeError::NotAllowed` are the kernel's word on it.
    pub(super) async fn change(&self, wanted: &Wanted, step: Step) -> Result<Change, NodeError> {
        let name = &wanted.name;
        let (doing, result) = match step {
            Step::Link => return self.make(wanted).await,
            Step::Address(family, link) => {
                (format!("put {} on {name}", family.network()), self.add_address(family, link).await)
            }
            Step::Up(link) => {
                let up = LinkUnspec::new_with_index(link).up().build();
                (format!("set {name} up"), self.handle.link().change(up).execute().await)
            }
            Step::Route(family, link) => {
                let route = self.handle.route().add(to(family, link));
                (format!("route {} to {name}", family.network()), route.execute().await)
            }
        };
        changed(doing, result)
    }

    /// Removes the link with this number, and with it its addresses and routes.
    pub(super) async fn remove(&self, name: &LinkName, index: u32) -> Result<(), NodeError> {
        let result = self.handle.link().del(index).execute().await;
        changed(format!("remove {name}"), result).map(|_| ())
    }

    /// Makes the link, of the first type that the kernel has.
    async fn make(&self, wanted: &Wanted) -> Result<Change, NodeError> {
        let Wanted { name, link_type, .. } = wanted;
        for kind in link_type.kinds() {
            let message = match kind {
                Kind::Bridge => LinkBridge::new(name.as_str()).down().build(),
                _ => LinkDummy::new(name.as_str()).build(),
            };
            let result = self.handle.link().add(message).execute().await.map_err(io_error);
            match result {
                Err(error) if is(&error, Errno::OPNOTSUPP) || is(&error, Errno::NODEV) => {}
                result => return outcome(format!("make the link {name}"), result),
            }
        }
        Err(NodeError::NoSuchType(*link_type))
    }

    async fn add_address(&self, family: Family, link: u32) -> Result<(), rtnetlink::Error> {
        let mut request = self.handle.address().add(link, family.address(), family.prefix());
        if family == Family::V6 {
            // Nobody else can have it: on this link there is nobody. Without the flag it could not be listened at for
            // the seconds in which the kernel asks.
            request.message_mut().header.flags = AddressHeaderFlags::Nodad;
        }
        request.execute().await
    }

    async fn link(&self, name: &LinkName) -> Result<Option<Link>, rtnetlink::Error> {
        let mut found = self.handle.link().get().match_name(name.as_str()).execute();
        let message = match found.try_next().await {
            Ok(Some(message)) => message,
            Ok(None) => return Ok(None),
            Err(rtnetlink::Error::NetlinkError(error)) if is(&error.to_io(), Errno::NODEV) => {
                return Ok(None);
            }
            Err(error) => return Err(error),
        };
        let index = message.header.index;
        let kind = kind(&message);
        let ports = if kind == Kind::Bridge { self.ports(index).await? } else { Vec::new() };
        Ok(Some(Link { index, kind, is_up: message.header.flags.contains(LinkFlags::Up), ports }))
    }

    /// Names of a bridge's ports.
    async fn ports(&self, bridge: u32) -> Result<Vec<String>, rtnetlink::Error> {
        let is_of_it =
            |attribute: &LinkAttribute| matches!(attribute, LinkAttribute::Controller(of) if *of == bridge);
        let mut request = self.handle.link().get();
        // The kernel leaves the others out since 4.6.
        request.message_mut().attributes.push(LinkAttribute::Controller(bridge));
        let mut ports = Vec::new();
        let mut found = request.execute();
        while let Some(message) = found.try_next().await? {
            if message.attributes.iter().any(is_of_it) {
                ports.push(name_in(&message).unwrap_or_else(|| unnamed(message.header.index)));
            }
        }
        Ok(ports)
    }

    /// All addresses of a link, and the agent's wherever they are.
    async fn addresses(&self, link: Option<u32>) -> Result<Vec<Held>, rtnetlink::Error> {
        let mut found = self.handle.address().get().execute();
        let mut held = Vec::new();
        while let Some(message) = found.try_next().await? {
            let Some(address) = address_in(&message) else { continue };
            let index = message.header.index;
            if Some(index) == link || Family::of(address).is_some() {
                held.push((address, message.header.prefix_len, index));
            }
        }
        let mut addresses = Vec::new();
        for (address, prefix, index) in held {
            addresses.push(Held { address, prefix, on: self.interface(index).await });
        }
        Ok(addresses)
    }

    /// Routes of the main table to the agent's addresses.
    async fn routes(&self) -> Result<Vec<Route>, rtnetlink::Error> {
        let mut routes = Vec::new();
        for family in [AddressFamily::Inet, AddressFamily::Inet6] {
            let mut request = RouteMessage::default();
            request.header.address_family = family;
            let mut found = self.handle.route().get(request).execute();
            while let Some(message) = found.try_next().await? {
                // A kernel without IPv6 answers with all that it has.
                if message.header.address_family != family || !is_of_main_table(&message) {
                    continue;
                }
                let Some(to) = destination_in(&message) else { continue };
                routes.push((to, interfaces_in(&message)));
            }
        }
        let mut named = Vec::new();
        for (to, indices) in routes {
            let mut through = Vec::new();
            for index in indices {
                through.push(self.interface(index).await);
            }
            named.push(Route { to, through });
        }
        Ok(named)
    }

    /// An interface by its number; one that has just gone has no name any more.
    async fn interface(&self, index: u32) -> Interface {
        let mut found = self.handle.link().get().match_index(index).execute();
        let name = found.try_next().await.ok().flatten().and_then(|message| name_in(&message));
        Interface { index, name: name.unwrap_or_else(|| unnamed(index)) }
    }
}

/// A route to one of the agent's addresses. Scope link says that no router is needed; IPv6 has no scopes.
fn to(family: Family, link: u32) -> RouteMessage {
    match family.address() {
        IpAddr::V4(address) => RouteMessageBuilder::<Ipv4Addr>::new()
            .destination_prefix(address, family.prefix())
            .output_interface(link)
            .scope(RouteScope::Link)
            .build(),
        IpAddr::V6(address) => RouteMessageBuilder::<Ipv6Addr>::new()
            .destination_prefix(address, family.prefix())
            .output_interface(link)
            .build(),
    }
}

fn kind(message: &LinkMessage) -> Kind {
    let infos = message.attributes.iter().find_map(|attribute| match attribute {
        LinkAttribute::LinkInfo(infos) => Some(infos),
        _ => None,
    });
    let kind = infos.into_iter().flatten().find_map(|info| match info {
        LinkInfo::Kind(kind) => Some(kind),
        _ => None,
    });
    match kind {
        Some(InfoKind::Dummy) => Kind::Dummy,
        Some(InfoKind::Bridge) => Kind::Bridge,
        Some(other) => Kind::Other(other.to_string()),
        None if message.header.flags.contains(LinkFlags::Loopback) => Kind::Other("loopback".to_owned()),
        None => Kind::Other("device".to_owned()),
    }
}

fn name_in(message: &LinkMessage) -> Option<String> {
    message.attributes.iter().find_map(|attribute| match attribute {
        LinkAttribute::IfName(name) => Some(name.clone()),
        _ => None,
    })
}

fn unnamed(index: u32) -> String {
    format!("interface {index}")
}

/// An interface's own address: between two points, `Address` is that of the other one.
fn address_in(message: &AddressMessage) -> Option<IpAddr> {
    let own = message.attributes.iter().find_map(|attribute| match attribute {
        AddressAttribute::Local(address) => Some(*address),
        _ => None,
    });
    own.or_else(|| {
        message.attributes.iter().find_map(|attribute| match attribute {
            AddressAttribute::Address(address) => Some(*address),
            _ => None,
        })
    })
}

fn is_of_main_table(message: &RouteMessage) -> bool {
    let table = message.attributes.iter().find_map(|attribute| match attribute {
        RouteAttribute::Table(table) => Some(*table),
        _ => None,
    });
    table.unwrap_or_else(|| message.header.table.into()) == u32::from(RouteHeader::RT_TABLE_MAIN)
}

/// Which of the agent's addresses a route leads to, and to nothing else.
fn destination_in(message: &RouteMessage) -> Option<Family> {
    let address = message.attributes.iter().find_map(|attribute| match attribute {
        RouteAttribute::Destination(RouteAddress::Inet(address)) => Some(IpAddr::V4(*address)),
        RouteAttribute::Destination(RouteAddress::Inet6(address)) => Some(IpAddr::V6(*address)),
        _ => None,
    });
    let family = address.and_then(Family::of)?;
    (message.header.destination_prefix_length == family.prefix()).then_some(family)
}

/// Numbers of the interfaces through which a route leads.
fn interfaces_in(message: &RouteMessage) -> Vec<u32> {
    let mut interfaces = Vec::new();
    for attribute in &message.attributes {
        match attribute {
            RouteAttribute::Oif(index) => interfaces.push(*index),
            RouteAttribute::MultiPath(hops) => interfaces.extend(hops.iter().map(|hop| hop.interface_index)),
            _ => {}
        }
    }
    interfaces
}

fn reading(what: &'static str) -> impl Fn(rtnetlink::Error) -> NodeError {
    move |error| NodeError::Read { what, source: io_error(error) }
}

fn changed(doing: String, result: Result<(), rtnetlink::Error>) -> Result<Change, NodeError> {
    outcome(doing, result.map_err(io_error))
}

fn outcome(doing: String, result: io::Result<()>) -> Result<Change, NodeError> {
    match result {
        Ok(()) => Ok(Change::Made),
        Err(error) if is(&error, Errno::EXIST) => Ok(Change::WasThere),
        Err(error) => Err(refused(doing, error)),
    }
}

/// The kernel's error; rtnetlink's own text would quote whole messages.
fn io_error(error: rtnetlink::Error) -> io::Error {
    match error {
        rtnetlink::Error::NetlinkError(error) => error.to_io(),
        rtnetlink::Error::RequestFailed => io::Error::other("the connection to the kernel was closed"),
        _ => io::Error::other("the kernel's answer was not understood"),
    }
}
