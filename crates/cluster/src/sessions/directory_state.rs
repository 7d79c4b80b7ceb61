//! What the directory knows of a live session, as far as its node knows, and what is still to be told there.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};

use parking_lot::Mutex;
use switchboard_protocol::{NodeId, RoomId};
use tokio::time::Instant;
use tokio_util::task::task_tracker::TaskTrackerToken;

use crate::backend::directory::AssertMember;
use crate::backend::record::{Epoch, Profile};
use crate::room::allowance::Allowance;

/// One session's.
pub(crate) struct DirectoryState {
    /// See [`PeerRecord::proven`](crate::backend::record::PeerRecord::proven); a lower bound.
    proven: AtomicU64,
    /// Held while the directory is told something about the session: one step after another.
    pub(crate) turn: tokio::sync::Mutex<()>,
    /// There while the directory may list the session: the node does not give its lease back before.
    listed: Mutex<Option<TaskTrackerToken>>,
    rooms: Mutex<SessionRooms>,
    /// What its joins may have listed to it.
    pub(crate) listing: Mutex<Allowance>,
    /// The node that had it before, and since when that is over: if it was not told, it is told again.
    pub(crate) former: OnceLock<(NodeId, Instant)>,
    /// Its places as this node knew them when it resumed here: should it lose this connection before it is in its rooms
    /// again, no other node may know them.
    pub(crate) inherited: OnceLock<Vec<AssertMember>>,
}

#[derive(Default)]
struct SessionRooms {
    /// Those that the directory may list it in, with what it told of itself there last. `None`: it told that through another
    /// node, and this one has not read it yet.
    listed: Vec<(RoomId, Option<Profile>)>,
    /// Those of them that it is not in: it was not let in, or has left, and whether the directory knows is not known.
    undone: Vec<RoomId>,
}

impl SessionRooms {
    fn has(&self, room: &RoomId) -> bool {
        self.listed.iter().any(|(known, _)| known == room)
    }
}

impl DirectoryState {
    /// Listed in no room yet. `listed`: see there.
    pub(crate) fn new(proven: Epoch, listed: Option<TaskTrackerToken>) -> Self {
        Self {
            proven: AtomicU64::new(proven),
            turn: tokio::sync::Mutex::default(),
            listed: Mutex::new(listed),
            rooms: Mutex::default(),
            listing: Mutex::new(Allowance::of_session()),
            former: OnceLock::new(),
            inherited: OnceLock::new(),
        }
    }

    pub(crate) fn proven(&self) -> Epoch {
        self.proven.load(Ordering::Relaxed)
    }

    pub(crate) fn note_proven(&self, epoch: Epoch) {
        self.proven.store(epoch, Ordering::Relaxed);
    }

    /// The directory knows all that there was to tell: the node may give its lease back.
    pub(crate) fn note_told(&self) {
        self.listed.lock().take();
    }

    /// Of a room, as this node knew it when the session resumed here; 0 where it did not.
    pub(crate) fn inherited_revision(&self, room: &RoomId) -> u64 {
        let mut places = self.inherited.get().into_iter().flatten();
        let place = places.find(|place| place.room == *room);
        place.map_or(0, |place| place.revision)
    }

    /// Whether the directory may list it in that room.
    pub(crate) fn may_be_listed(&self, room: &RoomId) -> bool {
        self.rooms.lock().has(room)
    }

    /// What it told of itself in that room last, as far as this node knows.
    pub(crate) fn profile(&self, room: &RoomId) -> Option<Profile> {
        let rooms = self.rooms.lock();
        let mut listed = rooms.listed.iter();
        let (_, profile) = listed.find(|(known, _)| known == room)?;
        profile.clone()
    }

    /// It told this of itself in that room.
    pub(crate) fn note_room(&self, room: &RoomId, profile: Profile) {
        let listed = &mut self.rooms.lock().listed;
        match listed.iter_mut().find(|(known, _)| known == room) {
            Some((_, known)) => *known = Some(profile),
            None => listed.push((room.clone(), Some(profile))),
        }
    }

    /// It resumes here, and is to enter that room again. What it told of itself there is read then; until then it is not to
    /// be written again.
    pub(crate) fn note_resumed_room(&self, room: &RoomId) {
        let mut rooms = self.rooms.lock();
        if !rooms.has(room) {
            rooms.listed.push((room.clone(), None));
        }
    }

    pub(crate) fn forget_room(&self, room: &RoomId) {
        let mut rooms = self.rooms.lock();
        rooms.listed.retain(|(known, _)| known != room);
        rooms.undone.retain(|known| known != room);
    }

    /// The session is not in that room, which the directory may not know: what is left there is to be undone.
    pub(crate) fn note_undone(&self, room: &RoomId) {
        let mut rooms = self.rooms.lock();
        if rooms.has(room) && !rooms.undone.contains(room) {
            rooms.undone.push(room.clone());
        }
    }

    pub(crate) fn undone(&self) -> Vec<RoomId> {
        self.rooms.lock().undone.clone()
    }

    /// Where it is, or is to be again.
    pub(crate) fn kept_rooms(&self) -> Vec<RoomId> {
        let rooms = self.rooms.lock();
        let listed = rooms.listed.iter().map(|(room, _)| room);
        let kept = listed.filter(|room| !rooms.undone.contains(room));
        kept.cloned().collect()
    }

    /// Where the directory may list it.
    pub(crate) fn room_ids(&self) -> Vec<RoomId> {
        let rooms = self.rooms.lock();
        rooms.listed.iter().map(|(room, _)| room.clone()).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_a_room_that_is_to_be_entered_again_nothing_is_known_to_write() {
        let (state, room) = (DirectoryState::new(1, None), "r".parse().expect("a room"));
        state.note_resumed_room(&room);
        assert_eq!(state.kept_rooms(), std::slice::from_ref(&room));
        assert!(state.may_be_listed(&room));
        assert_eq!(
            state.profile(&room),
            None,
            "a member without a name would be written"
        );
        let profile = Profile {
            name: Some("Ada".into()),
            ..Profile::default()
        };
        state.note_room(&room, profile.clone());
        state.note_resumed_room(&room);
        assert_eq!(state.profile(&room), Some(profile));
        state.note_undone(&room);
        assert!(state.kept_rooms().is_empty() && state.may_be_listed(&room));
    }
}
