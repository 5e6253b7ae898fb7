//! `--client-ca-file`: a client without a certificate of theirs gets no admission, but still the probes.

use std::sync::Arc;

use http::StatusCode;
use pod_identity_webhook::certificates::{Authority, Leaf};
use pod_identity_webhook::webhook::Settings;
use tokio_rustls::rustls::ClientConfig;
use tokio_rustls::rustls::crypto::aws_lc_rs;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::rustls::version::{TLS12, TLS13};

use crate::support::client::{Client, get, roots};
use crate::support::mounted::Files;
use crate::support::process::{Process, Starting};
use crate::support::reviews::{WORLD, body};
use crate::support::server::Server;
use crate::support::wait::until;

const NAME: &str = "client-ca.crt";
const REFUSED: &str = "pod_identity_webhook_refused_clients_total";
const NOT_VERIFIED: &str = "pod_identity_webhook_tls_handshake_errors_total{reason=\"client_certificate\"}";

async fn server(files: &Files, change: impl FnOnce(&mut Settings)) -> Server {
    let flag = format!("--client-ca-file={}", files.path(NAME).display());
    Server::with([WORLD, "--shutdown-delay=0", &flag], change).await
}

/// An API server's certificate of this authority.
fn certificate(authority: &Authority) -> Leaf {
    authority.client("kube-apiserver").unwrap()
}

/// A client that shows this certificate.
fn client(server: &Server, shown: &Leaf) -> Client {
    let chain = CertificateDer::pem_slice_iter(shown.certificate_pem.as_bytes());
    let chain = chain.collect::<Result<_, _>>().unwrap();
    let key = PrivateKeyDer::from_pem_slice(shown.key_pem.as_bytes()).unwrap();
    let config = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_protocol_versions(&[&TLS13, &TLS12])
        .unwrap()
        .with_root_certificates(roots(&server.authority));
    Client::with_config(server.address, config.with_client_auth_cert(chain, key).unwrap())
}

/// Whether a review is answered, on a connection of its own.
async fn admits(client: &Client) -> bool {
    let Ok(mut connection) = client.connect().await else {
        return false;
    };
    // In TLS 1.3 a client learns of a certificate that is not good at its first request.
    connection.post("/mutate", body("orders")).await.is_ok_and(|answer| answer.status == StatusCode::OK)
}

#[tokio::test]
async fn client_with_a_certificate_of_the_authority_is_served() {
    let authority = Authority::new().unwrap();
    let server = server(&Files::plain(&[(NAME, &authority.certificate_pem())]), |_| ()).await;
    let client = client(&server, &certificate(&authority));
    assert!(admits(&client).await);
    let mut kept = client.connect().await.unwrap();
    for path in ["/mutate", "/mutate/required"] {
        assert_eq!(kept.post(path, body("orders")).await.unwrap().status, StatusCode::OK, "{path}");
    }
    assert_eq!(kept.send(get("/readyz")).await.unwrap().status, StatusCode::OK);
    assert_eq!(server.metric(REFUSED).await, Some(0.0));
    server.stop().await;
}

#[tokio::test]
async fn client_without_a_certificate_gets_probes_alone() {
    let authority = Authority::new().unwrap();
    let files = Files::plain(&[(NAME, &authority.certificate_pem())]);
    let server = server(&files, |settings| settings.debug_handlers = true).await;
    for path in ["/mutate", "/mutate/required", "/debug/alpha/deny", "/debug/alpha/500", "/nowhere"] {
        let answer = server.client.post(path, body("orders")).await;
        answer.assert_status(401, "Unauthorized");
        let message = answer.json()["message"].as_str().unwrap().to_owned();
        assert!(message.contains("--client-ca-file") && message.contains("kubeConfigFile"), "{message}");
    }
    for path in ["/livez", "/healthz", "/readyz"] {
        assert_eq!(server.client.send(get(path)).await.status, StatusCode::OK, "{path}");
    }
    assert_eq!(server.metric(REFUSED).await, Some(5.0));
    assert!(server.metric("http_request_count{code=\"200\",path=\"/mutate\",verb=\"POST\"}").await.is_none());
    server.stop().await;
}

#[tokio::test]
async fn certificate_of_another_authority_is_refused_in_the_handshake() {
    let (authority, other) = (Authority::new().unwrap(), Authority::new().unwrap());
    let server = server(&Files::plain(&[(NAME, &authority.certificate_pem())]), |_| ()).await;
    assert!(!admits(&client(&server, &certificate(&other))).await);
    until("it is counted", async || (server.metric(NOT_VERIFIED).await? >= 1.0).then_some(())).await;
    // A server's certificate does not serve as a client's.
    let serving = authority.leaf(&["localhost".to_owned()]).unwrap();
    assert!(!admits(&client(&server, &serving)).await);
    until("it is counted", async || (server.metric(NOT_VERIFIED).await? >= 2.0).then_some(())).await;
    assert!(admits(&client(&server, &certificate(&authority))).await);
    server.stop().await;
}

#[tokio::test]
async fn authorities_are_followed_and_the_last_good_ones_kept() {
    let (first, second) = (Authority::new().unwrap(), Authority::new().unwrap());
    let files = Files::plain(&[(NAME, &first.certificate_pem())]);
    let server = server(&files, |_| ()).await;
    let (old, new) = (client(&server, &certificate(&first)), client(&server, &certificate(&second)));
    assert!(admits(&old).await && !admits(&new).await);
    // The file holds both authorities, as at the beginning of a rotation.
    files.rewrite(NAME, &format!("{}{}", first.certificate_pem(), second.certificate_pem()));
    until("the new one is taken", async || admits(&new).await.then_some(())).await;
    assert!(admits(&old).await);
    let errors = "pod_identity_webhook_source_errors_total{source=\"client-ca-file\"}";
    for bad in ["", "garbage", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"] {
        let before = server.metric(errors).await.unwrap();
        files.rewrite(NAME, bad);
        until(bad, async || (server.metric(errors).await? > before).then_some(())).await;
        assert!(admits(&old).await && admits(&new).await, "{bad}");
    }
    files.rewrite(NAME, &second.certificate_pem());
    until("the old one is not", async || (!admits(&old).await).then_some(())).await;
    assert!(admits(&new).await);
    server.stop().await;
}

#[tokio::test]
async fn file_without_authorities_ends_the_start() {
    let files = Files::plain(&[("empty", ""), ("garbage", "garbage")]);
    for (name, why) in
        [("missing", "No such file"), ("empty", "it is empty"), ("garbage", "no certificate in it")]
    {
        let flag = format!("--client-ca-file={}", files.path(name).display());
        let mut starting = Starting::spawn(&[WORLD, &flag]);
        assert_eq!(starting.ended().await.code(), Some(1), "{name}");
        let log = starting.log();
        let line = log.iter().find(|line| line.starts_with("pod-identity-webhook: ")).unwrap();
        assert!(line.contains("--client-ca-file") && line.contains(why), "{line}");
    }
}

#[tokio::test]
async fn refused_client_is_told_of_in_the_log() {
    let authority = Authority::new().unwrap();
    let files = Files::plain(&[(NAME, &authority.certificate_pem())]);
    let process = Process::start(&[&format!("--client-ca-file={}", files.path(NAME).display())]).await;
    process.client.post("/mutate", body("orders")).await.assert_status(401, "Unauthorized");
    process
        .logged("a call was refused: a client certificate of an authority in --client-ca-file is needed")
        .await;
}

#[tokio::test]
async fn connection_that_carried_admissions_with_a_certificate_goes_last() {
    let authority = Authority::new().unwrap();
    let files = Files::plain(&[(NAME, &authority.certificate_pem())]);
    let server = server(&files, |settings| {
        (settings.server.limits.connections, settings.server.limits.connections_per_peer) = (4, 0);
    })
    .await;
    let mut kept = client(&server, &certificate(&authority)).connect().await.unwrap();
    assert_eq!(kept.post("/mutate", body("orders")).await.unwrap().status, StatusCode::OK);
    // Each of these connections is younger, and is closed before it.
    let mut crowd = Vec::new();
    for _ in 0..20 {
        crowd.push(server.client.stream().await.unwrap());
    }
    assert_eq!(kept.post("/mutate", body("orders")).await.unwrap().status, StatusCode::OK);
    server.stop().await;
}
