//! A session that this node holds, as the cluster sees it.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use parking_lot::Mutex;
use switchboard_protocol::{PeerId, RoomId, ServerMessage, UserId};

use crate::backend::record::Epoch;
use crate::backend::revocation::Credential;
use crate::sessions::directory_state::DirectoryState;
use crate::signal::streams::Streams;

/// What the cluster has for a session goes here: its outbox. Must be quick and must not block.
pub trait Recipient: Send + Sync + 'static {
    /// Queues a message. Refused when the outbox is full; the session then ends by itself.
    fn push(&self, message: ServerMessage) -> Result<(), OutboxFull>;

    /// Another connection has the session: this one is over.
    fn superseded(&self);

    /// The session is revoked: its connection is to be closed.
    fn revoked(&self);

    /// Whether the connection is over already: what is queued from now on is not read.
    fn is_gone(&self) -> bool {
        false
    }
}

/// The session takes no more.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the session's outbox is full")]
pub struct OutboxFull;

/// A session that is to come to this node.
pub struct NewSession {
    /// Its public id.
    pub peer: PeerId,
    /// The identity behind it.
    pub user: UserId,
    /// What its client showed for that.
    pub credential: Credential,
    /// Whether its client says `received`.
    pub receipts: bool,
    /// Whether it is an observer.
    pub hidden: bool,
    /// Whether it may come back after it lost its connection.
    pub resumable: bool,
    /// Where to put what the cluster has for it.
    pub recipient: Arc<dyn Recipient>,
}

/// A session attached to this node. The order of locks is that of its [`Streams`].
pub struct LocalSession {
    /// Its public id.
    pub peer: PeerId,
    /// Raised each time the session changes hands.
    pub epoch: Epoch,
    /// The identity behind it.
    pub user: UserId,
    /// Whether its client says `received`.
    pub receipts: bool,
    /// Whether it is an observer.
    pub hidden: bool,
    /// Whether it may come back after it lost its connection.
    pub resumable: bool,
    /// Its connection is lost, or another's: nothing is written for it any more under this epoch.
    pub(crate) ended: AtomicBool,
    /// It is revoked, and its connection knows.
    pub(crate) revoked: AtomicBool,
    /// What its client showed last. Held while it is compared with what is revoked.
    pub(crate) credential: Mutex<Credential>,
    pub(crate) recipient: Arc<dyn Recipient>,
    pub(crate) streams: Streams,
    pub(crate) directory: DirectoryState,
}

impl LocalSession {
    /// It is nowhere listed yet.
    pub(crate) fn new(
        session: NewSession,
        epoch: Epoch,
        streams: Streams,
        directory: DirectoryState,
    ) -> Self {
        Self {
            peer: session.peer,
            epoch,
            user: session.user,
            receipts: session.receipts,
            hidden: session.hidden,
            resumable: session.resumable,
            ended: AtomicBool::new(false),
            revoked: AtomicBool::new(false),
            credential: Mutex::new(session.credential),
            recipient: session.recipient,
            streams,
            directory,
        }
    }

    /// Queues a message for the session's client. An overflow ends the session by itself.
    pub(crate) fn tell(&self, message: impl Into<ServerMessage>) {
        let _ = self.recipient.push(message.into());
    }

    /// How long its state in a room is, as JSON; 0 where it is not.
    pub fn state_bytes(&self, room: &RoomId) -> usize {
        let profile = self.directory.profile(room);
        profile.map_or(0, |profile| profile.state.as_json().len())
    }

    pub(crate) fn has_ended(&self) -> bool {
        self.ended.load(Ordering::Acquire)
    }
}
