//! A stand-in for EC2's instance metadata, version 2, that fails on cue.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use http::{Method, Request, Response, StatusCode};
use http_body_util::Full;
use hyper::body::{Bytes, Incoming};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

const TOKEN: &str = "AQAEAK-a-token==";

/// What the service does.
#[derive(Debug, Clone)]
pub enum Manner {
    /// Hands out a token, and this document to requests that bring it.
    Document(&'static str),
    /// Does the same once this many requests were refused with 503.
    After(usize, &'static str),
    /// Hands out tokens that it does not know: the document is 401.
    ForgottenToken,
    /// Answers whatever is asked with this status.
    Status(u16),
    /// Takes the request for a token and does not answer: to a pod a hop too far away, the answer
    /// never comes.
    HopTooFar,
    /// Hands out a token that is no header.
    GarbageToken,
}

/// A service that ends when it is dropped.
pub struct InstanceMetadata {
    address: SocketAddr,
    requests: Arc<Mutex<Vec<String>>>,
    task: JoinHandle<()>,
}

impl InstanceMetadata {
    /// Serves on a free port of the loopback address.
    pub async fn start(manner: Manner) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let requests = Arc::new(Mutex::new(Vec::new()));
        let seen = requests.clone();
        let task = tokio::spawn(async move {
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                let (manner, seen) = (manner.clone(), seen.clone());
                let service = service_fn(move |request| answer(manner.clone(), seen.clone(), request));
                tokio::spawn(http1::Builder::new().serve_connection(TokioIo::new(stream), service));
            }
        });
        Self { address, requests, task }
    }

    /// Where it answers.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Method and path of what was asked so far.
    pub fn requests(&self) -> Vec<String> {
        self.requests.lock().unwrap().clone()
    }
}

impl Drop for InstanceMetadata {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn answer(
    manner: Manner,
    seen: Arc<Mutex<Vec<String>>>,
    request: Request<Incoming>,
) -> Result<Response<Full<Bytes>>, Infallible> {
    let asked = format!("{} {}", request.method(), request.uri());
    let before = {
        let mut seen = seen.lock().unwrap();
        seen.push(asked.clone());
        seen.len() - 1
    };
    let header = |name| request.headers().get(name).map_or("", |value| value.to_str().unwrap());
    let (code, body) = match (manner, request.method()) {
        (Manner::Status(code), _) => (code, ""),
        (Manner::After(refused, _), _) if before < refused => (503, ""),
        (Manner::HopTooFar, &Method::PUT) => std::future::pending().await,
        (Manner::GarbageToken, &Method::PUT) => (200, "a\ntoken"),
        (_, &Method::PUT) => {
            let is_right = asked == "PUT /latest/api/token"
                && !header("x-aws-ec2-metadata-token-ttl-seconds").is_empty();
            if is_right { (200, TOKEN) } else { (400, "") }
        }
        (Manner::Document(document) | Manner::After(_, document), _) => {
            // A request without the token gets 401, as where version 2 is required.
            match (asked.as_str(), header("x-aws-ec2-metadata-token")) {
                ("GET /latest/dynamic/instance-identity/document", TOKEN) => (200, document),
                (_, TOKEN) => (404, ""),
                _ => (401, ""),
            }
        }
        (Manner::ForgottenToken | Manner::HopTooFar | Manner::GarbageToken, _) => (401, ""),
    };
    let mut response = Response::new(Full::from(body));
    *response.status_mut() = StatusCode::from_u16(code).unwrap();
    Ok(response)
}
