//! The stream of a connection, which ends when its place is wanted, and when its client does not read.

use std::future::poll_fn;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::time::{Sleep, sleep};

use super::Visit;

/// A TCP stream and its place.
pub(crate) struct Passage {
    stream: TcpStream,
    visit: Arc<Visit>,
    /// How long HTTP waits for a client that takes nothing of an answer. A session has bounds of its own.
    patience: Duration,
    stalled: Option<Pin<Box<Sleep>>>,
}

impl Passage {
    pub(crate) fn new(stream: TcpStream, visit: Arc<Visit>, patience: Duration) -> Self {
        Self {
            stream,
            visit,
            patience,
            stalled: None,
        }
    }

    /// Waits until bytes have come, and copies them without taking them off the stream. 0: there come no more.
    pub(crate) async fn peek(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        let mut bytes = ReadBuf::new(bytes);
        poll_fn(|cx| {
            self.check(cx)?;
            self.stream.poll_peek(cx, &mut bytes)
        })
        .await
    }

    fn check(&self, cx: &Context<'_>) -> io::Result<()> {
        if self.visit.poll_cut(cx.waker()) {
            return Err(io::ErrorKind::ConnectionAborted.into());
        }
        Ok(())
    }

    fn poll_wrote<T>(
        &mut self,
        wrote: Poll<io::Result<T>>,
        cx: &mut Context<'_>,
    ) -> Poll<io::Result<T>> {
        if wrote.is_ready() || self.visit.is_upgraded() {
            self.stalled = None;
            return wrote;
        }
        let patience = self.patience;
        let stalled = self
            .stalled
            .get_or_insert_with(|| Box::pin(sleep(patience)));
        stalled
            .as_mut()
            .poll(cx)
            .map(|()| Err(io::ErrorKind::TimedOut.into()))
    }
}

impl AsyncRead for Passage {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        self.check(cx)?;
        Pin::new(&mut self.stream).poll_read(cx, buffer)
    }
}

impl AsyncWrite for Passage {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.check(cx)?;
        let wrote = Pin::new(&mut self.stream).poll_write(cx, bytes);
        self.poll_wrote(wrote, cx)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.check(cx)?;
        let wrote = Pin::new(&mut self.stream).poll_write_vectored(cx, slices);
        self.poll_wrote(wrote, cx)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    /// While a request is answered and a byte of the next one has come, HTTP neither reads nor writes: it only flushes.
    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.check(cx)?;
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

impl Drop for Passage {
    fn drop(&mut self) {
        self.visit.leave();
    }
}
