//! An Engine.IO socket as a stream and a sink of frames, as a WebSocket is.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use axum::Error;
use axum::extract::ws::{Message, Utf8Bytes};
use bytes::Bytes;
use engineioxide::{DisconnectReason, Str};
use futures_util::{Sink, Stream};
use tokio::sync::mpsc::error::TrySendError;
use tokio::time::{Sleep, sleep};

use super::{BUFFERED_PACKETS, Socket};

/// The library does not say when it can take more: it is asked again after this.
const ASK_AGAIN: Duration = Duration::from_millis(5);

pub(crate) struct EngineSocket {
    socket: Arc<Socket>,
    /// Did not fit.
    held: Option<Utf8Bytes>,
    again: Option<Pin<Box<Sleep>>>,
    /// A ping was asked for. The library has its own, and ends a connection that does not answer them.
    pinged: bool,
    closing: bool,
}

impl EngineSocket {
    pub(super) fn new(socket: Arc<Socket>) -> Self {
        Self {
            socket,
            held: None,
            again: None,
            pinged: false,
            closing: false,
        }
    }

    /// Gives the library what it did not take before.
    fn poll_held(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        while let Some(text) = self.held.take() {
            match self.socket.emit(Str::copy_from_slice(&text)) {
                Ok(()) => self.again = None,
                Err(TrySendError::Closed(_)) => return Poll::Ready(Err(gone())),
                Err(TrySendError::Full(_)) => {
                    self.held = Some(text);
                    ready!(self.poll_again(cx));
                }
            }
        }
        Poll::Ready(Ok(()))
    }

    /// Waits until all that the library took is written: it forgets the rest as it closes.
    fn poll_written(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        while !self.all_is_written() {
            ready!(self.poll_again(cx));
        }
        Poll::Ready(())
    }

    fn all_is_written(&self) -> bool {
        let places = (0..BUFFERED_PACKETS).map(|_| self.socket.reserve());
        let taken: Result<Vec<_>, _> = places.collect();
        !matches!(taken, Err(TrySendError::Full(())))
    }

    fn poll_again(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let again = self.again.get_or_insert_with(|| Box::pin(sleep(ASK_AGAIN)));
        ready!(again.as_mut().poll(cx));
        self.again = None;
        Poll::Ready(())
    }
}

impl Stream for EngineSocket {
    type Item = Result<Message, Error>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        if std::mem::take(&mut self.pinged) {
            return Poll::Ready(Some(Ok(Message::Pong(Bytes::new()))));
        }
        self.socket.data.poll_next(cx).map(|next| next.map(Ok))
    }
}

impl Sink<Message> for EngineSocket {
    type Error = Error;

    fn poll_ready(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        self.poll_held(cx)
    }

    fn start_send(mut self: Pin<&mut Self>, message: Message) -> Result<(), Error> {
        match message {
            Message::Text(text) => match self.socket.emit(Str::copy_from_slice(&text)) {
                Ok(()) => {}
                Err(TrySendError::Full(_)) => self.held = Some(text),
                Err(TrySendError::Closed(_)) => return Err(gone()),
            },
            Message::Ping(_) => self.pinged = true,
            Message::Close(_) => self.closing = true,
            Message::Binary(_) | Message::Pong(_) => {}
        }
        Ok(())
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        ready!(self.poll_held(cx))?;
        if self.closing {
            ready!(self.poll_written(cx));
            self.socket.close(DisconnectReason::TransportClose);
        }
        Poll::Ready(Ok(()))
    }

    fn poll_close(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        self.poll_flush(cx)
    }
}

/// The session is over: nobody else may read or write in its place.
impl Drop for EngineSocket {
    fn drop(&mut self) {
        self.socket.close(DisconnectReason::TransportClose);
    }
}

fn gone() -> Error {
    Error::new(std::io::Error::from(std::io::ErrorKind::BrokenPipe))
}
