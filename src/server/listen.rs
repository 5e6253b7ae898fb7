//! Listening sockets.

use std::net::{Ipv4Addr, SocketAddr};

use anyhow::{Result, anyhow};
use tokio::net::{TcpListener, TcpSocket};

use super::SOCKET_BUFFER;

/// Connections that the kernel keeps until they are accepted. That is at once, so only bursts need it.
const BACKLOG: u32 = 1024;

/// A listener; every address means IPv4 alone on a host without IPv6.
pub(crate) fn bind(address: SocketAddr, flag: &str) -> Result<TcpListener> {
    let mut result = listen(address);
    if result.is_err() && address.is_ipv6() && address.ip().is_unspecified() {
        result = listen((Ipv4Addr::UNSPECIFIED, address.port()).into());
    }
    result.map_err(|error| {
        anyhow!("failed to listen on {address}: {error}; choose another {flag} or --bind-address")
    })
}

/// A listener whose buffer sizes the accepted connections inherit.
fn listen(address: SocketAddr) -> std::io::Result<TcpListener> {
    let socket = if address.is_ipv4() { TcpSocket::new_v4()? } else { TcpSocket::new_v6()? };
    socket.set_reuseaddr(true)?;
    socket.set_recv_buffer_size(SOCKET_BUFFER)?;
    socket.set_send_buffer_size(SOCKET_BUFFER)?;
    socket.bind(address)?;
    socket.listen(BACKLOG)
}
