//! The listener and its connections: one task, which owns them all. Ending the task closes every
//! socket, so nothing can be left behind.

use std::net::{Ipv4Addr, SocketAddr};
use std::pin::pin;
use std::sync::{Mutex, PoisonError};

use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::task::JoinHandle;

use super::routes;
use super::shared::Shared;
use super::world::World;

/// A port of 127.0.0.1 that is bound but does not listen: connections are refused, and nobody else
/// can take it (a connection to an unbound port of the ephemeral range may even end up connected to
/// itself).
pub struct ReservedPort {
    socket: TcpSocket,
    port: u16,
}

impl ReservedPort {
    /// Binds this port; 0: any free one.
    pub(super) fn new(port: u16) -> Self {
        let socket = TcpSocket::new_v4().expect("a socket");
        // A restart must not wait for the old connections' TIME_WAIT.
        socket.set_reuseaddr(true).expect("SO_REUSEADDR");
        socket.bind(SocketAddr::from((Ipv4Addr::LOCALHOST, port))).expect("a free port on 127.0.0.1");
        let port = socket.local_addr().expect("the bound address").port();
        Self { socket, port }
    }

    /// The cluster URL of the server that will listen here.
    #[must_use]
    pub fn url(&self) -> String {
        url(self.port)
    }
}

pub(super) fn url(port: u16) -> String {
    format!("http://127.0.0.1:{port}")
}

pub(super) struct Server {
    port: u16,
    state: Mutex<State>,
}

enum State {
    Up(JoinHandle<()>),
    /// The port stays reserved while the server is down.
    Down(ReservedPort),
    Changing,
}

impl Server {
    pub(super) fn start(port: ReservedPort, world: Shared) -> Self {
        let number = port.port;
        let state = Mutex::new(State::Up(spawn(port, world)));
        Self { port: number, state }
    }

    pub(super) fn port(&self) -> u16 {
        self.port
    }

    pub(super) async fn stop(&self) {
        let task = match self.replace(State::Changing) {
            State::Up(task) => task,
            other => {
                self.replace(other);
                return;
            }
        };
        task.abort();
        // The task was aborted on purpose, or it panicked, and then the test has failed elsewhere.
        let _ = task.await;
        self.replace(State::Down(ReservedPort::new(self.port)));
    }

    pub(super) fn restart(&self, world: Shared) {
        match self.replace(State::Changing) {
            State::Down(port) => {
                self.replace(State::Up(spawn(port, world)));
            }
            other => {
                self.replace(other);
                panic!("restart() of a server that was not stopped");
            }
        }
    }

    fn replace(&self, state: State) -> State {
        let mut current = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        std::mem::replace(&mut *current, state)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if let State::Up(task) = self.replace(State::Changing) {
            task.abort();
        }
    }
}

fn spawn(port: ReservedPort, world: Shared) -> JoinHandle<()> {
    let listener = port.socket.listen(1024).expect("to listen on the reserved port");
    tokio::spawn(serve(listener, world))
}

async fn serve(listener: TcpListener, world: Shared) {
    let mut connections = FuturesUnordered::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => {
                let (stream, _) = accepted.expect("to accept a connection");
                connections.push(connection(stream, world.clone()));
            }
            Some(()) = connections.next() => {}
        }
    }
}

async fn connection(stream: TcpStream, world: Shared) {
    let _open =
        world.ongoing(|traffic| traffic.connections_open += 1, |traffic| traffic.connections_open -= 1);
    let service = service_fn(|request| routes::answer(world.clone(), request));
    let number = world.change(World::open_connection);
    let mut changes = world.subscribe();
    let silenced = async { changes.wait_for(|world| number <= world.silent).await.map(drop) };
    let served = pin!(http1::Builder::new().serve_connection(TokioIo::new(stream), service));
    tokio::select! {
        biased;
        // A silenced connection is not read, not written, not closed.
        _ = silenced => std::future::pending().await,
        // An error means that the client went away, or that the connection was to be cut.
        _ = served => {}
    }
}
