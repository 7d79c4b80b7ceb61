//! A gateway's end of a socket as what carries a connection. As a WebSocket does, it gathers frames in a buffer of its own
//! before the kernel gets them: of what is lost with a connection, some was never written, and nobody can say how much.

use std::collections::VecDeque;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use switchboard_connection::{Ended, Gone, Transport};
use switchboard_dialects::Frame;
use switchboard_protocol::PeerId;
use tokio::time::Sleep;

use crate::mark::Mark;
use crate::socket::{End, Refused, weight};
use crate::trace::{Recorder, What};

/// What gathers before the kernel gets it.
const BUFFER_BYTES: usize = 8192;

pub(crate) struct SocketTransport {
    socket: End,
    session: Option<PeerId>,
    recorder: Recorder,
    /// When the next frame is there.
    timer: Option<Pin<Box<Sleep>>>,
    buffer: VecDeque<Frame>,
    bytes: usize,
}

impl SocketTransport {
    pub(crate) fn new(socket: End, recorder: Recorder) -> Self {
        Self {
            socket,
            session: None,
            recorder,
            timer: None,
            buffer: VecDeque::new(),
            bytes: 0,
        }
    }

    /// Hands frames to the kernel until no more than so many bytes are left.
    fn poll_write(&mut self, bytes_left: usize, cx: &mut Context<'_>) -> Poll<Result<(), Gone>> {
        while self.bytes > bytes_left
            && let Some(frame) = self.buffer.front()
        {
            match self.socket.write(frame.clone()) {
                Ok(()) => {
                    let mark = frame.text().and_then(Mark::find);
                    if let (Some(to), Some(Mark { from, id })) = (self.session, mark) {
                        self.recorder.note(What::Written { to, from, id });
                    }
                    self.bytes -= weight(frame);
                    self.buffer.pop_front();
                }
                Err(Refused::Full) => ready!(self.socket.poll_writable(weight(frame), cx)),
                Err(Refused::Gone) => return Poll::Ready(Err(Gone)),
            }
        }
        Poll::Ready(Ok(()))
    }
}

impl Transport for SocketTransport {
    fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<Result<Frame, Ended>> {
        let frame = ready!(self.socket.poll_read(&mut self.timer, cx));
        Poll::Ready(frame.ok_or(Ended::Gone))
    }

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Gone>> {
        self.poll_write(BUFFER_BYTES, cx)
    }

    fn start_send(&mut self, frame: Frame) -> Result<(), Gone> {
        self.bytes += weight(&frame);
        self.buffer.push_back(frame);
        Ok(())
    }

    fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Gone>> {
        self.poll_write(0, cx)
    }

    fn unwritten(&self) -> usize {
        self.bytes
    }

    fn note_session(&mut self, session: PeerId) {
        self.session = Some(session);
    }
}
