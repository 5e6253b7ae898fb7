//! Proxies before the API server, a kubeconfig's and the environment's: the host of the API server's URL exists
//! nowhere, so that whoever reaches it went through the proxy.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use pod_identity_webhook::certificates::Authority;

use crate::support::fake_api::FakeApi;
use crate::support::kubeconfig::{Kubeconfig, address};
use crate::support::pair_files::{PairFiles, leaf};
use crate::support::process::Starting;
use crate::support::relay::{NAME, Relay, Speaks};
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

const USER: &str = "token: not-a-token";
const PLAIN: Speaks = Speaks::Http("200 Connection established");

fn kubeconfig(cluster: &str) -> Kubeconfig {
    Kubeconfig::new(cluster, USER)
}

/// TLS in front of an API server, as `kubernetes.invalid`, and what a kubeconfig says of it; `names` are others that
/// have a certificate of its authority.
struct Secure {
    api: FakeApi,
    server: Relay,
    authority: Authority,
}

impl Secure {
    async fn start() -> Self {
        let (api, authority) = (FakeApi::start().await, Authority::new().unwrap());
        let leaf = authority.leaf(&[NAME.to_owned()]).unwrap();
        let server = Relay::tls(PLAIN, address(&api), &authority, &leaf).await;
        Self { api, server, authority }
    }

    fn cluster(&self) -> String {
        let authority = STANDARD.encode(self.authority.certificate_pem());
        format!("server: 'https://{NAME}:6443', certificate-authority-data: {authority}")
    }

    fn assert_reached(&self) {
        assert!(!self.server.heads().is_empty());
        for head in self.server.heads() {
            assert!(head.starts_with("GET /api/v1/serviceaccounts?"), "{head}");
            assert!(!head.to_lowercase().contains("proxy-"), "{head}");
            assert!(head.contains("uthorization: Bearer not-a-token\r\n"), "{head}");
        }
    }
}

/// Waits until accounts are watched, and looks for credentials in all that was logged.
async fn assert_watched(api: &FakeApi, process: &Starting) {
    let watched = api.wait_for_watches(1);
    within(&format!("a watch: {:?}", process.log()), watched).await;
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
    let proxy = Relay::plain(PLAIN, address(&api)).await;
    let cluster = format!("server: 'http://{NAME}/', proxy-url: 'http://user:p%40ss@{}'", proxy.address);
    assert_watched(&api, &kubeconfig(&cluster).start(&VARIABLES)).await;
    assert!(!proxy.heads().is_empty());
    for head in proxy.heads() {
        assert!(head.starts_with("GET http://kubernetes.invalid/api/v1/serviceaccounts?"), "{head}");
        assert!(head.to_lowercase().contains("\r\nhost: kubernetes.invalid\r\n"), "{head}");
        assert!(head.contains("roxy-authorization: Basic dXNlcjpwQHNz\r\n"), "{head}");
    }
}

#[tokio::test]
async fn a_proxy_connects_to_a_server_over_tls_which_is_not_told_the_proxys_credentials() {
    let secure = Secure::start().await;
    let proxy = Relay::plain(PLAIN, secure.server.address).await;
    let cluster = format!("{}, proxy-url: 'http://user:p%40ss@{}/'", secure.cluster(), proxy.address);
    assert_watched(&secure.api, &kubeconfig(&cluster).start(&VARIABLES)).await;
    assert!(!proxy.heads().is_empty());
    for head in proxy.heads() {
        let expected = "CONNECT kubernetes.invalid:6443 HTTP/1.1\r\nHost: kubernetes.invalid:6443\r\n\
                        Proxy-Authorization: Basic dXNlcjpwQHNz\r\n\r\n";
        assert_eq!(head, expected);
    }
    secure.assert_reached();
}

#[tokio::test]
async fn a_proxy_that_speaks_tls_is_trusted_by_the_authorities_of_the_cluster() {
    let secure = Secure::start().await;
    let leaf = secure.authority.leaf(&["127.0.0.1".to_owned()]).unwrap();
    let proxy = Relay::tls(PLAIN, secure.server.address, &secure.authority, &leaf).await;
    let cluster = format!("{}, proxy-url: 'https://user:p%40ss@{}'", secure.cluster(), proxy.address);
    assert_watched(&secure.api, &kubeconfig(&cluster).start(&VARIABLES)).await;
    assert!(!proxy.heads().is_empty());
    for head in proxy.heads() {
        assert!(head.starts_with("CONNECT kubernetes.invalid:6443 HTTP/1.1\r\n"), "{head}");
    }
    secure.assert_reached();

    let stranger = Authority::new().unwrap();
    let leaf = stranger.leaf(&["127.0.0.1".to_owned()]).unwrap();
    let proxy = Relay::tls(PLAIN, secure.server.address, &stranger, &leaf).await;
    let cluster = format!("{}, proxy-url: 'https://{}'", secure.cluster(), proxy.address);
    let process = kubeconfig(&cluster).start(&VARIABLES);
    let named = format!("failed to connect through the proxy {}: ", proxy.address);
    let line =
        until("the failure", async || process.log().into_iter().find(|line| line.contains(&named))).await;
    assert!(line.contains("invalid peer certificate"), "{line}");
    assert!(proxy.heads().is_empty());
}

#[tokio::test]
async fn a_proxy_of_socks_is_told_the_name_of_the_server() {
    for (login, told, wants) in [("", "", false), ("user:p%40ss@", "user:p@ss@", true)] {
        let secure = Secure::start().await;
        let proxy = Relay::plain(Speaks::Socks(wants), secure.server.address).await;
        let cluster = format!("{}, proxy-url: 'socks5://{login}{}'", secure.cluster(), proxy.address);
        assert_watched(&secure.api, &kubeconfig(&cluster).start(&VARIABLES)).await;
        assert!(!proxy.heads().is_empty());
        assert!(
            proxy.heads().iter().all(|head| *head == format!("{told}{NAME}:6443")),
            "{:?}",
            proxy.heads()
        );
        secure.assert_reached();
    }
    let api = FakeApi::start().await;
    let proxy = Relay::plain(Speaks::Socks(false), address(&api)).await;
    let cluster = format!("server: 'http://{NAME}', proxy-url: 'socks5://{}'", proxy.address);
    assert_watched(&api, &kubeconfig(&cluster).start(&VARIABLES)).await;
    assert!(proxy.heads().iter().all(|head| *head == format!("{NAME}:80")), "{:?}", proxy.heads());
}

#[tokio::test]
async fn a_proxy_that_does_not_connect_is_named_in_the_log() {
    let api = FakeApi::start().await;
    let proxy = Relay::plain(Speaks::Http("407 Proxy Authentication Required"), address(&api)).await.address;
    for (url, what) in [
        (format!("http://user:p%40ss@{proxy}"), "tunnel error: proxy authorization required"),
        ("http://user:p%40ss@127.0.0.1:1".to_owned(), "Connection refused"),
        ("socks5://user:p%40ss@127.0.0.1:1".to_owned(), "Connection refused"),
    ] {
        let cluster = format!(
            "server: 'https://kubernetes.invalid', insecure-skip-tls-verify: true, proxy-url: '{url}'"
        );
        let process = kubeconfig(&cluster).start(&VARIABLES);
        let named = format!("failed to connect through the proxy {}: ", url.split_once('@').unwrap().1);
        let line =
            until("the failure", async || process.log().into_iter().find(|line| line.contains(&named))).await;
        assert!(line.contains(what), "{line}");
        assert!(CREDENTIALS.iter().all(|secret| !line.contains(secret)), "{line}");
    }
}

#[tokio::test]
async fn without_a_proxy_url_the_environment_names_the_proxy() {
    for more in ["", ", proxy-url: ''"] {
        let secure = Secure::start().await;
        let proxy = Relay::plain(PLAIN, secure.server.address).await;
        let url = format!("http://user:p%40ss@{}", proxy.address);
        let variables = [("HTTPS_PROXY", url.as_str()), ("NO_PROXY", "invalid:443,10.0.0.0/8")];
        let process = kubeconfig(&format!("{}{more}", secure.cluster())).start(&variables);
        assert_watched(&secure.api, &process).await;
        assert!(!proxy.heads().is_empty());
        secure.assert_reached();
        let told = "the API server is reached through a proxy";
        let line = until(told, async || process.log().into_iter().find(|line| line.contains(told))).await;
        assert!(line.contains("the variable HTTPS_PROXY"), "{line}");
    }
    let api = FakeApi::start().await;
    let proxy = Relay::plain(PLAIN, address(&api)).await;
    let url = proxy.address.to_string();
    let process = kubeconfig(&format!("server: 'http://{NAME}'")).start(&[("http_proxy", url.as_str())]);
    assert_watched(&api, &process).await;
    assert!(proxy.heads().iter().all(|head| head.starts_with("GET http://kubernetes.invalid/api")));
}

#[tokio::test]
async fn the_environment_names_the_proxy_without_a_kubeconfig_too() {
    let api = FakeApi::start().await;
    let proxy = Relay::plain(PLAIN, address(&api)).await;
    let pair = PairFiles::plain(&leaf(&Authority::new().unwrap()));
    let server = format!("--kube-api=http://{NAME}");
    let args = pair.args();
    let args = ["--in-cluster=false", "-v=6", server.as_str(), args[0].as_str(), args[1].as_str()];
    let process = Starting::spawn_with(&args, &[("HTTP_PROXY", &proxy.address.to_string())]);
    assert_watched(&api, &process).await;
    assert!(proxy.heads().iter().all(|head| head.starts_with("GET http://kubernetes.invalid/api")));
}

#[tokio::test]
async fn no_proxy_of_the_environment_stands_before_a_loopback_address_or_an_exception() {
    let api = FakeApi::start().await;
    let dead = [("HTTPS_PROXY", "http://127.0.0.1:1"), ("HTTP_PROXY", "http://127.0.0.1:1")];
    let process = kubeconfig(&format!("server: '{}'", api.url())).start(&dead);
    assert_watched(&api, &process).await;
    // Nobody has the name of the server, which is looked up only if the proxy is not asked.
    let variables = [dead[0], ("no_proxy", ".invalid")];
    let process =
        kubeconfig("server: 'https://kubernetes.invalid', insecure-skip-tls-verify: true").start(&variables);
    let line = until("the failure", async || {
        process.log().into_iter().find(|line| line.contains("failed to list ServiceAccounts"))
    })
    .await;
    assert!(line.contains("dns error") && !line.contains("proxy"), "{line}");
}

#[test]
fn a_proxy_that_cannot_be_used_ends_the_start_and_is_not_quoted() {
    let rows = [
        (
            "socks4://user:p%40ss@127.0.0.1:1",
            "begins with socks4://, but only http://, https:// and socks5:// are supported: give the URL of such a \
             proxy, or none if the API server can be reached without a proxy",
        ),
        ("http://user:p%40ss@", "is not a URL such as http://proxy.example.com:3128"),
        ("a b", "is not a URL such as http://proxy.example.com:3128"),
        (
            "http://user:p@ss@p",
            "has more than one @: write one that belongs to the user or the password as %40",
        ),
    ];
    for (url, why) in rows {
        let setup = kubeconfig(&format!("server: 'https://k', proxy-url: '{url}'"));
        assert_eq!(setup.refused(&VARIABLES), format!("its proxy-url {why}"));
        let said = kubeconfig("server: 'https://k'").failed(&[("HTTPS_PROXY", url)]);
        assert_eq!(said, format!("failed to use a proxy for the API server: the variable HTTPS_PROXY {why}"));
    }
    let setup = kubeconfig("server: 'https://k', proxy-url: '127.0.0.1:3128'");
    assert_eq!(setup.refused(&[]), "its proxy-url is not a URL such as http://proxy.example.com:3128");
}
