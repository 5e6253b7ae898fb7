//! TLS as clients meet it: versions, cipher suites, ALPN, and handshakes that fail.

use std::sync::Arc;

use http::StatusCode;
use pod_identity_webhook::certificates::Authority;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_rustls::rustls::crypto::aws_lc_rs;
use tokio_rustls::rustls::version::{TLS12, TLS13};
use tokio_rustls::rustls::{
    CipherSuite, ClientConfig, HandshakeKind, ProtocolVersion, SupportedProtocolVersion,
};

use crate::support::client::{Client, roots};
use crate::support::process::Process;
use crate::support::reviews::{WORLD, body, of_size};
use crate::support::server::Server;
use crate::support::wait::{until, within};

const HANDSHAKE_ERRORS: &str = "pod_identity_webhook_tls_handshake_errors_total";

async fn server(args: &[&str]) -> Server {
    Server::on_manifests([WORLD, "--shutdown-delay=0"].iter().chain(args)).await
}

/// A client that speaks these versions alone, and offers these protocols.
fn client(server: &Server, versions: &[&'static SupportedProtocolVersion], alpn: &[&str]) -> Client {
    let mut config = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_protocol_versions(versions)
        .unwrap()
        .with_root_certificates(roots(&server.authority))
        .with_no_client_auth();
    config.alpn_protocols = alpn.iter().map(|name| name.as_bytes().to_vec()).collect();
    Client::with_config(server.address, config)
}

/// How many handshakes failed for this reason, once there are any.
async fn handshake_errors(server: &Server, reason: &str) -> f64 {
    let name = format!("{HANDSHAKE_ERRORS}{{reason=\"{reason}\"}}");
    until(&name, async || server.metric(&name).await).await
}

#[tokio::test]
async fn serves_tls_1_2_and_1_3() {
    let server = server(&[]).await;
    for (version, negotiated) in [(&TLS12, ProtocolVersion::TLSv1_2), (&TLS13, ProtocolVersion::TLSv1_3)] {
        let client = client(&server, &[version], &[]);
        let stream = client.stream().await.unwrap();
        assert_eq!(stream.get_ref().1.protocol_version(), Some(negotiated));
        assert_eq!(client.post("/mutate", body("orders")).await.status, StatusCode::OK);
    }
    server.stop().await;
}

#[tokio::test]
async fn minimum_version_1_3_refuses_1_2() {
    let server = server(&["--tls-min-version=1.3"]).await;
    assert!(client(&server, &[&TLS12], &[]).stream().await.is_err());
    assert!((handshake_errors(&server, "protocol").await - 1.0).abs() < f64::EPSILON);
    let modern = client(&server, &[&TLS13], &[]);
    assert_eq!(modern.post("/mutate", body("orders")).await.status, StatusCode::OK);
    server.stop().await;
}

#[tokio::test]
async fn cipher_suites_are_limited_to_those_named() {
    let server = server(&[
        "--tls-cipher-suites=TLS_AES_256_GCM_SHA384, TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305,TLS_RSA_WITH_RC4_128_SHA",
    ])
    .await;
    for (version, expected) in [
        (&TLS12, CipherSuite::TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256),
        (&TLS13, CipherSuite::TLS13_AES_256_GCM_SHA384),
    ] {
        // The client would rather have others: it names what it likes best first.
        let mut provider = aws_lc_rs::default_provider();
        provider.cipher_suites.sort_by_key(|suite| suite.suite() == expected);
        let config = ClientConfig::builder_with_provider(Arc::new(provider))
            .with_protocol_versions(&[version])
            .unwrap()
            .with_root_certificates(roots(&server.authority))
            .with_no_client_auth();
        let stream = Client::with_config(server.address, config).stream().await.unwrap();
        assert_eq!(stream.get_ref().1.negotiated_cipher_suite().unwrap().suite(), expected);
    }
    server.stop().await;
}

#[tokio::test]
async fn version_without_a_suite_left_is_refused() {
    let server = server(&["--tls-cipher-suites=TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256"]).await;
    assert!(client(&server, &[&TLS13], &[]).stream().await.is_err());
    let stream = client(&server, &[&TLS13, &TLS12], &[]).stream().await.unwrap();
    assert_eq!(stream.get_ref().1.protocol_version(), Some(ProtocolVersion::TLSv1_2));
    server.stop().await;
}

#[tokio::test]
async fn client_that_offers_http_2_gets_http_1_1() {
    let server = server(&[]).await;
    let both = client(&server, &[&TLS13], &["h2", "http/1.1"]);
    let stream = both.stream().await.unwrap();
    assert_eq!(stream.get_ref().1.alpn_protocol(), Some(b"http/1.1".as_slice()));
    assert_eq!(both.post("/mutate", body("orders")).await.status, StatusCode::OK);
    assert!(client(&server, &[&TLS13], &["h2"]).stream().await.is_err());
    server.stop().await;
}

#[tokio::test]
async fn what_is_not_tls_is_counted_and_logged() {
    let process = Process::start(&[]).await;
    let http = b"POST /mutate HTTP/1.1\r\nHost: localhost\r\n\r\n".as_slice();
    for (count, garbage) in [(1.0, http), (2.0, &[0xff; 64])] {
        let mut stream = TcpStream::connect(process.address).await.unwrap();
        stream.write_all(garbage).await.unwrap();
        let name = format!("{HANDSHAKE_ERRORS}{{reason=\"protocol\"}}");
        until("the error is counted", async || (process.metric(&name).await? >= count).then_some(())).await;
    }
    let line = process.logged("TLS handshake failed").await;
    assert!(line.contains("WARN") && line.contains("127.0.0.1") && line.contains("caBundle"), "{line}");
    assert_eq!(process.client.post("/mutate", body("orders")).await.status, StatusCode::OK);
}

#[tokio::test]
async fn client_that_does_not_trust_the_authority_is_counted_as_alert() {
    let server = server(&[]).await;
    for (count, version) in [(1.0, &TLS12), (2.0, &TLS13)] {
        let config = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
            .with_protocol_versions(&[version])
            .unwrap()
            .with_root_certificates(roots(&Authority::new().unwrap().certificate_pem()))
            .with_no_client_auth();
        assert!(Client::with_config(server.address, config).stream().await.is_err());
        until("the alert is counted", async || {
            (handshake_errors(&server, "alert").await >= count).then_some(())
        })
        .await;
    }
    server.stop().await;
}

#[tokio::test]
async fn client_that_leaves_before_the_handshake_is_counted_as_eof() {
    let server = server(&[]).await;
    drop(TcpStream::connect(server.address).await.unwrap());
    assert!((handshake_errors(&server, "eof").await - 1.0).abs() < f64::EPSILON);
    server.stop().await;
}

#[tokio::test]
async fn sessions_are_not_resumed() {
    let server = server(&[]).await;
    for version in [&TLS12, &TLS13] {
        // One client, so one session cache: an answer read whole brings whatever tickets there are.
        let client = client(&server, &[version], &[]);
        assert_eq!(client.post("/mutate", body("orders")).await.status, StatusCode::OK);
        let stream = client.stream().await.unwrap();
        assert_eq!(stream.get_ref().1.handshake_kind(), Some(HandshakeKind::Full));
    }
    server.stop().await;
}

#[tokio::test]
async fn handshake_that_does_not_end_is_cut() {
    let server = server(&[]).await;
    let mut stream = TcpStream::connect(server.address).await.unwrap();
    // A hello of 60 KiB, in records of 8.
    let mut hello = vec![1, 0, 0xf0, 0, 3, 3];
    hello.resize(60 << 10, b'x');
    for part in hello.chunks(8 << 10) {
        let mut record = vec![0x16, 3, 1];
        record.extend(u16::try_from(part.len()).unwrap().to_be_bytes());
        record.extend(part);
        if stream.write_all(&record).await.is_err() {
            break;
        }
    }
    let end = within("the close", stream.read_u8()).await;
    assert!(end.is_err(), "{end:?}");
    assert!((handshake_errors(&server, "io").await - 1.0).abs() < f64::EPSILON);
    server.stop().await;
}

#[tokio::test]
async fn body_that_comes_right_behind_the_handshake_is_read() {
    let server = server(&[]).await;
    let large = of_size(1 << 20);
    for version in [&TLS12, &TLS13] {
        let answer = client(&server, &[version], &[]).post("/mutate", large.clone()).await;
        assert_eq!(answer.status, StatusCode::OK);
    }
    server.stop().await;
}
