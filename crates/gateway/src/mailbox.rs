//! How others reach a session: its outbox, and a word that ends it. The session's task is woken by either.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::Waker;

use futures_util::task::AtomicWaker;
use parking_lot::Mutex;
use switchboard_cluster::{OutboxFull, Recipient};
use switchboard_protocol::{CloseCode, ServerMessage};
use switchboard_session::{Closing, Outbox};

/// Shared by a session's task and everybody who has something for it.
pub(crate) struct Mailbox {
    outbox: Mutex<Outbox>,
    closing: OnceLock<Closing>,
    /// Its place is wanted: whoever closes it does not wait for its client.
    is_shed: AtomicBool,
    waker: AtomicWaker,
}

impl Mailbox {
    /// An empty one that takes so many bytes.
    pub(crate) fn new(bytes_max: usize) -> Self {
        Self {
            outbox: Mutex::new(Outbox::new(bytes_max)),
            closing: OnceLock::new(),
            is_shed: AtomicBool::new(false),
            waker: AtomicWaker::new(),
        }
    }

    /// Ends the session; the first word counts.
    pub(crate) fn close(&self, closing: Closing) {
        let _ = self.closing.set(closing);
        self.waker.wake();
    }

    /// Ends the connection without patience, to make room for others.
    pub(crate) fn shed(&self, closing: Closing) {
        self.is_shed.store(true, Ordering::Relaxed);
        self.close(closing);
    }

    /// Whether it ends to make room for others.
    pub(crate) fn is_shed(&self) -> bool {
        self.is_shed.load(Ordering::Relaxed)
    }

    /// How the session is to end, if it is.
    pub(crate) fn closing(&self) -> Option<&Closing> {
        self.closing.get()
    }

    /// Wakes the session for what there is to write, and ends it where that was too much.
    pub(crate) fn bound(&self, fits: bool) {
        if fits {
            return self.waker.wake();
        }
        let words = "you do not read as fast as others write to you";
        self.close(Closing::because(CloseCode::SlowConsumer, words));
    }

    /// The connection is over: nobody keeps messages for a session without one.
    pub(crate) fn clear(&self) {
        while self.pop().is_some() {}
    }

    /// The oldest message that waits.
    pub(crate) fn pop(&self) -> Option<ServerMessage> {
        self.outbox.lock().pop()
    }

    /// Bytes that wait.
    pub(crate) fn bytes(&self) -> usize {
        self.outbox.lock().bytes()
    }

    /// Whom to wake when something comes.
    pub(crate) fn register(&self, waker: &Waker) {
        self.waker.register(waker);
    }
}

impl Recipient for Mailbox {
    fn push(&self, message: ServerMessage) -> Result<(), OutboxFull> {
        let pushed = self.outbox.lock().push(message);
        self.bound(pushed.is_ok());
        pushed.map_err(|_| OutboxFull)
    }

    fn superseded(&self) {
        self.close(Closing::new(CloseCode::Superseded));
    }
}
