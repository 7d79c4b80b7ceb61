//! What a session was told, and how to wait for it.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use parking_lot::Mutex;
use switchboard_cluster::{OutboxFull, Recipient};
use switchboard_protocol::server_message::{LeaveReason, Reason};
use switchboard_protocol::{Connection, PeerId, ServerMessage};
use switchboard_traces::{SpanContext, current};
use tokio::sync::Notify;
use tokio::time::{Duration, timeout};

use super::PATIENCE;

/// Takes what a session is told.
#[derive(Default)]
pub(crate) struct Recorder {
    messages: Mutex<Vec<ServerMessage>>,
    changed: Notify,
    /// So many messages fit; 0: any number.
    most: AtomicUsize,
    superseded: AtomicBool,
    revoked: AtomicBool,
    /// The spans in which it got signals, and the one in which it was superseded, where that was traced.
    spans: Mutex<Vec<SpanContext>>,
    trips: AtomicBool,
}

impl Recipient for Recorder {
    fn push(&self, message: ServerMessage) -> Result<(), OutboxFull> {
        assert!(!self.trips.swap(false, Ordering::Relaxed), "by a test");
        let mut messages = self.messages.lock();
        let most = self.most.load(Ordering::Relaxed);
        if most > 0 && messages.len() >= most {
            return Err(OutboxFull);
        }
        if matches!(message, ServerMessage::Signal(_)) {
            self.spans.lock().extend(current());
        }
        messages.push(message);
        self.changed.notify_waiters();
        Ok(())
    }

    fn superseded(&self) {
        self.spans.lock().extend(current());
        self.superseded.store(true, Ordering::Relaxed);
        self.changed.notify_waiters();
    }

    fn revoked(&self) {
        self.revoked.store(true, Ordering::Relaxed);
        self.changed.notify_waiters();
    }
}

impl Recorder {
    pub(crate) fn messages(&self) -> Vec<ServerMessage> {
        self.messages.lock().clone()
    }

    /// The spans in which it got signals, and the one in which it was superseded, where that was traced.
    pub(crate) fn spans(&self) -> Vec<SpanContext> {
        self.spans.lock().clone()
    }

    /// Whether another connection has the session.
    pub(crate) fn is_superseded(&self) -> bool {
        self.superseded.load(Ordering::Relaxed)
    }

    pub(crate) fn is_revoked(&self) -> bool {
        self.revoked.load(Ordering::Relaxed)
    }

    /// How a member's connection was told to be, one after another.
    pub(crate) fn connections(&self, of: &PeerId) -> Vec<Connection> {
        connections(&self.messages.lock(), of)
    }

    /// Waits until a member was told to be `connection` last.
    pub(crate) async fn until_connection(&self, of: &PeerId, connection: Connection) {
        self.until("a member's connection", |told| {
            (connections(told, of).last() == Some(&connection)).then_some(())
        })
        .await;
    }

    /// How often, and why, a member was told to have left.
    pub(crate) fn leaves(&self, of: &PeerId) -> Vec<LeaveReason> {
        leaves(&self.messages.lock(), of)
    }

    /// Waits until a member was told to have left, and says why it did.
    pub(crate) async fn until_left(&self, of: &PeerId) -> LeaveReason {
        self.until("that a member left", |told| {
            leaves(told, of).first().copied()
        })
        .await
    }

    /// Waits until a member was told to have come.
    pub(crate) async fn until_joined(&self, who: &PeerId) {
        let joined = |message: &_| matches!(message, ServerMessage::MemberJoined(j) if j.member.peer == *who);
        self.until_one("that a member came", joined).await;
    }

    /// The next message makes whoever has it panic.
    pub(crate) fn trip(&self) {
        self.trips.store(true, Ordering::Relaxed);
    }

    /// From now on nothing fits.
    pub(crate) fn fill(&self) {
        self.most
            .store(self.messages.lock().len().max(1), Ordering::Relaxed);
    }

    /// Waits until `found` finds something in what was told.
    pub(crate) async fn until<T>(
        &self,
        what: &str,
        found: impl Fn(&[ServerMessage]) -> Option<T>,
    ) -> T {
        let waiting = async {
            loop {
                let changed = self.changed.notified();
                if let Some(found) = found(&self.messages.lock()) {
                    return found;
                }
                // Time passes while nothing is told: some conditions look at more than messages.
                let _ = timeout(Duration::from_millis(100), changed).await;
            }
        };
        match timeout(PATIENCE, waiting).await {
            Ok(found) => found,
            Err(_) => panic!("was never told: {what}; but: {:?}", self.messages()),
        }
    }

    /// Waits until such a message is told.
    pub(crate) async fn until_one(&self, what: &str, such: impl Fn(&ServerMessage) -> bool) {
        self.until(what, |told| told.iter().any(&such).then_some(()))
            .await;
    }

    /// What was told after the first so many messages, as soon as there is any.
    pub(super) async fn next_after(&self, handled: usize) -> Vec<ServerMessage> {
        loop {
            let changed = self.changed.notified();
            let news = self.messages.lock()[handled..].to_vec();
            if !news.is_empty() {
                return news;
            }
            changed.await;
        }
    }

    /// The ids of signals, in the order they were handed on.
    pub(crate) fn signals(&self) -> Vec<u64> {
        signals(&self.messages.lock())
    }

    /// The same, of those from one sender.
    pub(crate) fn signals_of(&self, sender: &PeerId) -> Vec<u64> {
        let messages = self.messages.lock();
        let ids = messages.iter().filter_map(|message| match message {
            ServerMessage::Signal(signal) if signal.from == *sender => Some(signal.id),
            _ => None,
        });
        ids.collect()
    }

    /// How often each signal was answered: id, and `None` or why not.
    pub(crate) fn answers(&self) -> Vec<(u64, Option<Reason>)> {
        let messages = self.messages.lock();
        let answers = messages.iter().filter_map(|message| match message {
            ServerMessage::Delivered(delivered) => Some((delivered.id, None)),
            ServerMessage::Undelivered(undelivered) => {
                Some((undelivered.id, Some(undelivered.reason)))
            }
            _ => None,
        });
        answers.collect()
    }
}

fn connections(told: &[ServerMessage], of: &PeerId) -> Vec<Connection> {
    let told = told.iter().filter_map(|message| match message {
        ServerMessage::MemberUpdated(update) if update.peer == *of => update.connection,
        _ => None,
    });
    told.collect()
}

fn leaves(told: &[ServerMessage], of: &PeerId) -> Vec<LeaveReason> {
    let told = told.iter().filter_map(|message| match message {
        ServerMessage::MemberLeft(left) if left.peer == *of => Some(left.reason),
        _ => None,
    });
    told.collect()
}

pub(super) fn signals(told: &[ServerMessage]) -> Vec<u64> {
    let ids = told.iter().filter_map(|message| match message {
        ServerMessage::Signal(signal) => Some(signal.id),
        _ => None,
    });
    ids.collect()
}
