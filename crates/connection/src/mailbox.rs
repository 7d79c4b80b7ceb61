//! How others reach a connection: its outbox, and a word that ends it. The connection's task is woken by either.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::task::Waker;

use futures_util::task::AtomicWaker;
use parking_lot::Mutex;
use switchboard_cluster::{OutboxFull, Recipient};
use switchboard_protocol::{CloseCode, ServerMessage};
use switchboard_session::{Closing, Outbox};

use crate::departure::revoked;

/// Shared by the task of a connection and all that have something for its client.
pub struct Mailbox {
    outbox: Mutex<Outbox>,
    /// Bytes that are frames already and wait for the socket.
    frames: AtomicUsize,
    /// Bytes that the socket has taken and not written yet.
    in_socket: AtomicUsize,
    bytes_max: usize,
    closing: OnceLock<Closing>,
    /// Its place is wanted: whoever closes it does not wait for its client.
    is_shed: AtomicBool,
    /// Its client went while the session was still being resumed.
    is_client_gone: AtomicBool,
    waker: AtomicWaker,
}

impl Mailbox {
    /// An empty one that takes so many bytes.
    pub fn new(bytes_max: usize) -> Self {
        Self {
            outbox: Mutex::new(Outbox::new(bytes_max)),
            frames: AtomicUsize::new(0),
            in_socket: AtomicUsize::new(0),
            bytes_max,
            closing: OnceLock::new(),
            is_shed: AtomicBool::new(false),
            is_client_gone: AtomicBool::new(false),
            waker: AtomicWaker::new(),
        }
    }

    /// Ends the session; the first word counts.
    pub fn close(&self, closing: Closing) {
        let _ = self.closing.set(closing);
        self.waker.wake();
    }

    /// Ends the connection without patience, to make room for others.
    pub fn shed(&self, closing: Closing) {
        self.is_shed.store(true, Ordering::Relaxed);
        self.close(closing);
    }

    /// Whether it ends to make room for others.
    pub(crate) fn is_shed(&self) -> bool {
        self.is_shed.load(Ordering::Relaxed)
    }

    /// Its client went while its session is being resumed.
    pub(crate) fn note_client_gone(&self) {
        self.is_client_gone.store(true, Ordering::Relaxed);
    }

    /// How the session is to end, if it is.
    pub fn closing(&self) -> Option<&Closing> {
        self.closing.get()
    }

    /// Queues a message that becomes so many bytes more than it has itself once it is written.
    pub(crate) fn push_weighing(
        &self,
        message: ServerMessage,
        more: usize,
    ) -> Result<(), OutboxFull> {
        let frames = self.frames.load(Ordering::Relaxed);
        let pushed = self.outbox.lock().push(message, more, frames);
        match pushed {
            Ok(()) => self.waker.wake(),
            Err(_) => self.close_slow(),
        }
        pushed.map_err(|_| OutboxFull)
    }

    /// Takes note of what waits beside the outbox: frames for the socket, and what is in it. Ends the session where the
    /// frames and the outbox together are too much.
    pub(crate) fn note_written(&self, frames: usize, in_socket: usize) {
        self.frames.store(frames, Ordering::Relaxed);
        self.in_socket.store(in_socket, Ordering::Relaxed);
        if frames > 0 && frames + self.outbox.lock().bytes() > self.bytes_max {
            self.close_slow();
        }
    }

    pub(crate) fn is_client_gone(&self) -> bool {
        self.is_client_gone.load(Ordering::Relaxed)
    }

    fn close_slow(&self) {
        let words = format!(
            "you do not read as fast as others write to you: more than {} bytes wait (limits.outbox_bytes)",
            self.bytes_max
        );
        self.close(Closing::because(CloseCode::SlowConsumer, words));
    }

    /// The connection is over: nobody keeps messages for a session without one.
    pub(crate) fn clear(&self) {
        while self.pop().is_some() {}
    }

    /// The oldest message that waits.
    pub fn pop(&self) -> Option<ServerMessage> {
        self.outbox.lock().pop()
    }

    /// Bytes that wait for the client, whatever wrote them and wherever they are.
    pub fn bytes(&self) -> usize {
        let frames = self.frames.load(Ordering::Relaxed) + self.in_socket.load(Ordering::Relaxed);
        frames + self.outbox.lock().bytes()
    }

    /// Whom to wake when something comes.
    pub(crate) fn register(&self, waker: &Waker) {
        self.waker.register(waker);
    }
}

impl Recipient for Mailbox {
    fn push(&self, message: ServerMessage) -> Result<(), OutboxFull> {
        self.push_weighing(message, 0)
    }

    fn superseded(&self) {
        self.close(Closing::new(CloseCode::Superseded));
    }

    fn revoked(&self) {
        self.close(revoked());
    }

    fn is_gone(&self) -> bool {
        self.is_client_gone()
    }
}
