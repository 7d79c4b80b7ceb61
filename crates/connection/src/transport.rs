//! What carries the frames of one connection.

use std::task::{Context, Poll};

use switchboard_dialects::Frame;
use switchboard_protocol::PeerId;
use switchboard_session::Closing;

/// Carries frames both ways. One task polls it for both directions: reading never stops because writing cannot go on.
///
/// ```text
/// poll_ready ─► start_send ─► poll_ready ─► start_send ─► … ─► poll_flush: the kernel has all of it
/// ```
pub trait Transport: Send {
    /// The next frame. A ping is answered by the transport itself, and is a frame here all the same: its client is alive.
    /// After an error it is not polled again, except to read to the end what [`Gone`] was not the reason of.
    fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<Result<Frame, Ended>>;

    /// Ready: it takes one more frame.
    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Gone>>;

    /// Takes a frame. A ping is taken at any time, any other frame once [`poll_ready`](Self::poll_ready) said so. A
    /// [`Frame::Close`] is the last.
    fn start_send(&mut self, frame: Frame) -> Result<(), Gone>;

    /// Ready: everything that it took is with the kernel.
    fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Gone>>;

    /// Bytes that it took and may not have handed to the kernel.
    fn unwritten(&self) -> usize;

    /// The session that it carries from now on, for its log.
    fn note_session(&mut self, session: PeerId) {
        let _ = session;
    }
}

/// Why there is no next frame.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ended {
    /// The connection is gone.
    Gone,
    /// What came is no frame, or too long a message.
    Unreadable(Closing),
}

/// The connection cannot be written to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the connection is gone")]
pub struct Gone;
