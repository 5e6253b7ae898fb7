//! A replica as anyone who reaches its ports sees it.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result};
use tokio::net::{TcpSocket, TcpStream};
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName};
use tokio_rustls::rustls::{ClientConfig, RootCertStore};

use super::super::Test;
use super::super::cluster::Skipped;
use super::super::http::{self, Answer};
use super::super::release::Release;
use super::super::replica::Replica;

/// A connection that is not taken within this is given up; so is a handshake.
const CONNECT: Duration = Duration::from_secs(10);

/// An answer that has not come within this is given up.
const ANSWER: Duration = Duration::from_secs(15);

pub struct Target {
    pub webhook: SocketAddr,
    pub metrics: SocketAddr,
    name: ServerName<'static>,
    tls: TlsConnector,
}

impl Target {
    /// Every replica of a release, if they are reached from this machine.
    pub async fn of(test: &Test, release: &Release) -> Result<Vec<Self>> {
        let authority = release.authority(&test.cluster).await?;
        let mut roots = RootCertStore::empty();
        roots.add(CertificateDer::from_pem_slice(authority.as_bytes())?)?;
        let config = ClientConfig::builder().with_root_certificates(roots).with_no_client_auth();
        let tls = TlsConnector::from(Arc::new(config));
        let name = ServerName::try_from(format!("{}.{}.svc", release.fullname(), release.namespace))?;

        let mut targets = Vec::new();
        for replica in Replica::all(test, release).await? {
            let address: IpAddr = replica.address().context("a replica without an address")?.parse()?;
            let target = Self {
                webhook: SocketAddr::new(address, 8443),
                metrics: SocketAddr::new(address, 9999),
                name: name.clone(),
                tls: tls.clone(),
            };
            target.connect().await.map_err(|_| Skipped("pods are not reached from this machine".into()))?;
            targets.push(target);
        }
        Ok(targets)
    }

    /// A connection to the webhook's port, after the handshake.
    pub async fn connect(&self) -> Result<TlsStream<TcpStream>> {
        self.connect_by(TcpSocket::new_v4()?).await
    }

    /// The same over a socket with options of its own.
    pub async fn connect_by(&self, socket: TcpSocket) -> Result<TlsStream<TcpStream>> {
        let connected = async {
            let connection = socket.connect(self.webhook).await?;
            anyhow::Ok(self.tls.connect(self.name.clone(), connection).await?)
        };
        timeout(CONNECT, connected).await?
    }

    /// A connection to the port of metrics and probes.
    pub async fn connect_to_metrics(&self) -> Result<TcpStream> {
        Ok(timeout(CONNECT, TcpStream::connect(self.metrics)).await??)
    }

    /// Answer to a review, over a connection of its own.
    pub async fn post(&self, review: String) -> Result<Answer> {
        let answered =
            async { http::exchange(self.connect().await?, http::request("POST", "/mutate", review)?).await };
        timeout(ANSWER, answered).await?
    }
}
