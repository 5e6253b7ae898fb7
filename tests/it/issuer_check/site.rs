//! A web server that answers whatever a test wants, over TLS or without. Each connection has a thread of its own and one
//! request, so that the binary may be run to its end meanwhile.

use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;

use tokio_rustls::rustls::{ServerConfig, ServerConnection, StreamOwned};

/// Answers by path.
pub type Routes = BTreeMap<String, Reply>;

/// An answer.
#[derive(Clone)]
pub struct Reply {
    pub status: u16,
    pub headers: Vec<(&'static str, String)>,
    pub body: Vec<u8>,
    pub manner: Manner,
}

/// How an answer is sent.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Manner {
    Whole,
    /// The body never comes, and the connection stays open.
    Stalled,
    /// The connection ends in the middle of the body.
    Cut,
}

impl Reply {
    /// JSON, as it should be served.
    pub fn json(body: impl Into<String>) -> Self {
        let headers = vec![
            ("Content-Type", "application/json".to_owned()),
            ("Cache-Control", "public, max-age=300".to_owned()),
        ];
        Self { status: 200, headers, body: body.into().into_bytes(), manner: Manner::Whole }
    }

    /// Another status.
    pub fn status(status: u16, headers: &[(&'static str, &str)], body: &str) -> Self {
        let headers = headers.iter().map(|(name, value)| (*name, (*value).to_owned())).collect();
        Self { status, headers, body: body.as_bytes().to_vec(), manner: Manner::Whole }
    }

    fn write(&self, stream: &mut (impl Read + Write)) -> std::io::Result<()> {
        let mut head = format!("HTTP/1.1 {} x\r\nConnection: close\r\n", self.status).into_bytes();
        for (name, value) in &self.headers {
            write!(head, "{name}: {value}\r\n")?;
        }
        write!(head, "Content-Length: {}\r\n\r\n", self.body.len())?;
        stream.write_all(&head)?;
        match self.manner {
            Manner::Whole => stream.write_all(&self.body)?,
            Manner::Cut => stream.write_all(&self.body[..self.body.len() / 2])?,
            Manner::Stalled => {
                stream.flush()?;
                // Until the other side leaves.
                stream.read_exact(&mut [0])?;
            }
        }
        stream.flush()
    }
}

/// Serves from now on, for as long as the tests run.
pub fn serve(routes: Routes, tls: Option<Arc<ServerConfig>>) -> SocketAddr {
    serve_changing(Arc::new(Mutex::new(routes)), tls)
}

/// The same with answers that the test may change.
pub fn serve_changing(routes: Arc<Mutex<Routes>>, tls: Option<Arc<ServerConfig>>) -> SocketAddr {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let address = listener.local_addr().unwrap();
    thread::spawn(move || {
        for stream in listener.incoming().map_while(Result::ok) {
            let (routes, tls) = (routes.lock().unwrap().clone(), tls.clone());
            thread::spawn(move || drop(connection(stream, &routes, tls)));
        }
    });
    address
}

fn connection(mut stream: TcpStream, routes: &Routes, tls: Option<Arc<ServerConfig>>) -> std::io::Result<()> {
    let Some(tls) = tls else { return answer(&mut stream, routes) };
    let mut stream = StreamOwned::new(ServerConnection::new(tls).unwrap(), stream);
    answer(&mut stream, routes)?;
    stream.conn.send_close_notify();
    stream.flush()
}

fn answer(stream: &mut (impl Read + Write), routes: &Routes) -> std::io::Result<()> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        stream.read_exact(&mut byte)?;
        head.push(byte[0]);
    }
    let head = String::from_utf8_lossy(&head).to_ascii_lowercase();
    let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
    let length = length.map_or(0, |length| length.parse().unwrap());
    stream.read_exact(&mut vec![0; length])?;
    let path = head.split(' ').nth(1).unwrap_or_default();
    let found = routes.iter().find(|(route, _)| route.to_ascii_lowercase() == path);
    let missing = Reply::status(404, &[("Content-Type", "text/plain")], "no such page");
    found.map_or(&missing, |(_, reply)| reply).write(stream)
}
