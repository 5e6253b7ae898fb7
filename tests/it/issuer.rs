//! `issuer` as a user runs it, beside an API server and an S3 that are not there.

mod directory;
#[cfg(feature = "eks-api")]
mod s3;

use std::net::TcpListener;
use std::path::Path;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use http::header::CONTENT_TYPE;
use hyper_util::rt::TokioIo;
use hyper_util::service::TowerToHyperService;
use rcgen::{KeyPair, PKCS_RSA_SHA256, PublicKeyData};
use serde_json::Value;
use tempfile::TempDir;
use tokens::kid_of_spki;

use crate::support::program::{Run, run_with};

const ISSUER: &str = "https://oidc.example.com/prod";

const DISCOVERY: &str = ".well-known/openid-configuration";
const KEYS: &str = "openid/v1/jwks";
const HISTORY: &str = "openid/v1/jwks.history";

/// A key pair, its files in a folder of its own, and its id.
struct Key {
    folder: TempDir,
    kid: String,
}

impl Key {
    fn ec() -> Self {
        Self::of(&KeyPair::generate().unwrap())
    }

    fn rsa() -> Self {
        Self::of(&KeyPair::generate_for(&PKCS_RSA_SHA256).unwrap())
    }

    fn of(pair: &KeyPair) -> Self {
        let folder = TempDir::new().unwrap();
        std::fs::write(folder.path().join("sa.key"), pair.serialize_pem()).unwrap();
        std::fs::write(folder.path().join("sa.pub"), pair.public_key_pem()).unwrap();
        Self { folder, kid: kid_of_spki(&pair.subject_public_key_info()) }
    }

    fn private(&self) -> String {
        self.folder.path().join("sa.key").display().to_string()
    }

    fn public(&self) -> String {
        self.folder.path().join("sa.pub").display().to_string()
    }
}

/// Runs `issuer publish` for [`ISSUER`].
fn publish(to: &str, flags: &[&str], environment: &[(&str, &str)]) -> Run {
    let to = format!("--to={to}");
    let issuer = format!("--issuer={ISSUER}");
    run_with([&["issuer", "publish", &issuer, &to], flags].concat(), environment, b"")
}

/// The ids in a key set, in its order.
fn kids(key_set: &[u8]) -> Vec<String> {
    let set: Value = serde_json::from_slice(key_set).unwrap();
    set["keys"].as_array().unwrap().iter().map(|key| key["kid"].as_str().unwrap().to_owned()).collect()
}

fn sorted<const N: usize>(keys: [&Key; N]) -> Vec<String> {
    let mut kids: Vec<_> = keys.iter().map(|key| key.kid.clone()).collect();
    kids.sort();
    kids
}

fn read(folder: &Path, path: &str) -> Vec<u8> {
    std::fs::read(folder.join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// An API server that serves a key set, or nothing.
struct ApiServer {
    keys: Arc<Mutex<Option<Vec<u8>>>>,
    folder: TempDir,
    url: String,
}

impl ApiServer {
    fn start() -> Self {
        let keys: Arc<Mutex<Option<Vec<u8>>>> = Arc::default();
        let answer = async |State(keys): State<Arc<Mutex<Option<Vec<u8>>>>>| -> Response {
            match keys.lock().unwrap().clone() {
                Some(keys) => ([(CONTENT_TYPE, "application/jwk-set+json")], keys).into_response(),
                None => StatusCode::SERVICE_UNAVAILABLE.into_response(),
            }
        };
        let router =
            Router::new().route("/openid/v1/jwks", axum::routing::get(answer)).with_state(keys.clone());
        let url = serve(router);
        let folder = TempDir::new().unwrap();
        let text = format!(
            "current-context: x\nclusters: [{{name: c, cluster: {{server: '{url}'}}}}]\n\
             contexts: [{{name: x, context: {{cluster: c}}}}]\n"
        );
        std::fs::write(folder.path().join("config"), text).unwrap();
        Self { keys, folder, url }
    }

    /// It serves what was published in this folder.
    fn has(&self, published: &Path) {
        *self.keys.lock().unwrap() = Some(read(published, KEYS));
    }

    fn kubeconfig(&self) -> String {
        self.folder.path().join("config").display().to_string()
    }
}

/// Serves on a thread of its own, for the test blocks on the program; until the tests end.
fn serve(router: Router) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            listener.set_nonblocking(true).unwrap();
            let listener = tokio::net::TcpListener::from_std(listener).unwrap();
            loop {
                let connection = TokioIo::new(listener.accept().await.unwrap().0);
                let service = TowerToHyperService::new(router.clone());
                tokio::spawn(
                    hyper::server::conn::http1::Builder::new().serve_connection(connection, service),
                );
            }
        });
    });
    url
}
