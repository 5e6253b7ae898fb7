//! Bytes over TLS, for requests that no HTTP client would send.

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_rustls::client::TlsStream;

use super::client::Client;
use super::wait::within;

/// A connection that is written and read by hand.
pub struct Raw(TlsStream<TcpStream>);

impl Raw {
    /// Connects, as far as the end of the handshake.
    pub async fn connect(client: &Client) -> Self {
        Self(client.stream().await.unwrap())
    }

    /// The same, with a client that keeps nothing unread.
    pub async fn connect_deaf(client: &Client) -> Self {
        Self(client.deaf_stream().await.unwrap())
    }

    /// Writes bytes as they are.
    pub async fn write(&mut self, bytes: impl AsRef<[u8]>) -> std::io::Result<()> {
        self.0.write_all(bytes.as_ref()).await?;
        self.0.flush().await
    }

    /// Writes the headers of a POST with a body of this length, and waits until the server asks
    /// for the body: by then it has taken the memory for it.
    pub async fn announce(&mut self, path: &str, length: usize) {
        let head = head(path, &format!("Content-Length: {length}\r\nExpect: 100-continue\r\n"));
        self.write(head).await.unwrap();
        assert_eq!(self.head().await, "HTTP/1.1 100 Continue\r\n\r\n");
    }

    /// Reads as far as the end of a head.
    pub async fn head(&mut self) -> String {
        let mut bytes = Vec::new();
        while !bytes.ends_with(b"\r\n\r\n") {
            bytes.push(within("a head", self.0.read_u8()).await.unwrap());
        }
        String::from_utf8(bytes).unwrap()
    }

    /// Reads until the server closes the connection. How it closes is not judged: a server that has
    /// been kept waiting owes no farewell.
    pub async fn rest(&mut self) -> String {
        let mut bytes = Vec::new();
        drop(within("the end of the connection", self.0.read_to_end(&mut bytes)).await);
        String::from_utf8_lossy(&bytes).into_owned()
    }
}

/// The head of a POST of JSON with these further headers.
pub fn head(path: &str, headers: &str) -> String {
    format!("POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n{headers}\r\n")
}
