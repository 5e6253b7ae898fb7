//! A mutating webhook of the suite's own, on this machine: adds sidecars to pods that lack them, as
//! service meshes do.

use std::sync::Arc;

use anyhow::Result;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http_body_util::{BodyExt, Full};
use hyper::body::{Bytes, Incoming};
use hyper::header::CONTENT_TYPE;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::task::JoinSet;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};

use super::Cluster;
use super::certificates::Certificates;

/// The container that it adds.
pub const SIDECAR: &str = "sidecar";

/// The init container that it adds, which kubelet keeps running.
pub const NATIVE_SIDECAR: &str = "native-sidecar";

/// The webhook; gone when it is dropped.
pub struct Sidecars {
    /// What the API server calls.
    pub url: String,
    /// What the API server is to trust.
    pub authority: String,
    _server: JoinSet<()>,
}

impl Sidecars {
    /// Serves at the address where the API server reaches this machine.
    pub async fn serve(cluster: &Cluster) -> Result<Self> {
        let address = cluster.host_address().await?;
        let certificates = Certificates::of(&[&address])?;
        let chain = vec![CertificateDer::from_pem_slice(certificates.leaf.certificate_pem.as_bytes())?];
        let key = PrivateKeyDer::from_pem_slice(certificates.leaf.key_pem.as_bytes())?;
        let tls = ServerConfig::builder().with_no_client_auth().with_single_cert(chain, key)?;
        let listener = TcpListener::bind((address, 0)).await?;
        let url = format!("https://{}/", listener.local_addr()?);
        let mut server = JoinSet::new();
        server.spawn(accept(listener, TlsAcceptor::from(Arc::new(tls))));
        Ok(Self { url, authority: certificates.authority, _server: server })
    }
}

/// Accepts connections; a failure on one shows as a pod without sidecars.
async fn accept(listener: TcpListener, acceptor: TlsAcceptor) {
    let mut connections = JoinSet::new();
    while let Ok((stream, _)) = listener.accept().await {
        let acceptor = acceptor.clone();
        connections.spawn(async move {
            let stream = TokioIo::new(acceptor.accept(stream).await?);
            http1::Builder::new().serve_connection(stream, service_fn(answer)).await?;
            anyhow::Ok(())
        });
    }
}

async fn answer(request: Request<Incoming>) -> Result<Response<Full<Bytes>>> {
    let body = request.into_body().collect().await?.to_bytes();
    let review: Value = serde_json::from_slice(&body)?;
    let patch = json!(patch(&review["request"]["object"]["spec"])).to_string();
    let answer = json!({
        "apiVersion": review["apiVersion"],
        "kind": review["kind"],
        "response": {
            "uid": review["request"]["uid"],
            "allowed": true,
            "patchType": "JSONPatch",
            "patch": STANDARD.encode(patch),
        },
    });
    let answer = Full::from(answer.to_string());
    Ok(Response::builder().header(CONTENT_TYPE, "application/json").body(answer)?)
}

/// Adds both sidecars, or nothing if they are there. The suite's pods have no init containers of their own.
fn patch(spec: &Value) -> Vec<Value> {
    let has_them = spec["containers"]
        .as_array()
        .is_some_and(|containers| containers.iter().any(|container| container["name"] == SIDECAR));
    if has_them {
        return Vec::new();
    }
    let image = "none.invalid/none";
    let native = json!({"name": NATIVE_SIDECAR, "image": image, "restartPolicy": "Always"});
    vec![
        json!({"op": "add", "path": "/spec/containers/-", "value": {"name": SIDECAR, "image": image}}),
        json!({"op": "add", "path": "/spec/initContainers", "value": [native]}),
    ]
}
