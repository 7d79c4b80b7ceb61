//! The directory's calls; what each does is in [`rooms`](super::rooms) and [`peers`](super::peers).

use std::sync::Arc;

use async_trait::async_trait;
use switchboard_protocol::{NodeId, PeerId, RoomId, UserId};

use super::commands::Commands;
use super::keys::Keys;
use crate::bucket::Bucket;
use crate::directory::{
    AssertMember, AssertOutcome, AssertPeerOutcome, Attach, AttachOutcome, Directory,
    DirectoryError, JoinOutcome, JoinRequest, LeaveOutcome, Presence, Rename, RenameOutcome,
    Sighting, TakeOver, TakeOverOutcome, UpdateOutcome, Whom,
};
use crate::record::{Epoch, PeerRecord, Profile, RosterSnapshot};
use crate::unreadable::Unreadable;

/// Rooms and peers on Redis.
pub(super) struct RedisDirectory {
    pub(super) commands: Commands,
    pub(super) keys: Keys,
    pub(super) unreadable: Arc<Unreadable>,
}

#[async_trait]
impl Directory for RedisDirectory {
    async fn join(&self, join: &JoinRequest) -> Result<JoinOutcome, DirectoryError> {
        Ok(self.join_room(join).await?)
    }

    async fn leave(
        &self,
        room: &RoomId,
        peer: &PeerId,
        epoch: Epoch,
    ) -> Result<LeaveOutcome, DirectoryError> {
        Ok(self.leave_room(room, peer, epoch, None).await?)
    }

    async fn leave_kept(
        &self,
        room: &RoomId,
        peer: &PeerId,
        epoch: Epoch,
        keeper: &NodeId,
    ) -> Result<LeaveOutcome, DirectoryError> {
        Ok(self.leave_room(room, peer, epoch, Some(keeper)).await?)
    }

    async fn update(
        &self,
        room: &RoomId,
        peer: &PeerId,
        epoch: Epoch,
        profile: &Profile,
    ) -> Result<UpdateOutcome, DirectoryError> {
        Ok(self.update_member(room, peer, epoch, profile).await?)
    }

    async fn roster(&self, room: &RoomId) -> Result<RosterSnapshot, DirectoryError> {
        Ok(self.read_room(room).await?)
    }

    async fn look_up(&self, room: &RoomId, whom: &Whom) -> Result<Sighting, DirectoryError> {
        Ok(self.look_up_member(room, whom).await?)
    }

    async fn open_bucket(&self, bucket: Bucket) -> Result<(), DirectoryError> {
        Ok(self.mark_alive(bucket).await?)
    }

    async fn rename(&self, rename: &Rename) -> Result<RenameOutcome, DirectoryError> {
        Ok(self.rename_member(rename).await?)
    }

    async fn take_over(&self, wish: &TakeOver) -> Result<TakeOverOutcome, DirectoryError> {
        Ok(self.take_over_member(wish).await?)
    }

    async fn assert_member(&self, assert: &AssertMember) -> Result<AssertOutcome, DirectoryError> {
        Ok(self.assert_room_member(assert).await?)
    }

    async fn close_buckets(&self) -> Result<(), DirectoryError> {
        Ok(self.delete_markers().await?)
    }

    async fn closed_buckets(&self) -> Result<Vec<Bucket>, DirectoryError> {
        Ok(self.read_closed_buckets().await?)
    }

    async fn attach(&self, attach: &Attach) -> Result<AttachOutcome, DirectoryError> {
        Ok(self.attach_peer(attach).await?)
    }

    async fn prove(&self, peer: &PeerId, epoch: Epoch) -> Result<bool, DirectoryError> {
        Ok(self.prove_peer(peer, epoch).await?)
    }

    async fn hand_over(
        &self,
        peer: &PeerId,
        epoch: Epoch,
        from: &NodeId,
        to: &NodeId,
    ) -> Result<bool, DirectoryError> {
        Ok(self.hand_over_peer(peer, epoch, from, to).await?)
    }

    async fn assert_peer(&self, record: &PeerRecord) -> Result<AssertPeerOutcome, DirectoryError> {
        Ok(self.assert_peer_record(record).await?)
    }

    async fn intend(
        &self,
        peer: &PeerId,
        epoch: Epoch,
        room: &RoomId,
        wanted: bool,
    ) -> Result<bool, DirectoryError> {
        Ok(self.intend_room(peer, epoch, room, wanted).await?)
    }

    async fn note_away(
        &self,
        peer: &PeerId,
        epoch: Epoch,
        node: &NodeId,
    ) -> Result<bool, DirectoryError> {
        Ok(self.note_peer_away(peer, epoch, node).await?)
    }

    async fn presence(&self, peer: &PeerId) -> Result<Presence, DirectoryError> {
        Ok(self.read_presence(peer).await?)
    }

    async fn evict(
        &self,
        peer: &PeerId,
        epoch: Epoch,
        node: &NodeId,
    ) -> Result<Option<NodeId>, DirectoryError> {
        Ok(self.evict_peer(peer, epoch, node).await?)
    }

    async fn peer(&self, peer: &PeerId) -> Result<Option<PeerRecord>, DirectoryError> {
        Ok(self.read_peer(peer).await?)
    }

    async fn forget(&self, peer: &PeerId, epoch: Epoch) -> Result<bool, DirectoryError> {
        Ok(self.forget_peer(peer, epoch).await?)
    }

    async fn admit(
        &self,
        user: &UserId,
        peer: &PeerId,
        node: &NodeId,
        sessions_max: u32,
    ) -> Result<bool, DirectoryError> {
        Ok(self.admit_session(user, peer, node, sessions_max).await?)
    }

    async fn user_sessions(&self, user: &UserId) -> Result<Vec<PeerId>, DirectoryError> {
        Ok(self.read_user_sessions(user).await?)
    }

    async fn dismiss(&self, user: &UserId, peer: &PeerId) -> Result<(), DirectoryError> {
        Ok(self.dismiss_session(user, peer).await?)
    }

    async fn enlist(&self, node: &NodeId, peer: &PeerId) -> Result<(), DirectoryError> {
        Ok(self.enlist_peer(node, peer).await?)
    }

    async fn delist(&self, node: &NodeId, peer: &PeerId) -> Result<(), DirectoryError> {
        Ok(self.delist_peer(node, peer).await?)
    }

    async fn enlisted(&self, node: &NodeId) -> Result<Vec<PeerId>, DirectoryError> {
        Ok(self.read_enlisted(node).await?)
    }
}
