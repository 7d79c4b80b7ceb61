//! A WebSocket as what carries a connection.

use std::task::{Context, Poll, ready};

use axum::extract::ws::WebSocket;
use futures_util::{SinkExt, StreamExt};
use switchboard_connection::{Ended, Gone, Transport};
use switchboard_dialects::Frame;

use crate::frame;
use crate::handshake::WRITE_BUFFER_BYTES;

/// A WebSocket that carries one connection.
pub(crate) struct WebSocketTransport {
    socket: WebSocket,
    /// It does not say what it has of this.
    unflushed: Unflushed,
}

/// Bytes put into a WebSocket since it was flushed, as far as it may keep them.
#[derive(Debug, Default)]
pub(crate) struct Unflushed(usize);

impl Unflushed {
    pub(crate) fn put(&mut self, bytes: usize) {
        self.0 += bytes;
    }

    /// It takes one more frame: before that it writes whatever is more than its buffer.
    pub(crate) fn ready(&mut self) {
        self.0 = self.0.min(WRITE_BUFFER_BYTES);
    }

    pub(crate) fn bytes(&self) -> usize {
        self.0
    }

    pub(crate) fn flushed(&mut self) {
        self.0 = 0;
    }
}

impl WebSocketTransport {
    pub(crate) fn new(socket: WebSocket) -> Self {
        Self {
            socket,
            unflushed: Unflushed::default(),
        }
    }
}

impl Transport for WebSocketTransport {
    fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<Result<Frame, Ended>> {
        self.socket.poll_next_unpin(cx).map(|message| {
            let message = message.ok_or(Ended::Gone)?;
            message.map(frame::read).map_err(frame::ended)
        })
    }

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Gone>> {
        ready!(self.socket.poll_ready_unpin(cx)).map_err(|_| Gone)?;
        self.unflushed.ready();
        Poll::Ready(Ok(()))
    }

    fn start_send(&mut self, frame: Frame) -> Result<(), Gone> {
        self.unflushed.put(frame.len());
        let started = self.socket.start_send_unpin(frame::written(frame));
        started.map_err(|_| Gone)
    }

    fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Gone>> {
        ready!(self.socket.poll_flush_unpin(cx)).map_err(|_| Gone)?;
        self.unflushed.flushed();
        Poll::Ready(Ok(()))
    }

    fn unwritten(&self) -> usize {
        self.unflushed.bytes()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_flushed_counts_as_far_as_the_buffer_goes() {
        let mut unflushed = Unflushed::default();
        unflushed.put(3 * WRITE_BUFFER_BYTES);
        assert_eq!(unflushed.0, 3 * WRITE_BUFFER_BYTES);
        unflushed.ready();
        assert_eq!(unflushed.0, WRITE_BUFFER_BYTES);
        unflushed.put(1);
        unflushed.flushed();
        assert_eq!(unflushed.0, 0);
    }
}
