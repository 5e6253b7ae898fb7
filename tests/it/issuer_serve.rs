//! `issuer serve` as a process: what it serves of a folder, and that nothing else gets out.

use std::fs;
use std::net::SocketAddr;
use std::path::Path;
use std::process::Command;

use pod_identity_webhook::certificates::Authority;
use rcgen::{KeyPair, PublicKeyData};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokens::kid_of_spki;

use crate::support::client::{self, Client};
use crate::support::pair_files::{PairFiles, leaf};
use crate::support::process::{PROGRAM, Starting};
use crate::support::program::run;
use crate::support::raw::Raw;
use crate::support::wait::until;

const ISSUER: &str = "https://oidc.example.com/prod";

const DISCOVERY: &str = "/prod/.well-known/openid-configuration";
const KEYS: &str = "/prod/openid/v1/jwks";

/// A server of a folder.
struct Issuer {
    folder: TempDir,
    client: Client,
    metrics_address: SocketAddr,
    process: Starting,
    _files: PairFiles,
}

/// An answer as it came.
struct Answer {
    head: String,
    body: String,
}

impl Answer {
    fn status(&self) -> &str {
        self.head.split(' ').nth(1).unwrap()
    }

    fn header(&self, name: &str) -> Option<&str> {
        self.head.lines().find_map(|line| line.strip_prefix(&format!("{name}: ")))
    }

    fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap()
    }
}

impl Issuer {
    /// Serves a folder, which these keys are published in first.
    async fn start(keys: &[&KeyPair]) -> Self {
        let folder = TempDir::new().unwrap();
        if !keys.is_empty() {
            publish(folder.path(), keys);
        }
        let authority = Authority::new().unwrap();
        let files = PairFiles::plain(&leaf(&authority));
        let [issuer, from] = [format!("--issuer={ISSUER}"), format!("--from={}", folder.path().display())];
        let [certificate, key] = files.args();
        let free = ["--bind-address=127.0.0.1", "--port=0", "--metrics-port=0", "--shutdown-delay=0"];
        let words = ["issuer", "serve", &issuer, &from, &certificate, &key];
        let process = Starting::spawn_subcommand(&[&words[..], &free[..]].concat());
        let line = until("it serves", async || {
            process.log().into_iter().find(|line| line.contains(" serving address="))
        })
        .await;
        let address = |name: &str| -> SocketAddr {
            line.split(' ').find_map(|word| word.strip_prefix(name)).unwrap().parse().unwrap()
        };
        let client = Client::new(address("address="), &authority.certificate_pem());
        Self { folder, client, metrics_address: address("metrics_address="), process, _files: files }
    }

    async fn ready(&self) {
        until("it is ready", async || (self.admin("/readyz").await.0 == 200).then_some(())).await;
    }

    async fn admin(&self, path: &str) -> (u16, String) {
        let answer = client::get_plain(self.metrics_address, path).await;
        (answer.status.as_u16(), String::from_utf8_lossy(&answer.body).into_owned())
    }

    /// The answer to a request with these header lines.
    async fn ask(&self, method: &str, path: &str, headers: &str) -> Answer {
        let mut raw = Raw::connect(&self.client).await;
        let head = format!(
            "{method} {path} HTTP/1.1\r\nHost: oidc.example.com\r\nConnection: close\r\n{headers}\r\n"
        );
        raw.write(head).await.unwrap();
        let answer = raw.rest().await;
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        Answer { head: head.to_owned(), body: body.to_owned() }
    }

    async fn get(&self, path: &str) -> Answer {
        self.ask("GET", path, "").await
    }

    /// The ids of the keys that are served.
    async fn kids(&self) -> Vec<String> {
        let set = self.get(KEYS).await.json();
        set["keys"].as_array().unwrap().iter().map(|key| key["kid"].as_str().unwrap().to_owned()).collect()
    }

    fn write(&self, path: &str, text: impl AsRef<[u8]>) {
        fs::write(self.folder.path().join(path), text).unwrap();
    }

    /// Waits until the folder was found wanting, for this reason.
    async fn complains(&self, of: &str) {
        until(of, async || self.process.log().into_iter().find(|line| line.contains(of))).await;
    }
}

fn publish(folder: &Path, keys: &[&KeyPair]) {
    let pem: String = keys.iter().map(|key| key.public_key_pem()).collect();
    let file = tempfile::NamedTempFile::new().unwrap();
    fs::write(file.path(), pem).unwrap();
    let [keys, to] = [format!("--keys={}", file.path().display()), format!("--to={}", folder.display())];
    let output =
        Command::new(PROGRAM).args(["issuer", "publish", &format!("--issuer={ISSUER}"), &keys, &to]).output();
    let output = output.unwrap();
    assert!(output.status.success(), "{output:?}");
}

fn kid(key: &KeyPair) -> String {
    kid_of_spki(&key.subject_public_key_info())
}

#[tokio::test]
async fn serves_the_two_documents_as_they_were_published_and_follows_them() {
    let (first, second) = (KeyPair::generate().unwrap(), KeyPair::generate().unwrap());
    let issuer = Issuer::start(&[&first]).await;
    issuer.ready().await;
    let published = |path: &str| fs::read_to_string(issuer.folder.path().join(path)).unwrap();
    for (path, file) in [(DISCOVERY, ".well-known/openid-configuration"), (KEYS, "openid/v1/jwks")] {
        let answer = issuer.get(path).await;
        assert_eq!((answer.status(), answer.body.as_str()), ("200", published(file).as_str()));
        assert_eq!(answer.header("content-type"), Some("application/json"));
        assert_eq!(answer.header("cache-control"), Some("public, max-age=300"));
        let tag = answer.header("etag").unwrap();
        for known in [tag.to_owned(), format!("\"x\", W/{tag}"), "*".to_owned()] {
            let again = issuer.ask("GET", path, &format!("If-None-Match: {known}\r\n")).await;
            assert_eq!((again.status(), again.body.as_str(), again.header("etag")), ("304", "", Some(tag)));
        }
        let head = issuer.ask("HEAD", path, "").await;
        assert_eq!((head.status(), head.body.as_str(), head.header("etag")), ("200", "", Some(tag)));
        assert_eq!(head.header("content-length"), answer.header("content-length"));
    }
    let before = issuer.get(KEYS).await.header("etag").unwrap().to_owned();
    publish(issuer.folder.path(), &[&second]);
    let mut both = vec![kid(&first), kid(&second)];
    both.sort();
    until("the new key is served", async || (issuer.kids().await == both).then_some(())).await;
    let changed = issuer.ask("GET", KEYS, &format!("If-None-Match: {before}\r\n")).await;
    assert_eq!(changed.status(), "200");
}

#[tokio::test]
async fn nothing_but_the_two_paths_is_there() {
    let issuer = Issuer::start(&[&KeyPair::generate().unwrap()]).await;
    issuer.ready().await;
    for path in [
        "/",
        "/prod",
        "/.well-known/openid-configuration",
        "/prod/.well-known/openid-configuration/",
        "/prod//openid/v1/jwks",
        "/prod/openid/v1/jwks.history",
        "/prod/openid/v1/%6awks",
        "/prod/openid/v1/../v1/jwks",
        "/metrics",
        "/readyz",
    ] {
        assert_eq!(issuer.get(path).await.status(), "404", "{path}");
    }
    for method in ["POST", "PUT", "DELETE", "OPTIONS"] {
        let answer = issuer.ask(method, KEYS, "Content-Length: 0\r\n").await;
        assert_eq!((answer.status(), answer.header("allow")), ("405", Some("GET, HEAD")), "{method}");
        assert_eq!(answer.body, "documents are read by GET\n");
    }
    assert_eq!(issuer.get(&format!("{KEYS}?a=b")).await.status(), "200", "a query says nothing");
}

#[tokio::test]
async fn what_was_good_last_is_served_while_the_folder_is_not() {
    let key = KeyPair::generate().unwrap();
    let issuer = Issuer::start(&[&key]).await;
    issuer.ready().await;
    let good = fs::read_to_string(issuer.folder.path().join("openid/v1/jwks")).unwrap();
    let document = fs::read_to_string(issuer.folder.path().join(".well-known/openid-configuration")).unwrap();
    for (path, text, complaint) in [
        ("openid/v1/jwks", "{\"keys\":[", "openid/v1/jwks cannot be served: "),
        ("openid/v1/jwks", "{\"keys\":[]}", "openid/v1/jwks cannot be served: "),
        (".well-known/openid-configuration", "<html>", "it is no discovery document"),
        (
            ".well-known/openid-configuration",
            &document.replace("example.com/prod\"", "example.com/test\""),
            "it is of another issuer",
        ),
    ] {
        let good = if path == "openid/v1/jwks" { &good } else { &document };
        issuer.write(path, text);
        let kept = "issuer-documents ok (keeps the set read";
        until("it keeps what it had", async || issuer.admin("/readyz").await.1.contains(kept).then_some(()))
            .await;
        issuer.complains(complaint).await;
        assert_eq!(issuer.admin("/readyz").await.0, 200);
        assert_eq!(issuer.kids().await, [kid(&key)]);
        issuer.write(path, good);
        let ok = "[+]issuer-documents ok\n";
        until("it is well again", async || issuer.admin("/readyz").await.1.contains(ok).then_some(())).await;
    }
    fs::remove_file(issuer.folder.path().join("openid/v1/jwks")).unwrap();
    issuer.complains("issuer publish --to' this folder writes it").await;
    assert_eq!(issuer.kids().await, [kid(&key)]);
    let failures = "pod_identity_webhook_source_errors_total{source=\"issuer-documents\"} ";
    let metrics = issuer.admin("/metrics").await.1;
    let failures = metrics.lines().find_map(|line| line.strip_prefix(failures)).unwrap();
    assert!(failures.parse::<f64>().unwrap() >= 5.0, "{failures}");
}

#[tokio::test]
async fn no_private_part_of_a_key_and_nothing_unknown_gets_out() {
    let key = KeyPair::generate().unwrap();
    let issuer = Issuer::start(&[&key]).await;
    issuer.ready().await;
    let mut set: Value =
        serde_json::from_slice(&fs::read(issuer.folder.path().join("openid/v1/jwks")).unwrap()).unwrap();
    set["keys"][0]["d"] = json!("c2VjcmV0");
    set["keys"][0]["comment"] = json!("c2VjcmV0");
    set["more"] = json!("c2VjcmV0");
    let second = KeyPair::generate().unwrap();
    publish(issuer.folder.path(), &[&second]);
    let published = fs::read(issuer.folder.path().join("openid/v1/jwks")).unwrap();
    let published: Value = serde_json::from_slice(&published).unwrap();
    let other = published["keys"].as_array().unwrap().iter().find(|one| one["kid"] == kid(&second).as_str());
    set["keys"].as_array_mut().unwrap().push(other.unwrap().clone());
    issuer.write("openid/v1/jwks", set.to_string());
    until("both are served", async || (issuer.kids().await.len() == 2).then_some(())).await;
    assert!(!issuer.get(KEYS).await.body.contains("c2VjcmV0"));
    // Whoever keeps the folder is told, without the secret.
    issuer.complains(&format!("the private part of the key \"{}\": take it out", kid(&key))).await;
    assert!(issuer.process.log().iter().all(|line| !line.contains("c2VjcmV0")));
    let shown = issuer.admin("/readyz").await.1;
    assert!(shown.contains("issuer-documents ok (entries passed over: 1; the log says which)"), "{shown}");
}

#[tokio::test]
async fn is_not_ready_before_there_is_anything_to_serve_and_ends_when_told() {
    let mut issuer = Issuer::start(&[]).await;
    issuer.complains("keeps=\"nothing: not ready\"").await;
    assert_eq!(issuer.admin("/readyz").await.0, 503);
    assert_eq!(issuer.admin("/livez").await.0, 200);
    let answer = issuer.get(DISCOVERY).await;
    assert_eq!((answer.status(), answer.header("retry-after")), ("503", Some("1")));
    publish(issuer.folder.path(), &[&KeyPair::generate().unwrap()]);
    issuer.ready().await;
    assert_eq!(issuer.get(DISCOVERY).await.json()["issuer"], ISSUER);
    issuer.process.terminate();
    assert!(issuer.process.ended().await.success());
}

#[test]
fn flags_that_cannot_be_used_are_refused() {
    let usual = ["--from=/srv", "--tls-cert=/no/tls.crt", "--tls-key=/no/tls.key"];
    for (flag, line) in [
        ("--issuer=http://oidc.example.com", "invalid value 'http://oidc.example.com' for '--issuer': "),
        ("--keys-path=../jwks", "invalid value '../jwks' for '--keys-path': "),
        ("--bind-address=host", "invalid value 'host' for '--bind-address': "),
    ] {
        let issuer: &[&str] =
            if flag.starts_with("--issuer") { &[] } else { &["--issuer=https://oidc.example.com"] };
        let said = run([&["issuer", "serve", flag][..], issuer, &usual[..]].concat()).refused(2);
        assert!(said.starts_with(line), "{said}");
    }
    let run = run([&["issuer", "serve", "--issuer=https://oidc.example.com"][..], &usual[..]].concat());
    assert_eq!(run.code, 1);
    assert!(run.stderr.contains("failed to read /no/tls.crt: "), "{}", run.stderr);
}
