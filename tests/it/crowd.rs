//! A crowd of strangers at either port, and the API server and the kubelet who come through it.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use axum::Router;
use axum::routing::get;
use http::StatusCode;
use pod_identity_webhook::process::Shutdown;
use pod_identity_webhook::server::{self, Limits, Port};
use pod_identity_webhook::webhook::Metrics;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::time::{Instant, sleep, timeout};

use crate::support::client::{Connection, get_plain};
use crate::support::raw::{Raw, head};
use crate::support::reviews::{WORLD, body};
use crate::support::server::Server;
use crate::support::wait::{until, within};

/// A client's own address: another peer than the API server, which comes from 127.0.0.1.
const STRANGER: IpAddr = IpAddr::V4(Ipv4Addr::new(127, 0, 0, 2));
const OTHER_STRANGER: IpAddr = IpAddr::V4(Ipv4Addr::new(127, 0, 0, 3));

/// How long a review may take while a crowd is at the door, on a machine that does much else.
const SOON: Duration = Duration::from_secs(5);

async fn server(change: impl FnOnce(&mut Limits)) -> Server {
    Server::with([WORLD, "--shutdown-delay=0"], |settings| {
        settings.server.limits.connections = 50;
        settings.server.limits.connections_per_peer = 25;
        change(&mut settings.server.limits);
    })
    .await
}

/// A connection from this address.
async fn connect(from: IpAddr, to: SocketAddr) -> std::io::Result<TcpStream> {
    let socket = TcpSocket::new_v4()?;
    socket.bind((from, 0).into())?;
    socket.connect(to).await
}

async fn closed(server: &Server, port: &str, reason: &str) -> f64 {
    let name =
        format!("pod_identity_webhook_connections_closed_total{{port=\"{port}\",reason=\"{reason}\"}}");
    server.metric(&name).await.unwrap_or_default()
}

/// Asserts that a review on a new connection is answered soon.
async fn assert_admits(server: &Server) {
    let answer = timeout(SOON, server.client.post("/mutate", body("orders"))).await.expect("an answer soon");
    assert_eq!(answer.status, StatusCode::OK);
}

#[tokio::test]
async fn idle_connections_of_one_peer_keep_nobody_out() {
    let server = server(|_| ()).await;
    let mut kept = server.client.connect().await.unwrap();
    let mut crowd = Vec::new();
    for round in 0..20 {
        for _ in 0..50 {
            crowd.push(connect(STRANGER, server.address).await.unwrap());
        }
        assert_admits(&server).await;
        // A connection that carries calls is never the one that is closed.
        let answer =
            kept.post("/mutate", body("orders")).await.unwrap_or_else(|error| panic!("{round}: {error}"));
        assert_eq!(answer.status, StatusCode::OK);
    }
    assert!(server.metric("pod_identity_webhook_connections").await.unwrap() <= 50.0);
    until("the crowd was sent away", async || {
        (closed(&server, "webhook", "peer_share").await >= 940.0).then_some(())
    })
    .await;
    server.stop().await;
}

#[tokio::test]
async fn idle_connections_of_many_peers_keep_nobody_out() {
    let server = server(|limits| limits.connections_per_peer = 0).await;
    let mut crowd = Vec::new();
    for _ in 0..10 {
        for from in [STRANGER, OTHER_STRANGER].repeat(20) {
            crowd.push(connect(from, server.address).await.unwrap());
        }
        assert_admits(&server).await;
    }
    assert!(server.metric("pod_identity_webhook_connections").await.unwrap() <= 50.0);
    until("the crowd was sent away", async || {
        (closed(&server, "webhook", "full").await >= 300.0).then_some(())
    })
    .await;
    assert!(closed(&server, "webhook", "peer_share").await.abs() < 0.5);
    server.stop().await;
}

#[tokio::test]
async fn longest_idle_connection_goes_and_the_others_stay() {
    let server = server(|limits| limits.connections = 2).await;
    let mut first = server.client.connect().await.unwrap();
    let mut second = server.client.connect().await.unwrap();
    for connection in [&mut first, &mut second] {
        assert_eq!(connection.post("/mutate", body("orders")).await.unwrap().status, StatusCode::OK);
    }
    // The first connection has now been idle for a shorter time.
    assert_eq!(first.post("/mutate", body("orders")).await.unwrap().status, StatusCode::OK);
    assert_admits(&server).await;
    until("the second is closed", async || second.is_closed().then_some(())).await;
    assert_eq!(first.post("/mutate", body("orders")).await.unwrap().status, StatusCode::OK);
    server.stop().await;
}

#[tokio::test]
async fn calls_that_are_never_sent_whole_keep_nobody_out() {
    let server = server(|limits| (limits.connections, limits.connections_per_peer) = (10, 5)).await;
    // One peer has all places, each in the middle of a call.
    let mut calls = Vec::new();
    for _ in 0..10 {
        let mut call = Raw::connect(&server.client.from(STRANGER)).await;
        call.announce("/mutate", 1000).await;
        calls.push(call);
    }
    assert_admits(&server).await;
    assert!(closed(&server, "webhook", "full").await >= 1.0);
    server.stop().await;
}

#[tokio::test]
async fn short_calls_of_two_peers_keep_nobody_out() {
    let server = server(|limits| (limits.connections, limits.connections_per_peer) = (10, 5)).await;
    // Each peer has its share and no more, and every place is in the middle of a call that has just begun.
    let mut calls = Vec::new();
    for from in [STRANGER, OTHER_STRANGER].repeat(5) {
        let mut call = Raw::connect(&server.client.from(from)).await;
        call.announce("/mutate", 1000).await;
        calls.push(call);
    }
    assert_admits(&server).await;
    assert!(closed(&server, "webhook", "full").await >= 1.0);
    assert!(closed(&server, "webhook", "refused").await.abs() < 0.5);
    // The server would wait for these calls.
    drop(calls);
    server.stop().await;
}

#[tokio::test]
async fn newcomer_is_closed_where_all_others_are_in_the_middle_of_a_call() {
    let server = server(|limits| (limits.connections, limits.connections_per_peer) = (2, 0)).await;
    let review = body("orders");
    let (most, last) = review.split_at(review.len() - 1);
    let mut calls = Vec::new();
    for _ in 0..2 {
        let mut call = Raw::connect(&server.client).await;
        call.announce("/mutate", review.len()).await;
        call.write(most).await.unwrap();
        calls.push(call);
    }
    let mut newcomer = TcpStream::connect(server.address).await.unwrap();
    assert!(matches!(within("the close", newcomer.read(&mut [0])).await, Ok(0) | Err(_)));
    for mut call in calls {
        call.write(last).await.unwrap();
        assert!(call.head().await.starts_with("HTTP/1.1 200 "));
    }
    assert!((closed(&server, "webhook", "refused").await - 1.0).abs() < 0.5);
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn crowd_at_the_metrics_port_starves_no_probe() {
    let server = server(|_| ()).await;
    let done = Arc::new(AtomicBool::new(false));
    let crowd = tokio::spawn({
        let (done, address) = (done.clone(), server.metrics_address);
        async move {
            let mut crowd = Vec::new();
            while !done.load(Ordering::Relaxed) {
                for from in [STRANGER, OTHER_STRANGER] {
                    crowd.extend(connect(from, address).await);
                }
                // Two thousand a second, within the descriptors that a test has.
                sleep(Duration::from_millis(1)).await;
                crowd.drain(..crowd.len().saturating_sub(400));
            }
        }
    });
    for probe in ["/readyz", "/livez"].repeat(20) {
        let answer = timeout(SOON, get_plain(server.metrics_address, probe)).await.expect("an answer soon");
        assert_eq!(answer.status, StatusCode::OK, "{probe}");
        sleep(Duration::from_millis(10)).await;
    }
    // On a busy machine the crowd is no faster than the probes.
    until("the crowd is one", async || {
        (closed(&server, "metrics", "peer_share").await > 100.0).then_some(())
    })
    .await;
    done.store(true, Ordering::Relaxed);
    crowd.await.unwrap();
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn scrapes_that_are_asked_for_by_the_hundred_starve_no_probe() {
    let server = server(|_| ()).await;
    // All places of the port, two peers with a share each, and work for minutes.
    let requests = "GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n".repeat(300);
    let mut crowd = Vec::new();
    for from in [STRANGER, OTHER_STRANGER].repeat(64) {
        let mut scraper = connect(from, server.metrics_address).await.unwrap();
        scraper.write_all(requests.as_bytes()).await.unwrap();
        crowd.push(scraper);
    }
    for probe in ["/readyz", "/livez"].repeat(5) {
        let answer = timeout(SOON, get_plain(server.metrics_address, probe)).await.expect("an answer soon");
        assert_eq!(answer.status, StatusCode::OK, "{probe}");
    }
    // Each scraper gets one answer, and then the end.
    for mut scraper in crowd {
        let mut bytes = Vec::new();
        drop(within("the end", scraper.read_to_end(&mut bytes)).await);
        let answers = String::from_utf8_lossy(&bytes).matches("HTTP/1.1 ").count();
        assert!(answers <= 1, "{answers}");
    }
    server.stop().await;
}

#[tokio::test]
async fn connection_idles_shorter_the_more_there_are() {
    let server = server(|limits| {
        (limits.connections, limits.connections_per_peer) = (4, 0);
        limits.idle = Duration::from_mins(10);
        limits.idle_when_full = Duration::from_millis(300);
    })
    .await;
    let mut connections = Vec::new();
    for _ in 0..4 {
        let mut connection = server.client.connect().await.unwrap();
        assert_eq!(connection.post("/mutate", body("orders")).await.unwrap().status, StatusCode::OK);
        connections.push(connection);
    }
    // A full port waits a moment for idle connections; a half empty one again ten minutes.
    until("one is closed", async || connections.iter().any(Connection::is_closed).then_some(())).await;
    assert!(closed(&server, "webhook", "idle").await >= 1.0);
    assert!(connections.iter().any(|one| !one.is_closed()));
    server.stop().await;
}

/// This runs on one thread: connections that come while nothing is awaited come at once for the server.
#[tokio::test]
async fn request_that_comes_with_the_newcomer_is_answered_and_then_the_connection_closed() {
    const REQUEST: &[u8] = b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n";
    let shutdown = Shutdown::default();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let server = server::Server {
        listener,
        tls: None,
        answers: Router::new().route("/", get(async || "ok")).into(),
        strangers: None,
        limits: Limits { connections: 1, ..Limits::default() },
        metrics: Metrics::new().unwrap().server,
        port: Port::Metrics,
        open: None,
        pressure: None,
        shutdown: shutdown.clone(),
    };
    let server = tokio::spawn(server.serve());
    for _ in 0..10 {
        let mut kept = TcpStream::connect(address).await.unwrap();
        kept.write_all(REQUEST).await.unwrap();
        let mut answer = Vec::new();
        while !answer.ends_with(b"\r\n\r\nok") {
            answer.push(within("an answer", kept.read_u8()).await.unwrap());
        }
        let newcomer = std::net::TcpStream::connect(address).unwrap();
        assert_eq!(kept.try_write(REQUEST).unwrap(), REQUEST.len());
        let mut answer = String::new();
        within("the end", kept.read_to_string(&mut answer)).await.unwrap();
        assert!(answer.starts_with("HTTP/1.1 200 ") && answer.contains("connection: close"), "{answer:?}");
        drop(newcomer);
    }
    shutdown.stopping.cancel();
    within("the end", server).await.unwrap();
}

#[tokio::test]
async fn answer_that_is_read_a_byte_at_a_time_is_cut() {
    let limits = Limits { request: Duration::from_millis(500), ..Limits::default() };
    let shutdown = Shutdown::default();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let metrics = Metrics::new().unwrap();
    let server = server::Server {
        listener,
        tls: None,
        answers: Router::new().route("/", get(async || vec![b'x'; 16 << 20])).into(),
        strangers: None,
        limits,
        metrics: metrics.server.clone(),
        port: Port::Metrics,
        open: None,
        pressure: None,
        shutdown: shutdown.clone(),
    };
    let server = tokio::spawn(server.serve());
    let mut slow = TcpStream::connect(address).await.unwrap();
    slow.write_all(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n").await.unwrap();
    let cut = async || {
        let text = metrics.registry.scrape().unwrap();
        text.contains("{port=\"metrics\",reason=\"slow_reader\"} 1").then_some(())
    };
    // Something moves all the time.
    let began = Instant::now();
    until("the answer is cut", async || {
        slow.read_u8().await.ok();
        cut().await
    })
    .await;
    assert!(began.elapsed() >= Duration::from_millis(500));
    shutdown.stopping.cancel();
    within("the end", server).await.unwrap();
}

#[tokio::test]
async fn client_that_goes_on_sending_reads_why_it_was_refused() {
    let server = server(|_| ()).await;
    // The server has a second for it, which may once pass on a busy machine.
    for _ in 0..20 {
        let mut connection = Raw::connect(&server.client).await;
        let headers = format!("Content-Length: {}\r\n", 8 << 20);
        connection.write(head("/mutate", &headers)).await.unwrap();
        let mut is_read = true;
        // A socket that is closed resets the connection at the first write, and the second learns of it.
        for _ in 0..4 {
            sleep(Duration::from_millis(20)).await;
            is_read &= connection.write(vec![b' '; 16 << 10]).await.is_ok();
        }
        if is_read {
            let answer = connection.rest().await;
            assert!(answer.starts_with("HTTP/1.1 413 "), "{answer:?}");
            server.stop().await;
            return;
        }
    }
    panic!("nothing is read after a refusal");
}
