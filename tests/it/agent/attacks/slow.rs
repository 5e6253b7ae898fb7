//! Clients that take their time: none of them keeps a good pod out, and each is closed in time.

use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::{ATTACKER, GOOD, Pod, assert_alive, assert_served, closed, connect, head};
use crate::accounts::skip;
use crate::agent::Node;
use crate::support::wait::{until, within};

/// More than all places: six addresses have 200 each.
async fn crowd(node: &Node, bytes: &[u8]) -> Vec<TcpStream> {
    let mut crowd = Vec::new();
    for host in (1..=6).cycle().take(1200) {
        let from = IpAddr::V4(Ipv4Addr::new(127, 2, 0, host));
        let mut stream = connect(from, node.address).await.unwrap();
        drop(stream.write_all(bytes).await);
        crowd.push(stream);
    }
    crowd
}

/// Waits until the agent has closed a connection, whatever it said before.
async fn rest(stream: &mut TcpStream) -> String {
    let mut bytes = Vec::new();
    drop(within("the close", stream.read_to_end(&mut bytes)).await);
    String::from_utf8_lossy(&bytes).into_owned()
}

#[tokio::test]
async fn clients_that_send_nothing_or_half_a_request_keep_nobody_out_and_are_closed_in_time() {
    let node = Node::start(&[]).await;
    let token = node.token("p1");
    let part = head(&token);
    for bytes in [&b""[..], b"G", &part.as_bytes()[..part.len() - 1]] {
        let mut crowd = crowd(&node, bytes).await;
        assert_served(&node, &token).await;
        assert_alive(&node).await;
        skip(Duration::from_secs(11)).await;
        for stream in &mut crowd {
            assert_eq!(rest(stream).await, "");
        }
    }
}

#[tokio::test]
async fn a_head_that_comes_a_byte_at_a_time_has_no_more_time_than_others() {
    let node = Node::start(&[]).await;
    let token = node.token("p1");
    let mut slow = connect(ATTACKER, node.address).await.unwrap();
    // A first head has ten seconds, and bytes that come give it no more.
    let mut seconds = 0;
    while slow.write_all(b"G").await.is_ok() && slow.try_read(&mut [0]).is_err() {
        skip(Duration::from_secs(1)).await;
        tokio::time::sleep(Duration::from_millis(5)).await;
        seconds += 1;
        assert!(seconds < 15, "it is still open");
    }
    // A later one has two minutes.
    let mut slow = Pod::connect(ATTACKER, node.address).await.unwrap();
    assert_eq!(slow.ask(&token).await.unwrap(), 200);
    slow.0.write_all(b"GET /v1/cred").await.unwrap();
    skip(Duration::from_mins(3)).await;
    rest(&mut slow.0).await;
    assert_served(&node, &token).await;
}

#[tokio::test]
async fn a_head_without_an_end_is_refused_at_its_limit() {
    let node = Node::start(&[]).await;
    let token = node.token("p1");
    for line in ["X-Filler: x\r\n", "x"] {
        let mut endless = connect(ATTACKER, node.address).await.unwrap();
        endless.write_all(b"GET /v1/credentials HTTP/1.1\r\nHost: 169.254.170.23\r\nX: ").await.unwrap();
        let mut sent = 0;
        while endless.write_all(line.repeat(100).as_bytes()).await.is_ok() {
            sent += line.len() * 100;
            assert!(sent < 8 << 20, "{sent} bytes were taken of {line:?}");
            tokio::task::yield_now().await;
        }
    }
    assert_served(&node, &token).await;
}

#[tokio::test]
async fn a_body_without_an_end_is_not_waited_for() {
    let node = Node::start(&[]).await;
    let token = node.token("p1");
    for length in ["Content-Length: 1000000000", "Transfer-Encoding: chunked"] {
        let begin = format!(
            "POST /v1/credentials HTTP/1.1\r\nHost: 169.254.170.23\r\nAuthorization: {token}\r\n{length}\r\n\r\n"
        );
        let mut endless = connect(ATTACKER, node.address).await.unwrap();
        endless.write_all(begin.as_bytes()).await.unwrap();
        // The answer comes, and then the end, while the body would go on.
        let answer = rest(&mut endless).await;
        assert!(answer.starts_with("HTTP/1.1 200 "), "{answer:?}");
    }
    let posts = "POST /v1/credentials HTTP/1.1\r\nHost: 169.254.170.23\r\nContent-Length: 9\r\n\r\n";
    let crowd = crowd(&node, posts.as_bytes()).await;
    assert_served(&node, &token).await;
    assert_alive(&node).await;
    drop(crowd);
}

#[tokio::test]
async fn clients_that_read_no_answers_keep_nobody_out() {
    let node = Node::start(&["--max-requests-per-second=1000000"]).await;
    let token = node.token("p1");
    // Eight MiB of requests, each with an answer of five times its length: no socket holds either.
    let requests: Arc<str> = "GET / HTTP/1.1\r\nHost: x\r\n\r\n".repeat(300_000).into();
    let mut deaf = Vec::new();
    for _ in 0..60 {
        let mut stream = connect(ATTACKER, node.address).await.unwrap();
        let requests = requests.clone();
        deaf.push(tokio::spawn(async move { stream.write_all(requests.as_bytes()).await }));
    }
    for _ in 0..5 {
        assert_served(&node, &token).await;
    }
    // While there is room, an answer may take ten seconds.
    until("they are closed", async || (closed(&node, "slow_reader").await >= 60.0).then_some(())).await;
    for deaf in deaf {
        within("the close", deaf).await.unwrap().unwrap_err();
    }
    assert_alive(&node).await;
    let mut pod = Pod::connect(GOOD, node.address).await.unwrap();
    assert_eq!(pod.ask(&token).await.unwrap(), 200);
}
