//! A stand-in for the EKS API of one region, on 127.0.0.1: it lists and creates the Pod Identity
//! associations of one cluster, as the service model says (rest-json, 2017-11-01), and fails on cue.
//! Beside it the two places where a pod gets its credentials: STS and the container endpoint.
//!
//! Everything it knows is one value, whose every change is announced: tests wait for what was asked.

mod request;
mod routes;
mod world;

use std::net::SocketAddr;
use std::sync::Arc;

use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpSocket};
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio_rustls::TlsAcceptor;

use crate::support::wait::within;

pub use request::ListRequest;
pub use world::Fault;
use world::World;

/// The cluster that there is.
pub const CLUSTER: &str = "prod";
/// The region that requests must be signed for.
pub const REGION: &str = "eu-west-1";
/// The keys that sign, from variables, the container endpoint and STS; below, what must not be seen.
pub const KEYS: [&str; 3] = ["AKIDENVIRONMENT", "ASIACONTAINER", "ASIAWEBIDENTITY"];
pub const SECRET: &str = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY";
pub const SESSION: &str = "IQoJb3JpZ2luX2VjEXAMPLESESSIONTOKEN";

/// A handle to the stand-in; dropped, it closes its port and every connection.
pub struct StandIn {
    pub address: SocketAddr,
    world: Arc<watch::Sender<World>>,
    task: JoinHandle<()>,
}

impl Drop for StandIn {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl StandIn {
    /// Serves plain HTTP on a free port, without associations.
    pub async fn start() -> Self {
        Self::serve(TcpListener::bind("127.0.0.1:0").await.unwrap(), None)
    }

    /// Serves on a port that was reserved, where nothing listened so far.
    pub fn start_on(port: TcpSocket) -> Self {
        Self::serve(port.listen(16).unwrap(), None)
    }

    /// Serves over TLS.
    pub async fn start_tls(acceptor: TlsAcceptor) -> Self {
        Self::serve(TcpListener::bind("127.0.0.1:0").await.unwrap(), Some(acceptor))
    }

    fn serve(listener: TcpListener, tls: Option<TlsAcceptor>) -> Self {
        let address = listener.local_addr().unwrap();
        let world = Arc::new(watch::Sender::new(World::default()));
        let task = tokio::spawn(serve(listener, tls, world.clone()));
        Self { address, world, task }
    }

    /// The value for `AWS_ENDPOINT_URL_EKS`.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Makes an association.
    pub fn put(&self, namespace: &str, service_account: &str) {
        self.world.send_modify(|world| world.put(namespace, service_account));
    }

    /// Makes an association that no poll finds yet: only a look-up of its account does.
    pub fn put_young(&self, namespace: &str, service_account: &str) {
        self.world.send_modify(|world| world.put_young(namespace, service_account));
    }

    /// Makes this many associations, of accounts whose names are their numbers.
    pub fn put_many(&self, count: usize) {
        self.world.send_modify(|world| {
            for number in 0..count {
                world.put(&format!("namespace-{}", number % 50), &format!("account-{number}"));
            }
        });
    }

    /// Takes all associations away.
    pub fn clear(&self) {
        self.world.send_modify(World::clear);
    }

    /// The fault that every list meets from now on.
    pub fn set_fault(&self, fault: Fault) {
        self.set_faults(fault, usize::MAX, 0);
    }

    /// The fault that the next `times` lists meet, counting pages that begin at entry `from` or later.
    pub fn set_faults(&self, fault: Fault, times: usize, from: usize) {
        self.world.send_modify(|world| world.set_faults(fault, times, from));
    }

    /// Lists wait, once they are recorded, until [`Self::release`].
    pub fn hold(&self) {
        self.world.send_modify(|world| world.is_held = true);
    }

    /// Answers lists again, including those that wait.
    pub fn release(&self) {
        self.world.send_modify(|world| world.is_held = false);
    }

    /// Every list that was asked for so far; all of them were signed as AWS wants it.
    pub fn lists(&self) -> Vec<ListRequest> {
        let world = self.world.borrow();
        assert_eq!(world.refused, [""; 0], "requests that were not as they should be");
        world.lists.clone()
    }

    /// The lists that were for one account.
    pub fn look_ups(&self) -> Vec<ListRequest> {
        self.lists().into_iter().filter(|list| list.namespace.is_some()).collect()
    }

    /// How many connections were made.
    pub fn connections(&self) -> usize {
        self.world.borrow().connections
    }

    /// Waits until so many lists were asked for.
    pub async fn wait_for_lists(&self, count: usize) {
        self.wait_for("lists", |world| world.lists.len() >= count).await;
    }

    /// Waits until so many lists of single accounts were asked for.
    pub async fn wait_for_look_ups(&self, count: usize) {
        let look_ups = |world: &World| world.lists.iter().filter(|list| list.namespace.is_some()).count();
        self.wait_for("look-ups", |world| look_ups(world) >= count).await;
    }

    /// Waits until no request waits for an answer any more.
    pub async fn wait_until_idle(&self) {
        self.wait_for("no list", |world| world.running == 0).await;
    }

    async fn wait_for(&self, what: &str, holds: impl Fn(&World) -> bool) {
        within(what, self.world.subscribe().wait_for(|world| holds(world))).await.unwrap();
    }
}

async fn serve(listener: TcpListener, tls: Option<TlsAcceptor>, world: Arc<watch::Sender<World>>) {
    let mut connections = FuturesUnordered::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => {
                let (stream, _) = accepted.unwrap();
                let (tls, world) = (tls.clone(), world.clone());
                world.send_modify(|world| world.connections += 1);
                connections.push(async move {
                    match tls {
                        None => answer(stream, world).await,
                        // The client reports a handshake that fails.
                        Some(tls) => if let Ok(stream) = tls.accept(stream).await {
                            answer(stream, world).await;
                        }
                    }
                });
            }
            Some(()) = connections.next() => {}
        }
    }
}

async fn answer(stream: impl AsyncRead + AsyncWrite + Unpin, world: Arc<watch::Sender<World>>) {
    let service = service_fn(|request| routes::answer(world.clone(), request));
    // An error means that the client went away.
    drop(http1::Builder::new().serve_connection(TokioIo::new(stream), service).await);
}
