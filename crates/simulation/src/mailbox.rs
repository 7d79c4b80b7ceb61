//! How others reach a session: its outbox, and a word that ends it.

use std::sync::OnceLock;

use parking_lot::Mutex;
use switchboard_cluster::{OutboxFull, Recipient};
use switchboard_protocol::{CloseCode, ServerMessage};
use switchboard_session::{Closing, Outbox};
use tokio::sync::Notify;

/// Shared by a session's task and everybody who has something for it.
pub(crate) struct Mailbox {
    outbox: Mutex<Outbox>,
    closing: OnceLock<Closing>,
    changed: Notify,
}

impl Mailbox {
    pub(crate) fn new(bytes_max: usize) -> Self {
        Self {
            outbox: Mutex::new(Outbox::new(bytes_max)),
            closing: OnceLock::new(),
            changed: Notify::new(),
        }
    }

    /// Puts a message before all others.
    pub(crate) fn begin_with(&self, message: ServerMessage) {
        self.outbox.lock().push_first(message);
        self.changed.notify_one();
    }

    /// Ends the session; the first word counts.
    pub(crate) fn close(&self, closing: Closing) {
        let _ = self.closing.set(closing);
        self.changed.notify_one();
    }

    pub(crate) fn closing(&self) -> Option<&Closing> {
        self.closing.get()
    }

    /// Whatever waits is for nobody any more.
    pub(crate) fn clear(&self) {
        while self.pop().is_some() {}
    }

    pub(crate) fn pop(&self) -> Option<ServerMessage> {
        self.outbox.lock().pop()
    }

    /// Waits until something may have come. Cancel safe.
    pub(crate) async fn changed(&self) {
        self.changed.notified().await;
    }
}

impl Recipient for Mailbox {
    fn push(&self, message: ServerMessage) -> Result<(), OutboxFull> {
        let pushed = self.outbox.lock().push(message, 0, 0);
        match pushed {
            Ok(()) => {
                self.changed.notify_one();
                Ok(())
            }
            Err(_) => {
                self.close(Closing::new(CloseCode::SlowConsumer));
                Err(OutboxFull)
            }
        }
    }

    fn superseded(&self) {
        self.close(Closing::new(CloseCode::Superseded));
    }
}
