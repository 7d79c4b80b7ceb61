//! Rooms by bucket: the rules of the scripts in `redis/scripts/room_*.lua`, in Rust.

use std::collections::HashMap;

use async_trait::async_trait;
use switchboard_protocol::{NodeId, PeerId, RoomId};

use super::Store;
use super::room::Room;
use crate::backend::bucket::Bucket;
use crate::backend::directory::{
    AssertMember, AssertOutcome, BucketDirectory, DirectoryError, JoinOutcome, JoinRequest,
    LeaveOutcome, PeerOrName, Rename, RenameOutcome, RoomDirectory, Sighting, TakeOver,
    TakeOverOutcome, UpdateOutcome,
};
use crate::backend::record::{Epoch, Profile, RosterSnapshot};
use crate::sabotage::{Guard, is_out};

/// The buckets. One that is missing was forgotten, and no node has asserted anything there yet.
#[derive(Clone, Default)]
pub(super) struct Rooms(HashMap<Bucket, Contents>);

#[derive(Clone, Default)]
struct Contents {
    /// Whether they are complete.
    open: bool,
    rooms: HashMap<RoomId, Room>,
    /// Where new rooms start: the highest last revision of a deleted one.
    revision: u64,
}

impl Rooms {
    /// Nothing forgotten.
    pub(super) fn open() -> Self {
        Self(
            Bucket::all()
                .map(|bucket| {
                    let contents = Contents {
                        open: true,
                        ..Contents::default()
                    };
                    (bucket, contents)
                })
                .collect(),
        )
    }

    pub(super) fn closed_buckets(&self) -> Vec<Bucket> {
        let is_open = |bucket: &Bucket| self.0.get(bucket).is_some_and(|contents| contents.open);
        Bucket::all().filter(|bucket| !is_open(bucket)).collect()
    }

    fn bucket(&mut self, room: &RoomId) -> Result<&mut Contents, DirectoryError> {
        let bucket = self.0.get_mut(&Bucket::of(room));
        bucket
            .filter(|contents| contents.open || is_out(Guard::BucketMarker))
            .ok_or(DirectoryError::Forgotten)
    }
}

#[async_trait]
impl RoomDirectory for Store {
    async fn join(&self, join: &JoinRequest) -> Result<JoinOutcome, DirectoryError> {
        Ok(self.rooms.lock().bucket(&join.room)?.join(join))
    }

    async fn leave(
        &self,
        room: &RoomId,
        peer: &PeerId,
        epoch: Epoch,
    ) -> Result<LeaveOutcome, DirectoryError> {
        let mut rooms = self.rooms.lock();
        Ok(rooms.bucket(room)?.leave(room, peer, epoch, None))
    }

    async fn leave_kept(
        &self,
        room: &RoomId,
        peer: &PeerId,
        epoch: Epoch,
        keeper: &NodeId,
    ) -> Result<LeaveOutcome, DirectoryError> {
        let mut rooms = self.rooms.lock();
        Ok(rooms.bucket(room)?.leave(room, peer, epoch, Some(keeper)))
    }

    async fn update(
        &self,
        room: &RoomId,
        peer: &PeerId,
        epoch: Epoch,
        profile: &Profile,
    ) -> Result<UpdateOutcome, DirectoryError> {
        let mut rooms = self.rooms.lock();
        let room = rooms.bucket(room)?.rooms.get_mut(room);
        Ok(room
            .and_then(|room| room.update(peer, epoch, profile))
            .unwrap_or(UpdateOutcome::NotAMember))
    }

    async fn rename(&self, rename: &Rename) -> Result<RenameOutcome, DirectoryError> {
        let mut rooms = self.rooms.lock();
        let room = rooms.bucket(&rename.room)?.rooms.get_mut(&rename.room);
        Ok(room.map_or(RenameOutcome::NotAMember, |room| room.rename(rename)))
    }

    async fn take_over(&self, wish: &TakeOver) -> Result<TakeOverOutcome, DirectoryError> {
        let mut rooms = self.rooms.lock();
        let room = rooms.bucket(&wish.room)?.rooms.get_mut(&wish.room);
        Ok(room.map_or(TakeOverOutcome::NotAMember, |room| room.take_over(wish)))
    }

    async fn assert_member(&self, assert: &AssertMember) -> Result<AssertOutcome, DirectoryError> {
        let mut rooms = self.rooms.lock();
        let bucket = rooms.0.entry(Bucket::of(&assert.room)).or_default();
        Ok(bucket.assert_member(assert))
    }

    async fn roster(&self, room: &RoomId) -> Result<RosterSnapshot, DirectoryError> {
        let mut rooms = self.rooms.lock();
        let room = rooms.bucket(room)?.rooms.get(room);
        Ok(room.map(Room::snapshot).unwrap_or_default())
    }

    async fn look_up(
        &self,
        room: &RoomId,
        wanted: &PeerOrName,
    ) -> Result<Sighting, DirectoryError> {
        let mut rooms = self.rooms.lock();
        let room = rooms.bucket(room)?.rooms.get(room);
        let nobody = Sighting {
            revision: 0,
            member: None,
        };
        Ok(room.map_or(nobody, |room| room.look_up(wanted)))
    }
}

#[async_trait]
impl BucketDirectory for Store {
    async fn open_bucket(&self, bucket: Bucket) -> Result<(), DirectoryError> {
        self.rooms.lock().0.entry(bucket).or_default().open = true;
        Ok(())
    }

    async fn close_buckets(&self) -> Result<(), DirectoryError> {
        let mut rooms = self.rooms.lock();
        rooms.0.values_mut().for_each(|bucket| bucket.open = false);
        Ok(())
    }

    async fn closed_buckets(&self) -> Result<Vec<Bucket>, DirectoryError> {
        Ok(self.rooms.lock().closed_buckets())
    }
}

impl Contents {
    fn join(&mut self, join: &JoinRequest) -> JoinOutcome {
        if let Some(room) = self.rooms.get_mut(&join.room) {
            return room.join(join);
        }
        if !join.may_create {
            return JoinOutcome::NoSuchRoom;
        }
        let mut room = Room::new(self.revision, join.capacity);
        let outcome = room.join(join);
        if !room.is_empty() {
            self.rooms.insert(join.room.clone(), room);
        }
        outcome
    }

    fn leave(
        &mut self,
        id: &RoomId,
        peer: &PeerId,
        epoch: Epoch,
        keeper: Option<&NodeId>,
    ) -> LeaveOutcome {
        let Some(room) = self.rooms.get_mut(id) else {
            return LeaveOutcome {
                changed: false,
                revision: 0,
                nodes: Vec::new(),
            };
        };
        let outcome = room.leave(peer, epoch, keeper);
        if room.is_empty() {
            self.revision = self.revision.max(outcome.revision);
            self.rooms.remove(id);
        }
        outcome
    }

    fn assert_member(&mut self, assert: &AssertMember) -> AssertOutcome {
        let floor = self.revision;
        let room = self
            .rooms
            .entry(assert.room.clone())
            .or_insert_with(|| Room::new(floor, assert.capacity));
        let outcome = room.assert_member(assert);
        if let AssertOutcome::Restored { behind: true, .. } = outcome {
            self.open = false;
        }
        outcome
    }
}
