//! The probes of AWS's agent: whether each address that pods ask answers at all.

use std::net::SocketAddr;
use std::time::Duration;

use axum::http::StatusCode;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

/// How long all of them may take together.
const PATIENCE: Duration = Duration::from_secs(10);

/// The answer to a probe: 200, 408 if an address is silent, 500 otherwise.
pub(super) async fn all(addresses: &[SocketAddr]) -> (StatusCode, &'static str) {
    let asked = async {
        for address in addresses {
            one(*address).await?;
        }
        std::io::Result::Ok(())
    };
    match timeout(PATIENCE, asked).await {
        Ok(Ok(())) => (StatusCode::OK, ""),
        Ok(Err(_)) => (StatusCode::INTERNAL_SERVER_ERROR, "Internal Server Error occurred"),
        Err(_) => (StatusCode::REQUEST_TIMEOUT, "Timeout occurred"),
    }
}

/// `GET /`, which is answered without taking anything of what pods may ask.
async fn one(address: SocketAddr) -> std::io::Result<()> {
    let mut stream = TcpStream::connect(address).await?;
    stream
        .write_all(format!("GET / HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n").as_bytes())
        .await?;
    let mut begin = [0; 12];
    stream.read_exact(&mut begin).await?;
    if begin == *b"HTTP/1.1 404" { Ok(()) } else { Err(std::io::Error::other("not the agent")) }
}
