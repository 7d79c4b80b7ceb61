//! Rooms by bucket: the rules of the scripts in `redis/scripts/room_*.lua`, in Rust.

use std::collections::HashMap;

use switchboard_protocol::{PeerId, RoomId};

use super::room::Room;
use crate::bucket::Bucket;
use crate::directory::{DirectoryError, JoinOutcome, JoinRequest, LeaveOutcome, UpdateOutcome};
use crate::record::{Epoch, Profile, RosterSnapshot};

/// Every bucket that is open. One that is missing was forgotten.
#[derive(Default)]
pub(super) struct Rooms(HashMap<Bucket, OpenBucket>);

#[derive(Default)]
struct OpenBucket {
    rooms: HashMap<RoomId, Room>,
    /// Where new rooms start: the highest last revision of a deleted one.
    revision: u64,
}

impl Rooms {
    /// Nothing forgotten.
    pub(super) fn open() -> Self {
        Self(
            Bucket::all()
                .map(|bucket| (bucket, OpenBucket::default()))
                .collect(),
        )
    }

    pub(super) fn open_bucket(&mut self, bucket: Bucket) {
        self.0.entry(bucket).or_default();
    }

    pub(super) fn join(&mut self, join: &JoinRequest) -> Result<JoinOutcome, DirectoryError> {
        Ok(self.bucket(&join.room)?.join(join))
    }

    pub(super) fn leave(
        &mut self,
        room: &RoomId,
        peer: &PeerId,
        epoch: Epoch,
    ) -> Result<LeaveOutcome, DirectoryError> {
        Ok(self.bucket(room)?.leave(room, peer, epoch))
    }

    pub(super) fn update(
        &mut self,
        room: &RoomId,
        peer: &PeerId,
        epoch: Epoch,
        profile: &Profile,
    ) -> Result<UpdateOutcome, DirectoryError> {
        let room = self.bucket(room)?.rooms.get_mut(room);
        Ok(room
            .and_then(|room| room.update(peer, epoch, profile))
            .unwrap_or(UpdateOutcome::NotAMember))
    }

    pub(super) fn roster(&mut self, room: &RoomId) -> Result<RosterSnapshot, DirectoryError> {
        Ok(self
            .bucket(room)?
            .rooms
            .get(room)
            .map(Room::snapshot)
            .unwrap_or_default())
    }

    fn bucket(&mut self, room: &RoomId) -> Result<&mut OpenBucket, DirectoryError> {
        self.0
            .get_mut(&Bucket::of(room))
            .ok_or(DirectoryError::Forgotten)
    }
}

impl OpenBucket {
    fn join(&mut self, join: &JoinRequest) -> JoinOutcome {
        if let Some(room) = self.rooms.get_mut(&join.room) {
            return room.join(join);
        }
        if !join.may_create {
            return JoinOutcome::NoSuchRoom;
        }
        let mut room = Room::new(self.revision, join.capacity);
        let outcome = room.join(join);
        if matches!(outcome, JoinOutcome::Joined(_)) {
            self.rooms.insert(join.room.clone(), room);
        }
        outcome
    }

    fn leave(&mut self, id: &RoomId, peer: &PeerId, epoch: Epoch) -> LeaveOutcome {
        let Some(room) = self.rooms.get_mut(id) else {
            return LeaveOutcome {
                changed: false,
                revision: 0,
                nodes: Vec::new(),
            };
        };
        let outcome = room.leave(peer, epoch);
        if room.is_empty() {
            self.revision = self.revision.max(outcome.revision);
            self.rooms.remove(id);
        }
        outcome
    }
}
