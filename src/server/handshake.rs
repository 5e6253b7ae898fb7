//! TLS handshakes, a few of which are computed at the same time.
//!
//! A signature costs as much as ten reviews. A thousand connections that all come to it at once would stand
//! before every call in the queue of the worker threads; these take turns, and calls come between. A turn is
//! held while something is computed, never while the peer is waited for, so that who stalls keeps nobody out.

use std::future::poll_fn;
use std::io;
use std::pin::pin;
use std::sync::Arc;
use std::task::ready;

use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::Semaphore;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;
use tokio_util::sync::PollSemaphore;

/// How many are computed at the same time: enough to fill the cores of a small machine, and with RSA of
/// 2,048 bits, 0.7 ms each, a call waits 6 ms at most.
const TURNS: usize = 8;

/// Bytes of answers that rustls encrypts ahead of a slow reader; the rest waits unencrypted, where it is
/// anyway.
const ENCRYPTED_AHEAD: usize = 16 << 10;

/// Whose turn it is.
pub(super) struct Handshakes {
    acceptor: TlsAcceptor,
    turns: Arc<Semaphore>,
}

impl Handshakes {
    pub(super) fn new(acceptor: TlsAcceptor) -> Self {
        Self { acceptor, turns: Arc::new(Semaphore::new(TURNS)) }
    }

    /// The handshake of one connection.
    pub(super) async fn accept<S>(&self, stream: S) -> io::Result<TlsStream<S>>
    where
        S: AsyncRead + AsyncWrite + Unpin,
    {
        let mut turns = PollSemaphore::new(self.turns.clone());
        let limited = |tls: &mut tokio_rustls::rustls::ServerConnection| {
            tls.set_buffer_limit(Some(ENCRYPTED_AHEAD));
        };
        let mut handshake = pin!(self.acceptor.accept_with(stream, limited));
        poll_fn(|cx| {
            let _turn = ready!(turns.poll_acquire(cx));
            handshake.as_mut().poll(cx)
        })
        .await
    }
}
