//! A kubeconfig's `proxy-url`, with a small proxy: the host of the API server's URL exists nowhere, so that whoever
//! reaches it went through the proxy.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use pod_identity_webhook::certificates::Authority;
use tempfile::TempDir;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::crypto::aws_lc_rs;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};

use crate::support::fake_api::FakeApi;
use crate::support::pair_files::{PairFiles, leaf};
use crate::support::process::Starting;
use crate::support::program::run_with;
use crate::support::wait::{until, within};

/// Credentials in a proxy's URL, and as the proxy is told them.
const CREDENTIALS: [&str; 3] = ["user:p%40ss@", "p@ss", "dXNlcjpwQHNz"];

/// Variables that name another proxy, and say that none is to be used.
const VARIABLES: [(&str, &str); 4] = [
    ("HTTPS_PROXY", "http://127.0.0.1:1"),
    ("https_proxy", "http://127.0.0.1:1"),
    ("HTTP_PROXY", "http://127.0.0.1:1"),
    ("NO_PROXY", "*"),
];

/// Something that passes connections on, and keeps the head of the first request on each.
#[derive(Clone, Default)]
struct Heads(Arc<Mutex<Vec<String>>>);

impl Heads {
    fn all(&self) -> Vec<String> {
        self.0.lock().unwrap().clone()
    }

    /// Reads a head, and answers CONNECT with `answer`, if there is one; passes all else on to `target`.
    async fn relay(&self, mut client: impl AsyncRead + AsyncWrite + Unpin, answer: &str, target: SocketAddr) {
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            let Ok(byte) = client.read_u8().await else {
                return;
            };
            head.push(byte);
        }
        self.0.lock().unwrap().push(String::from_utf8(head.clone()).unwrap());
        let mut target = TcpStream::connect(target).await.unwrap();
        if head.starts_with(b"CONNECT ") {
            client.write_all(format!("HTTP/1.1 {answer}\r\n\r\n").as_bytes()).await.unwrap();
        } else {
            target.write_all(&head).await.unwrap();
        }
        drop(copy_bidirectional(&mut client, &mut target).await);
    }
}

/// A proxy that leads to `target` whatever it is asked for, and answers CONNECT so.
async fn proxy(answer: &'static str, target: SocketAddr) -> (SocketAddr, Heads) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let (address, heads) = (listener.local_addr().unwrap(), Heads::default());
    let kept = heads.clone();
    tokio::spawn(async move {
        while let Ok((client, _)) = listener.accept().await {
            let heads = heads.clone();
            tokio::spawn(async move { heads.relay(client, answer, target).await });
        }
    });
    (address, kept)
}

/// TLS in front of an API server, as `kubernetes.invalid`; its authority's certificate comes last.
async fn tls(target: SocketAddr) -> (SocketAddr, Heads, String) {
    drop(aws_lc_rs::default_provider().install_default());
    let authority = Authority::new().unwrap();
    let leaf = authority.leaf(&["kubernetes.invalid".to_owned()]).unwrap();
    let certificate = CertificateDer::from_pem_slice(leaf.certificate_pem.as_bytes()).unwrap();
    let key = PrivateKeyDer::from_pem_slice(leaf.key_pem.as_bytes()).unwrap();
    let config =
        ServerConfig::builder().with_no_client_auth().with_single_cert(vec![certificate], key).unwrap();
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let (address, heads) = (listener.local_addr().unwrap(), Heads::default());
    let kept = heads.clone();
    tokio::spawn(async move {
        while let Ok((client, _)) = listener.accept().await {
            let (acceptor, heads) = (acceptor.clone(), heads.clone());
            tokio::spawn(async move {
                heads.relay(acceptor.accept(client).await.unwrap(), "", target).await;
            });
        }
    });
    (address, kept, authority.certificate_pem())
}

/// A kubeconfig and the flags of a webhook that uses it.
struct Setup {
    folder: TempDir,
    pair: PairFiles,
}

impl Setup {
    /// `cluster` is what the kubeconfig says of its cluster.
    fn new(cluster: &str) -> Self {
        let folder = TempDir::new().unwrap();
        let kubeconfig = format!(
            "apiVersion: v1\nkind: Config\ncurrent-context: x\nclusters:\n- name: other\n  cluster: {{server: \
             'http://127.0.0.1:1', proxy-url: 'http://127.0.0.1:1'}}\n- name: c\n  cluster: {{{cluster}}}\ncontexts:\n\
             - name: x\n  context: {{cluster: c, user: u}}\nusers:\n- name: u\n  user: {{token: not-a-token}}\n"
        );
        std::fs::write(folder.path().join("config"), kubeconfig).unwrap();
        Self { folder, pair: PairFiles::plain(&leaf(&Authority::new().unwrap())) }
    }

    fn args(&self) -> Vec<String> {
        let kubeconfig = format!("--kubeconfig={}", self.folder.path().join("config").display());
        let own = ["--in-cluster=false".to_owned(), "-v=6".to_owned(), kubeconfig];
        self.pair.args().into_iter().chain(own).collect()
    }

    fn start(&self) -> Starting {
        let args = self.args();
        Starting::spawn_with(&args.iter().map(String::as_str).collect::<Vec<_>>(), &VARIABLES)
    }

    /// What the start says that fails.
    fn refused(&self) -> String {
        let loopback = ["--bind-address=127.0.0.1", "--port=0", "--metrics-port=0"].map(str::to_owned);
        let line = run_with(loopback.into_iter().chain(self.args()), &VARIABLES, b"").refused(1);
        let path = format!("failed to use --kubeconfig {}: ", self.folder.path().join("config").display());
        line.strip_prefix(&path).expect(&line).to_owned()
    }
}

fn address(api: &FakeApi) -> SocketAddr {
    api.url().strip_prefix("http://").unwrap().parse().unwrap()
}

/// Waits until accounts are watched, and looks for credentials in all that was logged.
async fn assert_watched(api: &FakeApi, process: &Starting) {
    within("a watch", api.wait_for_watches(1)).await;
    // The log is read while it is written, and may lag behind.
    let log = until("a line of the debug log", async || {
        let log = process.log().join("\n");
        [" DEBUG ", " TRACE "].iter().any(|level| log.contains(level)).then_some(log)
    })
    .await;
    for secret in CREDENTIALS {
        assert!(!log.contains(secret), "{log}");
    }
}

#[tokio::test]
async fn a_proxy_is_told_the_whole_url_of_a_server_in_plain_text_and_its_own_credentials() {
    let api = FakeApi::start().await;
    let (proxy, heads) = proxy("200 OK", address(&api)).await;
    let setup =
        Setup::new(&format!("server: 'http://kubernetes.invalid/', proxy-url: 'http://user:p%40ss@{proxy}'"));
    assert_watched(&api, &setup.start()).await;
    assert!(!heads.all().is_empty());
    for head in heads.all() {
        assert!(head.starts_with("GET http://kubernetes.invalid/api/v1/serviceaccounts?"), "{head}");
        assert!(head.to_lowercase().contains("\r\nhost: kubernetes.invalid\r\n"), "{head}");
        assert!(head.contains("roxy-authorization: Basic dXNlcjpwQHNz\r\n"), "{head}");
    }
}

#[tokio::test]
async fn a_proxy_connects_to_a_server_over_tls_which_is_not_told_the_proxys_credentials() {
    let api = FakeApi::start().await;
    let (server, requests, authority) = tls(address(&api)).await;
    let (proxy, heads) = proxy("200 Connection established", server).await;
    let setup = Setup::new(&format!(
        "server: 'https://kubernetes.invalid:6443', proxy-url: 'http://user:p%40ss@{proxy}/', \
         certificate-authority-data: {}",
        STANDARD.encode(authority)
    ));
    assert_watched(&api, &setup.start()).await;
    assert!(!heads.all().is_empty());
    for head in heads.all() {
        let expected = "CONNECT kubernetes.invalid:6443 HTTP/1.1\r\nHost: kubernetes.invalid:6443\r\n\
                        Proxy-Authorization: Basic dXNlcjpwQHNz\r\n\r\n";
        assert_eq!(head, expected);
    }
    assert!(!requests.all().is_empty());
    for request in requests.all() {
        assert!(request.starts_with("GET /api/v1/serviceaccounts?"), "{request}");
        assert!(!request.to_lowercase().contains("proxy-"), "{request}");
    }
}

#[tokio::test]
async fn a_proxy_that_does_not_connect_is_named_in_the_log() {
    let api = FakeApi::start().await;
    let (proxy, _) = proxy("407 Proxy Authentication Required", address(&api)).await;
    for (url, what) in [
        (format!("http://user:p%40ss@{proxy}"), "tunnel error: proxy authorization required"),
        ("http://user:p%40ss@127.0.0.1:1".to_owned(), "Connection refused"),
    ] {
        let setup = Setup::new(&format!("server: 'https://kubernetes.invalid', proxy-url: '{url}'"));
        let process = setup.start();
        let named = format!("failed to connect through the proxy {}: ", url.split_once('@').unwrap().1);
        let line =
            until("the failure", async || process.log().into_iter().find(|line| line.contains(&named))).await;
        assert!(line.contains(what), "{line}");
        assert!(CREDENTIALS.iter().all(|secret| !line.contains(secret)), "{line}");
    }
}

#[tokio::test]
async fn without_a_proxy_url_no_variable_names_a_proxy() {
    for more in ["", ", proxy-url: ''"] {
        let api = FakeApi::start().await;
        let setup = Setup::new(&format!("server: '{}'{more}", api.url()));
        assert_watched(&api, &setup.start()).await;
    }
}

#[test]
fn a_proxy_url_that_cannot_be_used_ends_the_start_and_is_not_quoted() {
    for scheme in ["socks5", "https"] {
        let setup =
            Setup::new(&format!("server: 'https://k', proxy-url: '{scheme}://user:p%40ss@127.0.0.1:1'"));
        assert_eq!(
            setup.refused(),
            format!(
                "its proxy-url begins with {scheme}://, but only http:// is supported: give the URL of an HTTP proxy, \
                 or leave proxy-url out if the API server can be reached without a proxy"
            )
        );
    }
    for url in ["127.0.0.1:3128", "http://user:p%40ss@", "a b"] {
        let setup = Setup::new(&format!("server: 'https://k', proxy-url: '{url}'"));
        assert_eq!(
            setup.refused(),
            "its proxy-url is not a URL such as http://proxy.example.com:3128",
            "{url}"
        );
    }
}
