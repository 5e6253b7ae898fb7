//! An issuer as AWS finds it: a web server with a folder, at port 443 of a name, which `issuer publish` fills.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, anyhow};
use http_body_util::Full;
use hyper::body::{Bytes, Incoming};
use hyper::header::{CACHE_CONTROL, CONTENT_TYPE};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};

use super::certificates::Certificates;
use super::command::Output;
use super::wait::until_within;
use super::{Cluster, Test, command, eks_endpoint, http};

/// The issuer, as tokens name it.
pub const ISSUER: &str = "https://issuer.e2e.test";

/// Its host, which no DNS knows.
pub const HOST: &str = "issuer.e2e.test";

/// How long documents may be kept. An API server that takes tokens by them keeps to it, and refuses meanwhile what a newer
/// key has signed.
const CACHED: &str = "public, max-age=5";

/// How long it may take until kube-proxy follows an API server again that was restarted several times.
const FOLLOWED: Duration = Duration::from_mins(4);

/// The issuer's web server; ended when it is dropped.
pub struct IssuerHost {
    /// Where it is.
    pub address: String,
    /// Who vouches for it, PEM.
    pub authority: String,
    /// The name of its host.
    name: String,
    folder: TempDir,
    _server: JoinSet<()>,
}

/// A key that signs tokens.
pub struct Signer {
    /// The private key, as API servers take it.
    pub private: PathBuf,
    public: PathBuf,
}

impl IssuerHost {
    /// Serves an empty folder for [`ISSUER`].
    pub async fn start(cluster: &Cluster) -> Result<Self> {
        let folder = tempfile::tempdir()?;
        let www = folder.path().join("www");
        std::fs::create_dir(&www)?;
        Self::serving(cluster, HOST, www, folder).await
    }

    /// Serves a folder under the name of a host.
    pub async fn of(cluster: &Cluster, name: &str, www: PathBuf) -> Result<Self> {
        Self::serving(cluster, name, www, tempfile::tempdir()?).await
    }

    async fn serving(cluster: &Cluster, name: &str, www: PathBuf, folder: TempDir) -> Result<Self> {
        let address = cluster.host_address().await?;
        let certificates = Certificates::of(&[name])?;
        std::fs::write(folder.path().join("authority.crt"), &certificates.authority)?;
        let chain = CertificateDer::pem_slice_iter(certificates.leaf.certificate_pem.as_bytes());
        let chain = chain.collect::<std::result::Result<Vec<_>, _>>()?;
        let key = PrivateKeyDer::from_pem_slice(certificates.leaf.key_pem.as_bytes())?;
        let tls = ServerConfig::builder().with_no_client_auth().with_single_cert(chain, key)?;
        let listener = TcpListener::bind((address.as_str(), 443)).await;
        let listener = listener.with_context(|| format!("failed to listen on {address}:443"))?;
        let mut server = JoinSet::new();
        server.spawn(serve(listener, TlsAcceptor::from(Arc::new(tls)), www));
        Ok(Self {
            address,
            authority: certificates.authority,
            name: name.to_owned(),
            folder,
            _server: server,
        })
    }

    /// The file of [`IssuerHost::authority`].
    pub fn authority_file(&self) -> PathBuf {
        self.folder.path().join("authority.crt")
    }

    /// A key that `issuer new` makes.
    pub async fn signer(&self, test: &Test, name: &str) -> Result<Signer> {
        let folder = self.folder.path().join(name);
        let [issuer, out] = [format!("--issuer={ISSUER}"), format!("--out={}", folder.display())];
        let words = ["issuer", "new", &issuer, &out, "--account-id=111122223333"];
        command::run(eks_endpoint::program(&test.cluster)?, words, "").await?;
        let mut files = Vec::new();
        for file in std::fs::read_dir(folder)? {
            files.push(file?.path());
        }
        files.sort();
        let [private, public] = <[PathBuf; 2]>::try_from(files).map_err(|files| anyhow!("{files:?}"))?;
        Ok(Signer { private, public })
    }

    /// `issuer publish` of the keys that the API server has, and those of these, with more flags.
    pub async fn publish(&self, test: &Test, signers: &[&Signer], flags: &[&str]) -> Result<String> {
        let to = format!("--to={}", self.folder.path().join("www").display());
        let issuer = format!("--issuer={ISSUER}");
        let mut words = vec!["issuer", "publish", &issuer, &to, "--from-api-server"];
        words.extend(flags);
        let keys: Vec<_> =
            signers.iter().map(|signer| format!("--keys={}", signer.public.display())).collect();
        words.extend(keys.iter().map(String::as_str));
        command::run(eks_endpoint::program(&test.cluster)?, words, "").await
    }

    /// The ids of the keys that are published.
    pub fn published(&self) -> Result<Vec<String>> {
        let set =
            std::fs::read(self.folder.path().join("www/openid/v1/jwks")).context("no keys are published")?;
        let set: Value = serde_json::from_slice(&set)?;
        let ids = set["keys"].as_array().context("no keys")?.iter().map(|key| key["kid"].as_str());
        ids.map(|id| Ok(id.context("no kid")?.to_owned())).collect()
    }

    /// `issuer check -o json` with more flags: its exit code and its report.
    pub async fn check(&self, test: &Test, flags: &[String]) -> Result<(i32, Value)> {
        let mut words = vec![
            "issuer".to_owned(),
            "check".to_owned(),
            format!("--issuer={ISSUER}"),
            format!("--ca-file={}", self.authority_file().display()),
            format!("--resolve={HOST}={}", self.address),
            "--output=json".to_owned(),
        ];
        words.extend_from_slice(flags);
        let Output { code, stdout, stderr } =
            command::output(eks_endpoint::program(&test.cluster)?, words, "").await?;
        let report = serde_json::from_str(&stdout).with_context(|| format!("no report: {stdout}{stderr}"))?;
        Ok((code, report))
    }

    /// `issuer rotate -o json` to a key, without a wait before it signs: its exit code and the step.
    pub async fn rotate(&self, test: &Test, to: &Signer, longest_token: &str) -> Result<(i32, String)> {
        let words = [
            "issuer".to_owned(),
            "rotate".to_owned(),
            format!("--issuer={ISSUER}"),
            format!("--state={}", self.folder.path().join("rotation.json").display()),
            format!("--new-key={}", to.public.display()),
            "--propagation=0s".to_owned(),
            format!("--longest-token={longest_token}"),
            format!("--ca-file={}", self.authority_file().display()),
            format!("--resolve={HOST}={}", self.address),
            "--output=json".to_owned(),
        ];
        let Output { code, stdout, stderr } =
            command::output(eks_endpoint::program(&test.cluster)?, words, "").await?;
        let report: Value =
            serde_json::from_str(&stdout).with_context(|| format!("no report: {stdout}{stderr}"))?;
        Ok((code, report["step"].as_str().context("no step")?.to_owned()))
    }

    /// Has the namespace's STS, which verifies by what the API server says, verify by the published documents from now on.
    pub async fn believed_by_sts(&self, test: &Test) -> Result<()> {
        test.put("issuer-authority", "authority.crt", &self.authority).await?;
        let patch = json!([
            {"op": "add", "path": "/spec/template/spec/hostAliases", "value": [{"ip": self.address, "hostnames": [self.name]}]},
            {"op": "add", "path": "/spec/template/spec/containers/0/args/-", "value": "--discover"},
            {"op": "add", "path": "/spec/template/spec/containers/0/args/-", "value": "--ca-file=/etc/issuer/authority.crt"},
            {"op": "add", "path": "/spec/template/spec/containers/0/volumeMounts/-",
             "value": {"name": "issuer", "mountPath": "/etc/issuer", "readOnly": true}},
            {"op": "add", "path": "/spec/template/spec/volumes/-",
             "value": {"name": "issuer", "configMap": {"name": "issuer-authority"}}},
        ]);
        let namespace = format!("--namespace={}", test.namespace);
        let patch = format!("--patch={patch}");
        command::kubectl(["patch", "deployment", "sts", &namespace, "--type=json", &patch]).await?;
        command::kubectl(["rollout", "status", "deployment/sts", &namespace, "--timeout=120s"]).await?;
        // Whoever follows an API server waits longer each time that it is restarted, kube-proxy too.
        let address = [
            "get",
            "service",
            "sts",
            &namespace,
            "--output=jsonpath={.spec.clusterIP}:{.spec.ports[0].port}",
        ];
        let address = command::kubectl(address).await?;
        until_within(FOLLOWED, "the Service of STS leads to it", async || {
            let Ok(connection) = TcpStream::connect(&address).await else { return Ok(None) };
            let answer = http::exchange(connection, http::request("GET", "/healthz", String::new())?).await;
            Ok(answer.ok().filter(|answer| answer.status.is_success()).map(drop))
        })
        .await
    }
}

/// Has the API server, which is restarted, make tokens of [`ISSUER`], signed by the first key. It takes what the other keys
/// sign, and all that it took before.
pub async fn sign(test: &Test, by: &Signer, others: &[&Signer]) -> Result<()> {
    let keys: Vec<_> = [by].iter().chain(others).map(|signer| signer.private.as_path()).collect();
    sign_for(test, ISSUER, &keys).await
}

/// The same for an issuer by the files of the private keys.
pub async fn sign_for(test: &Test, issuer: &str, keys: &[&Path]) -> Result<()> {
    let keys: Vec<_> = keys.iter().map(|key| key.display().to_string()).collect();
    let mut words = vec!["service-accounts", issuer];
    words.extend(keys.iter().map(String::as_str));
    test.cluster.verb(&words).await.map(drop)
}

async fn serve(listener: TcpListener, tls: TlsAcceptor, folder: PathBuf) {
    let mut connections = JoinSet::new();
    loop {
        let Ok((stream, _)) = listener.accept().await else { continue };
        let (tls, folder) = (tls.clone(), folder.clone());
        connections.spawn(async move {
            let Ok(stream) = tls.accept(stream).await else { return };
            let answer = service_fn(|request| {
                let answer = answer(&folder, &request);
                async { answer }
            });
            // A client that goes away is not worth a line.
            drop(http1::Builder::new().serve_connection(TokioIo::new(stream), answer).await);
        });
    }
}

/// A file of the folder, as a web server for static files answers.
fn answer(folder: &Path, request: &Request<Incoming>) -> hyper::http::Result<Response<Full<Bytes>>> {
    let path = request.uri().path().trim_start_matches('/');
    let is_below = !path.split('/').any(|part| part == "..");
    match std::fs::read(folder.join(path)) {
        Ok(file) if is_below => Response::builder()
            .header(CONTENT_TYPE, "application/json")
            .header(CACHE_CONTROL, CACHED)
            .body(Full::from(file)),
        _ => Response::builder().status(StatusCode::NOT_FOUND).body(Full::default()),
    }
}
