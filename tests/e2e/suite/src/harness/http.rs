//! One HTTP request, as the API server and kubelet make them.

use std::time::Duration;

use anyhow::{Context, Result};
use http_body_util::{BodyExt, Full};
use hyper::body::Bytes;
use hyper::client::conn::http1;
use hyper::{HeaderMap, Request, StatusCode};
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::time::timeout;

/// Longer than any answer takes.
const LIMIT: Duration = Duration::from_secs(30);

/// What came back.
pub struct Answer {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub body: String,
}

/// Sends a request over a connection of its own.
pub async fn exchange(
    connection: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
    request: Request<Full<Bytes>>,
) -> Result<Answer> {
    let exchanged = async {
        let (mut sender, connection) = http1::handshake(TokioIo::new(connection)).await?;
        let answered = async {
            let (head, body) = sender.send_request(request).await?.into_parts();
            let body = String::from_utf8_lossy(&body.collect().await?.to_bytes()).into_owned();
            anyhow::Ok(Answer { status: head.status, headers: head.headers, body })
        };
        tokio::pin!(connection, answered);
        tokio::select! {
            biased;
            answer = &mut answered => answer,
            // The end of the connection is where some answers end.
            ended = &mut connection => { ended?; answered.await }
        }
    };
    timeout(LIMIT, exchanged).await.with_context(|| format!("no answer within {LIMIT:?}"))?
}
