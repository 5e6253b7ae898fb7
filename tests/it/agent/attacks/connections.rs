//! Connections without number: of many addresses and of one.

use std::net::{IpAddr, Ipv4Addr};

use futures_util::future::join_all;
use rustix::process::{Resource, getrlimit, setrlimit};
use tokio::io::AsyncWriteExt;

use super::{ATTACKER, Pod, assert_alive, assert_served, closed, connect};
use crate::agent::Node;

/// Descriptors that are left to the agent and to the tests that run beside this one.
const OTHERS: u64 = 6000;

/// Connections that a test can have open: 10,000, or as many as the hard limit of open files leaves, for both ends of
/// those that the agent keeps are in this process.
fn most() -> usize {
    let mut limit = getrlimit(Resource::Nofile);
    limit.current = limit.maximum;
    setrlimit(Resource::Nofile, limit).unwrap();
    let left = limit.maximum.map_or(u64::MAX, |maximum| maximum.saturating_sub(OTHERS));
    usize::try_from(left.min(10_000)).unwrap()
}

/// The address of the attacker's connection of this number.
fn address(number: usize) -> IpAddr {
    let [.., high, low] = u32::try_from(number).unwrap().to_be_bytes();
    IpAddr::V4(Ipv4Addr::new(127, 1, high, low))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ten_thousand_connections_of_as_many_addresses_keep_nobody_out() {
    let node = Node::start(&[]).await;
    let (known, newcomer) = (node.token("p1"), node.token("p2"));
    assert_served(&node, &known).await;
    let most = most();
    assert!(most > 1000, "{most} connections are no crowd: raise the limit of open files");
    let mut crowd = Vec::new();
    while crowd.len() < most {
        let from = crowd.len()..most.min(crowd.len() + 100);
        let connections = join_all(from.map(|number| connect(address(number), node.address))).await;
        // Half of them have begun a request.
        for (number, connection) in connections.into_iter().enumerate() {
            let mut connection = connection.unwrap();
            if number % 2 == 0 {
                drop(connection.write_all(b"GET /v1/credentials HTTP/1.1\r\nHost: 169.").await);
            }
            crowd.push(connection);
        }
        if crowd.len() % 1000 == 0 {
            assert_served(&node, &known).await;
        }
    }
    assert_served(&node, &newcomer).await;
    assert_alive(&node).await;
    let open =
        crate::support::client::metric(node.metrics, "pod_identity_webhook_connections").await.unwrap();
    assert!(open <= 1000.0, "{open}");
    assert!(closed(&node, "full").await >= 500.0);
}

#[tokio::test]
async fn connections_of_one_pod_that_all_ask_keep_nobody_out() {
    let node = Node::start(&[]).await;
    let token = node.token("p1");
    assert_served(&node, &token).await;
    let mut crowd = Vec::new();
    // Twice what the agent takes.
    for _ in 0..20 {
        for _ in 0..100 {
            let mut pod = Pod::connect(ATTACKER, node.address).await.unwrap();
            // Idle after an answer, which is a refusal.
            drop(pod.ask("x").await);
            crowd.push(pod);
        }
        assert_served(&node, &token).await;
    }
    assert_alive(&node).await;
    assert!(closed(&node, "peer_share").await >= 200.0);
}
