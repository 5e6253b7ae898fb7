//! The agent's sockets: what can be bound, and whether a newer agent may have the same addresses.

use std::net::SocketAddr;

use anyhow::{Context, Result, bail};
use tokio::net::{TcpListener, TcpSocket};

/// Connections that the kernel keeps until they are accepted.
const BACKLOG: u32 = 1024;

/// Bytes that the kernel is asked to buffer in each direction; it takes twice as much. By default it would let a
/// connection that nobody reads grow to megabytes, which count against the container's memory. A request has two KiB, and
/// an answer too.
pub const SOCKET_BUFFER: u32 = 8 << 10;

/// Sockets that are bound. They take no connections until they listen.
pub(super) struct Sockets(Vec<TcpSocket>);

impl Sockets {
    /// Binds what can be bound; an error if nothing can. A node may lack IPv6, or the addresses of the agent's link.
    pub(super) fn bind(addresses: &[SocketAddr], is_shared: bool) -> Result<Self> {
        let mut sockets = Vec::new();
        let mut failures = Vec::new();
        for address in addresses {
            // Of two that do not share an address the second fails here or when it listens.
            match bind(*address, is_shared) {
                Ok(socket) => sockets.push(socket),
                Err(error) => failures.push(format!("{address}: {error}")),
            }
        }
        if sockets.is_empty() {
            bail!(
                "failed to listen on any address ({}); `agent initialize` gives the node the addresses, and no other \
                 agent may have them, but one that shares them by --handover-file, as this one does then",
                failures.join("; ")
            );
        }
        for failure in failures {
            tracing::warn!("not listening on {failure}: pods that ask there are not answered");
        }
        Ok(Self(sockets))
    }

    /// Where they are bound.
    pub(super) fn addresses(&self) -> Result<Vec<SocketAddr>> {
        Ok(self.0.iter().map(TcpSocket::local_addr).collect::<Result<_, _>>()?)
    }

    /// Has them take connections.
    pub(super) fn listen(self) -> Result<Vec<TcpListener>> {
        self.0.into_iter().map(listen).collect()
    }
}

/// Has a socket take connections.
pub(super) fn listen(socket: TcpSocket) -> Result<TcpListener> {
    let address = socket.local_addr()?;
    socket.listen(BACKLOG).with_context(|| format!("failed to listen on {address}"))
}

/// A socket of one address.
pub(super) fn bound(address: SocketAddr, is_shared: bool) -> Result<TcpSocket> {
    bind(address, is_shared).with_context(|| format!("failed to listen on {address}"))
}

/// The kernel lets processes share an address if all of them ask for it and have one user: the agent's is root.
fn bind(address: SocketAddr, is_shared: bool) -> std::io::Result<TcpSocket> {
    let socket = if address.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() }?;
    socket.set_reuseaddr(true)?;
    socket.set_reuseport(is_shared)?;
    // The connections that it accepts inherit both.
    socket.set_recv_buffer_size(SOCKET_BUFFER)?;
    socket.set_send_buffer_size(SOCKET_BUFFER)?;
    socket.bind(address)?;
    Ok(socket)
}
