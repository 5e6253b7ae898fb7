//! The fields of a kubeconfig: what the API server sees of those that have an effect, and what is said of those that
//! cannot be used.

mod exec;
mod honoured;
mod refused;
mod renewed;
mod user;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use pod_identity_webhook::certificates::{Authority, Leaf};
use tokio_rustls::rustls::pki_types::CertificateDer;
use tokio_rustls::rustls::pki_types::pem::PemObject;

use crate::support::fake_api::FakeApi;
use crate::support::kubeconfig::address;
use crate::support::process::Starting;
use crate::support::relay::{Heard, Relay, Speaks};
use crate::support::wait::{eventually, until};

/// An API server over TLS, at the name `localhost`.
struct Secure {
    api: FakeApi,
    server: Relay,
    authority: Authority,
}

impl Secure {
    async fn start() -> Self {
        Self::named("localhost").await
    }

    /// The same with a certificate for this name alone.
    async fn named(name: &str) -> Self {
        let (api, authority) = (FakeApi::start().await, Authority::new().unwrap());
        let leaf = authority.leaf(&[name.to_owned()]).unwrap();
        let server = Relay::tls(Speaks::Http("200 OK"), address(&api), &authority, &leaf).await;
        Self { api, server, authority }
    }

    fn url(&self) -> String {
        format!("https://localhost:{}", self.server.address.port())
    }

    /// What a kubeconfig says of its cluster.
    fn cluster(&self) -> String {
        format!(
            "server: '{}', certificate-authority-data: {}",
            self.url(),
            encoded(&self.authority.certificate_pem())
        )
    }

    /// The certificate of a client, as its API server knows it.
    fn client(&self, name: &str) -> Leaf {
        self.authority.client(name).unwrap()
    }

    /// Waits until accounts are watched, and gives what the API server heard.
    async fn watched(&self, process: &Starting) -> Vec<Heard> {
        eventually("a watch", async || {
            let is_watched = self.api.traffic().watches_open == 1;
            if is_watched { Ok(()) } else { Err(process.log()) }
        })
        .await;
        self.server.heard()
    }

    /// Waits until the API server hears something like this, while the watch is cut again and again.
    async fn hears(&self, what: &str, is_it: impl Fn(&Heard) -> bool) {
        until(what, async || {
            self.api.drop_watches();
            self.server.heard().iter().any(&is_it).then_some(())
        })
        .await;
    }
}

fn encoded(text: &str) -> String {
    STANDARD.encode(text)
}

/// Whether a client showed this certificate.
fn shows(heard: &Heard, leaf: &Leaf) -> bool {
    let certificate = CertificateDer::from_pem_slice(leaf.certificate_pem.as_bytes()).unwrap();
    heard.certificate.as_deref() == Some(&*certificate)
}

/// Whether a request has this header.
fn has(heard: &Heard, header: &str) -> bool {
    heard.head.to_lowercase().lines().any(|line| line == header.to_lowercase())
}
