//! What a pod may do to the agent and to the other pods of its node, and what a cluster that lies may. Each test has an
//! attacker, and a good pod that has to be answered meanwhile. What tokens are refused is in `contract`; what happens
//! while the node's clock is set is in the cache's own tests, which can set it.

mod connections;
mod floods;
mod lies;
mod outage;
mod oversize;
mod slow;

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream};
use tokio::time::{sleep, timeout};

use super::Node;
use crate::support::client;
use crate::support::wait::within;

/// The good pod's address, and an attacker's.
const GOOD: IpAddr = IpAddr::V4(Ipv4Addr::new(127, 0, 0, 9));
const ATTACKER: IpAddr = IpAddr::V4(Ipv4Addr::new(127, 0, 0, 66));

/// A connection from this address.
async fn connect(from: IpAddr, to: SocketAddr) -> std::io::Result<TcpStream> {
    let socket = TcpSocket::new_v4()?;
    socket.bind((from, 0).into())?;
    socket.connect(to).await
}

/// The head of a request for credentials.
fn head(token: &str) -> String {
    format!("GET /v1/credentials HTTP/1.1\r\nHost: 169.254.170.23\r\nAuthorization: {token}\r\n\r\n")
}

/// Asserts that an SDK of the good pod gets credentials: it gives each of three tries two seconds, a second apart.
async fn assert_served(node: &Node, token: &str) {
    let mut last = None;
    for pause in [0, 1, 1] {
        sleep(Duration::from_secs(pause)).await;
        let answer = timeout(Duration::from_secs(2), async {
            let mut pod = Pod::connect(GOOD, node.address).await?;
            pod.ask(token).await
        });
        match answer.await {
            Ok(Ok(200)) => return,
            failed => last = Some(failed),
        }
    }
    panic!("the good pod gets no credentials: {last:?}");
}

/// Asserts that the kubelet's probe succeeds, which asks as pods do.
async fn assert_alive(node: &Node) {
    let probed = within("the probe", client::get_plain(node.probes, "/healthz")).await;
    assert_eq!(probed.status, 200, "{probed:?}");
}

/// Connections to pods' port that the agent closed for this reason.
async fn closed(node: &Node, reason: &str) -> f64 {
    let name = format!("pod_identity_webhook_connections_closed_total{{port=\"agent\",reason=\"{reason}\"}}");
    client::metric(node.metrics, &name).await.unwrap_or_default()
}

/// One connection of a pod, which goes on after an answer.
struct Pod(TcpStream);

impl Pod {
    async fn connect(from: IpAddr, to: SocketAddr) -> std::io::Result<Self> {
        Ok(Self(connect(from, to).await?))
    }

    /// Asks with this token; the answer's status.
    async fn ask(&mut self, token: &str) -> std::io::Result<u16> {
        self.0.write_all(head(token).as_bytes()).await?;
        self.status().await
    }

    /// Reads one answer.
    async fn status(&mut self) -> std::io::Result<u16> {
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            head.push(self.0.read_u8().await?);
        }
        let head = String::from_utf8(head).unwrap().to_lowercase();
        let length = head.split("content-length: ").nth(1).unwrap().split("\r\n").next().unwrap();
        self.0.read_exact(&mut vec![0; length.parse().unwrap()]).await?;
        Ok(head.split(' ').nth(1).unwrap().parse().unwrap())
    }
}
