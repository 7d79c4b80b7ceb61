//! A session that this node holds, as the cluster sees it.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};

use parking_lot::Mutex;
use switchboard_protocol::{NodeId, PeerId, RoomId, ServerMessage, UserId};
use tokio::time::Instant;
use tokio_util::task::task_tracker::TaskTrackerToken;

use crate::backend::directory::AssertMember;
use crate::backend::record::{Epoch, Profile};
use crate::room::allowance::Allowance;
use crate::signal::streams::Streams;

/// What the cluster has for a session goes here: its outbox. Must be quick and must not block.
pub trait Recipient: Send + Sync + 'static {
    /// Queues a message. Refused when the outbox is full; the session then ends by itself.
    fn push(&self, message: ServerMessage) -> Result<(), OutboxFull>;

    /// Another connection has the session: this one is over.
    fn superseded(&self);

    /// Whether the connection is over already: nobody reads what is queued from now on.
    fn is_gone(&self) -> bool {
        false
    }
}

/// The session takes no more.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the session's outbox is full")]
pub struct OutboxFull;

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
    /// See [`PeerRecord::proven`](crate::backend::record::PeerRecord::proven); a lower bound.
    pub(crate) proven: AtomicU64,
    /// Held while the directory is told something about the session: one step after another.
    pub(crate) turn: tokio::sync::Mutex<()>,
    /// Its connection is lost, or another's: nothing is written for it any more under this epoch.
    pub(crate) ended: AtomicBool,
    pub(crate) recipient: Arc<dyn Recipient>,
    /// Its signals.
    pub(crate) streams: Streams,
    /// There while the directory may list the session: the node does not give its lease back before.
    pub(crate) listed: Mutex<Option<TaskTrackerToken>>,
    /// Rooms that the directory may list it in, with what it told of itself there last.
    pub(crate) rooms: Mutex<Vec<(RoomId, Profile)>>,
    /// Those of them that it is not in: it was not let in, or has left, and whether the directory knows is not known.
    pub(crate) undone: Mutex<Vec<RoomId>>,
    /// What its joins may have listed to it.
    pub(crate) listing: Mutex<Allowance>,
    /// The node that had it before, and since when that is over: if it was not told, it is told again.
    pub(crate) former: OnceLock<(NodeId, Instant)>,
    /// Its places as this node knew them when it resumed here: should it lose this connection before it is in its rooms
    /// again, nobody else may know them.
    pub(crate) inherited: OnceLock<Vec<AssertMember>>,
}

impl LocalSession {
    /// Queues a message for the session's client. An overflow ends the session by itself.
    pub(crate) fn tell(&self, message: impl Into<ServerMessage>) {
        let _ = self.recipient.push(message.into());
    }

    /// How long its state in a room is, as JSON; 0 where it is not.
    pub fn state_bytes(&self, room: &RoomId) -> usize {
        let rooms = self.rooms.lock();
        let profile = rooms.iter().find(|(known, _)| known == room);
        profile.map_or(0, |(_, profile)| profile.state.as_json().len())
    }

    /// Of a room, as this node knew it when the session resumed here; 0 where it did not.
    pub(crate) fn inherited_revision(&self, room: &RoomId) -> u64 {
        let mut places = self.inherited.get().into_iter().flatten();
        let place = places.find(|place| place.room == *room);
        place.map_or(0, |place| place.revision)
    }

    pub(crate) fn has_ended(&self) -> bool {
        self.ended.load(Ordering::Acquire)
    }

    pub(crate) fn profile(&self, room: &RoomId) -> Option<Profile> {
        self.rooms
            .lock()
            .iter()
            .find(|(known, _)| known == room)
            .map(|(_, profile)| profile.clone())
    }

    pub(crate) fn note_room(&self, room: &RoomId, profile: Profile) {
        let mut rooms = self.rooms.lock();
        match rooms.iter_mut().find(|(known, _)| known == room) {
            Some((_, known)) => *known = profile,
            None => rooms.push((room.clone(), profile)),
        }
    }

    pub(crate) fn forget_room(&self, room: &RoomId) {
        self.rooms.lock().retain(|(known, _)| known != room);
        self.undone.lock().retain(|known| known != room);
    }

    /// The session is not in that room, which the directory may not know: what is left there is to be undone.
    pub(crate) fn note_undone(&self, room: &RoomId) {
        let mut undone = self.undone.lock();
        if self.profile(room).is_some() && !undone.contains(room) {
            undone.push(room.clone());
        }
    }

    /// Where it is, or is to be again.
    pub(crate) fn kept_rooms(&self) -> Vec<RoomId> {
        let undone = self.undone();
        let mut rooms = self.room_ids();
        rooms.retain(|room| !undone.contains(room));
        rooms
    }

    pub(crate) fn undone(&self) -> Vec<RoomId> {
        self.undone.lock().clone()
    }

    pub(crate) fn room_ids(&self) -> Vec<RoomId> {
        self.rooms
            .lock()
            .iter()
            .map(|(room, _)| room.clone())
            .collect()
    }
}
