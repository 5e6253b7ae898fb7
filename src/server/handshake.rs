//! TLS handshakes, of which a few are computed at the same time.
//!
//! A signature costs as much as ten reviews. A thousand connections that reach it at once would be queued on
//! the worker threads ahead of every call; so they take turns, and calls come between. A turn is held while
//! something is computed, never while the peer is waited for, so a peer that stalls keeps nobody out.

use std::future::poll_fn;
use std::io;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::sync::Semaphore;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;
use tokio_util::sync::PollSemaphore;

/// Handshakes computed at the same time: enough to fill the cores of a small machine, while a call waits 6 ms
/// at most with RSA of 2,048 bits, 0.7 ms each.
const TURNS: usize = 8;

/// Bytes of answers that rustls encrypts ahead of a slow reader. The rest waits unencrypted, where it is held
/// in any case.
const ENCRYPTED_AHEAD: usize = 16 << 10;

/// Bytes that a client may send before the handshake is done. rustls would keep 64 KiB of a message that does
/// not end; a client's hello takes one or two KiB, and its certificates, with all authorities between, a few.
const LONGEST: usize = 16 << 10;

/// The acceptor, and the turns at computing.
pub(super) struct Handshakes {
    acceptor: TlsAcceptor,
    turns: Arc<Semaphore>,
}

impl Handshakes {
    pub(super) fn new(acceptor: TlsAcceptor) -> Self {
        Self { acceptor, turns: Arc::new(Semaphore::new(TURNS)) }
    }

    /// The handshake of one connection.
    pub(super) async fn accept<S>(&self, stream: S) -> io::Result<TlsStream<Limited<S>>>
    where
        S: AsyncRead + AsyncWrite + Unpin,
    {
        let mut turns = PollSemaphore::new(self.turns.clone());
        let is_too_long = Arc::new(AtomicBool::new(false));
        let stream = Limited { stream, left: Some(LONGEST), is_too_long: is_too_long.clone() };
        let limited = |tls: &mut tokio_rustls::rustls::ServerConnection| {
            tls.set_buffer_limit(Some(ENCRYPTED_AHEAD));
        };
        let mut handshake = pin!(self.acceptor.accept_with(stream, limited));
        let mut stream = poll_fn(|cx| {
            let _turn = ready!(turns.poll_acquire(cx));
            let polled = handshake.as_mut().poll(cx);
            if polled.is_pending() && is_too_long.load(Ordering::Relaxed) {
                return Poll::Ready(Err(io::Error::new(
                    io::ErrorKind::InvalidData,
                    "the handshake is too long",
                )));
            }
            polled
        })
        .await?;
        stream.get_mut().0.left = None;
        Ok(stream)
    }
}

/// A stream that stops reading at its limit, if it has one: what came right behind the handshake, and is read
/// ahead with it, waits until the limit is lifted.
pub(super) struct Limited<S> {
    stream: S,
    left: Option<usize>,
    is_too_long: Arc<AtomicBool>,
}

impl<S: AsyncRead + Unpin> AsyncRead for Limited<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = &mut *self;
        let Some(left) = &mut this.left else {
            return Pin::new(&mut this.stream).poll_read(cx, buffer);
        };
        if *left == 0 {
            this.is_too_long.store(true, Ordering::Relaxed);
            return Poll::Pending;
        }
        let before = buffer.filled().len();
        ready!(Pin::new(&mut this.stream).poll_read(cx, buffer))?;
        *left = left.saturating_sub(buffer.filled().len() - before);
        Poll::Ready(Ok(()))
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Limited<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(cx, bytes)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}
