//! The directory's calls, each under one lock.

use async_trait::async_trait;
use switchboard_protocol::{NodeId, PeerId, RoomId, UserId};

use super::Store;
use crate::backend::bucket::Bucket;
use crate::backend::directory::{
    AssertMember, AssertOutcome, AssertPeerOutcome, Attach, AttachOutcome, Directory,
    DirectoryError, JoinOutcome, JoinRequest, LeaveOutcome, Presence, Rename, RenameOutcome,
    Sighting, TakeOver, TakeOverOutcome, UpdateOutcome, Whom,
};
use crate::backend::record::{Epoch, PeerRecord, Profile, RosterSnapshot};

#[async_trait]
impl Directory for Store {
    async fn join(&self, join: &JoinRequest) -> Result<JoinOutcome, DirectoryError> {
        self.rooms.lock().join(join)
    }

    async fn leave(
        &self,
        room: &RoomId,
        peer: &PeerId,
        epoch: Epoch,
    ) -> Result<LeaveOutcome, DirectoryError> {
        self.rooms.lock().leave(room, peer, epoch, None)
    }

    async fn leave_kept(
        &self,
        room: &RoomId,
        peer: &PeerId,
        epoch: Epoch,
        keeper: &NodeId,
    ) -> Result<LeaveOutcome, DirectoryError> {
        self.rooms.lock().leave(room, peer, epoch, Some(keeper))
    }

    async fn update(
        &self,
        room: &RoomId,
        peer: &PeerId,
        epoch: Epoch,
        profile: &Profile,
    ) -> Result<UpdateOutcome, DirectoryError> {
        self.rooms.lock().update(room, peer, epoch, profile)
    }

    async fn rename(&self, rename: &Rename) -> Result<RenameOutcome, DirectoryError> {
        self.rooms.lock().rename(rename)
    }

    async fn take_over(&self, wish: &TakeOver) -> Result<TakeOverOutcome, DirectoryError> {
        self.rooms.lock().take_over(wish)
    }

    async fn assert_member(&self, assert: &AssertMember) -> Result<AssertOutcome, DirectoryError> {
        Ok(self.rooms.lock().assert_member(assert))
    }

    async fn roster(&self, room: &RoomId) -> Result<RosterSnapshot, DirectoryError> {
        self.rooms.lock().roster(room)
    }

    async fn look_up(&self, room: &RoomId, whom: &Whom) -> Result<Sighting, DirectoryError> {
        self.rooms.lock().look_up(room, whom)
    }

    async fn open_bucket(&self, bucket: Bucket) -> Result<(), DirectoryError> {
        self.rooms.lock().open_bucket(bucket);
        Ok(())
    }

    async fn close_buckets(&self) -> Result<(), DirectoryError> {
        self.rooms.lock().close_buckets();
        Ok(())
    }

    async fn closed_buckets(&self) -> Result<Vec<Bucket>, DirectoryError> {
        Ok(self.rooms.lock().closed_buckets())
    }

    async fn attach(&self, attach: &Attach) -> Result<AttachOutcome, DirectoryError> {
        let outcome = self.peers.lock().attach(attach);
        let forgotten = || !self.rooms.lock().closed_buckets().is_empty();
        if outcome == AttachOutcome::Unknown && forgotten() {
            return Err(DirectoryError::Forgotten);
        }
        Ok(outcome)
    }

    async fn prove(&self, peer: &PeerId, epoch: Epoch) -> Result<bool, DirectoryError> {
        Ok(self.peers.lock().prove(peer, epoch))
    }

    async fn hand_over(
        &self,
        peer: &PeerId,
        epoch: Epoch,
        from: &NodeId,
        to: &NodeId,
    ) -> Result<bool, DirectoryError> {
        Ok(self.peers.lock().hand_over(peer, epoch, from, to))
    }

    async fn assert_peer(&self, record: &PeerRecord) -> Result<AssertPeerOutcome, DirectoryError> {
        Ok(self.peers.lock().assert(record))
    }

    async fn intend(
        &self,
        peer: &PeerId,
        epoch: Epoch,
        room: &RoomId,
        wanted: bool,
    ) -> Result<bool, DirectoryError> {
        Ok(self.peers.lock().intend(peer, epoch, room, wanted))
    }

    async fn note_away(
        &self,
        peer: &PeerId,
        epoch: Epoch,
        node: &NodeId,
    ) -> Result<bool, DirectoryError> {
        Ok(self.peers.lock().note_away(peer, epoch, node))
    }

    async fn presence(&self, peer: &PeerId) -> Result<Presence, DirectoryError> {
        Ok(self.peers.lock().presence(peer))
    }

    async fn evict(
        &self,
        peer: &PeerId,
        epoch: Epoch,
        node: &NodeId,
    ) -> Result<Option<NodeId>, DirectoryError> {
        Ok(self.peers.lock().evict(peer, epoch, node))
    }

    async fn peer(&self, peer: &PeerId) -> Result<Option<PeerRecord>, DirectoryError> {
        Ok(self.peers.lock().get(peer))
    }

    async fn forget(&self, peer: &PeerId, epoch: Epoch) -> Result<bool, DirectoryError> {
        Ok(self.peers.lock().forget(peer, epoch))
    }

    async fn admit(
        &self,
        user: &UserId,
        peer: &PeerId,
        node: &NodeId,
        sessions_max: u32,
    ) -> Result<bool, DirectoryError> {
        Ok(self.peers.lock().admit(user, peer, node, sessions_max))
    }

    async fn user_sessions(&self, user: &UserId) -> Result<Vec<PeerId>, DirectoryError> {
        Ok(self.peers.lock().of_user(user))
    }

    async fn dismiss(&self, user: &UserId, peer: &PeerId) -> Result<(), DirectoryError> {
        self.peers.lock().dismiss(user, peer);
        Ok(())
    }

    async fn enlist(&self, node: &NodeId, peer: &PeerId) -> Result<(), DirectoryError> {
        self.peers.lock().enlist(node, peer);
        Ok(())
    }

    async fn delist(&self, node: &NodeId, peer: &PeerId) -> Result<(), DirectoryError> {
        self.peers.lock().delist(node, peer);
        Ok(())
    }

    async fn enlisted(&self, node: &NodeId) -> Result<Vec<PeerId>, DirectoryError> {
        Ok(self.peers.lock().enlisted(node))
    }
}
