//! The floor: what HTTP/1.1 itself costs on this machine. A process of its own that answers every request with the same
//! bytes, by the same HTTP library as the agent, and does nothing else.

use std::convert::Infallible;
use std::net::SocketAddr;

use http::Response;
use http::header::{CONTENT_TYPE, HeaderValue};
use http_body_util::Full;
use hyper::body::{Bytes, Incoming};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::net::TcpListener;

/// The argument with which this program is the floor; the address and the file of the answer's body follow.
pub const ARGUMENT: &str = "floor";

/// Serves for ever.
pub async fn serve(address: SocketAddr, body: Bytes) {
    let listener = TcpListener::bind(address).await.unwrap();
    loop {
        let Ok((stream, _)) = listener.accept().await else { continue };
        drop(stream.set_nodelay(true));
        let body = body.clone();
        let service = service_fn(move |_: http::Request<Incoming>| {
            let mut answer = Response::new(Full::<Bytes>::from(body.clone()));
            answer.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
            async { Ok::<_, Infallible>(answer) }
        });
        tokio::spawn(async move {
            drop(http1::Builder::new().serve_connection(TokioIo::new(stream), service).await);
        });
    }
}
