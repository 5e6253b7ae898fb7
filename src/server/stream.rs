//! A connection's bytes as hyper reads and writes them: notices when an answer has been sent, and closes so
//! that a client that is still sending learns why.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Sleep, sleep};

use super::entry::Entry;

/// Bytes that are read, and dropped, of a request that was answered before its end. What the client has sent
/// by then would otherwise meet a closed socket, and the client would lose the answer (RFC 9112, 9.6). This
/// is enough for what both hosts buffer.
const LINGER_BYTES: usize = 1 << 20;

/// How long the rest of such a request is read.
const LINGER_TIME: Duration = Duration::from_secs(1);

/// Bytes of one such read; its buffer is on the stack.
const LINGER_STEP: usize = 4 << 10;

/// The stream of one connection.
pub(super) struct Stream<S> {
    inner: S,
    entry: Arc<Entry>,
    lingering: Option<Lingering>,
}

struct Lingering {
    left: usize,
    end: Pin<Box<Sleep>>,
}

impl<S> Stream<S> {
    pub(super) fn new(inner: S, entry: Arc<Entry>) -> Self {
        Self { inner, entry, lingering: None }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Stream<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_read(cx, buffer)
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncWrite for Stream<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.inner).poll_write(cx, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.inner).poll_write_vectored(cx, bytes)
    }

    fn is_write_vectored(&self) -> bool {
        self.inner.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let flushed = ready!(Pin::new(&mut self.inner).poll_flush(cx));
        if flushed.is_ok() {
            self.entry.activity.flushed();
        }
        Poll::Ready(flushed)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let Self { inner, entry, lingering } = &mut *self;
        if lingering.is_none() {
            ready!(Pin::new(&mut *inner).poll_shutdown(cx))?;
            entry.activity.flushed();
            if !entry.activity.seen().may_be_sending() {
                return Poll::Ready(Ok(()));
            }
        }
        let lingering = lingering
            .get_or_insert_with(|| Lingering { left: LINGER_BYTES, end: Box::pin(sleep(LINGER_TIME)) });
        lingering.poll(inner, cx).map(Ok)
    }
}

impl Lingering {
    /// Reads until the client closes its side too, or enough was read.
    fn poll(&mut self, stream: &mut (impl AsyncRead + Unpin), cx: &mut Context<'_>) -> Poll<()> {
        if self.end.as_mut().poll(cx).is_ready() {
            return Poll::Ready(());
        }
        let mut step = [0; LINGER_STEP];
        loop {
            let mut buffer = ReadBuf::new(&mut step);
            let read = ready!(Pin::new(&mut *stream).poll_read(cx, &mut buffer));
            let size = buffer.filled().len();
            self.left = self.left.saturating_sub(size);
            if read.is_err() || size == 0 || self.left == 0 {
                return Poll::Ready(());
            }
        }
    }
}
