//! A way to the API server that a test opens when it likes.

use std::net::{Ipv4Addr, SocketAddr};

use anyhow::{Result, anyhow};
use tempfile::NamedTempFile;
use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;

use super::kubeconfig;

/// A port of this machine, and what leads from it to the API server; closed when it is dropped.
pub struct Forwarder {
    /// A kubeconfig of this way.
    pub kubeconfig: NamedTempFile,
    /// The socket until connections are taken: bound but not listening, so that they are refused and the port
    /// stays reserved.
    closed: Option<TcpSocket>,
    flows: watch::Sender<bool>,
    tasks: JoinSet<()>,
}

impl Forwarder {
    /// A way that refuses connections, as a machine whose API server does not run.
    pub async fn closed() -> Result<Self> {
        let socket = TcpSocket::new_v4()?;
        socket.bind(SocketAddr::from((Ipv4Addr::LOCALHOST, 0)))?;
        let kubeconfig = kubeconfig::through(socket.local_addr()?).await?;
        Ok(Self { kubeconfig, closed: Some(socket), flows: watch::Sender::new(false), tasks: JoinSet::new() })
    }

    /// A way that takes connections and lets nothing through.
    pub async fn held() -> Result<Self> {
        let mut forwarder = Self::closed().await?;
        forwarder.listen().await?;
        Ok(forwarder)
    }

    /// Lets everything through, also what it held back.
    pub async fn open(&mut self) -> Result<()> {
        if self.closed.is_some() {
            self.listen().await?;
        }
        self.flows.send_replace(true);
        Ok(())
    }

    async fn listen(&mut self) -> Result<()> {
        let socket = self.closed.take().ok_or_else(|| anyhow!("it listens already"))?;
        let to = kubeconfig::api_server().await?;
        self.tasks.spawn(accept(socket.listen(128)?, to, self.flows.subscribe()));
        Ok(())
    }
}

async fn accept(listener: TcpListener, to: (String, u16), flows: watch::Receiver<bool>) {
    let mut connections = JoinSet::new();
    while let Ok((mut here, _)) = listener.accept().await {
        let (to, mut flows) = (to.clone(), flows.clone());
        connections.spawn(async move {
            flows.wait_for(|flows| *flows).await?;
            let mut there = TcpStream::connect(to).await?;
            copy_bidirectional(&mut here, &mut there).await?;
            anyhow::Ok(())
        });
    }
}
