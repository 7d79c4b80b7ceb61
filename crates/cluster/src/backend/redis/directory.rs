//! The directory's calls; what each does is in [`rooms`](super::rooms) and [`peers`](super::peers).

use std::sync::Arc;

use async_trait::async_trait;
use switchboard_protocol::{NodeId, PeerId, RoomId, UserId};

use super::commands::Commands;
use super::failure::Failure;
use super::keys::Keys;
use crate::backend::bucket::Bucket;
use crate::backend::directory::{
    AssertMember, AssertOutcome, AssertPeerOutcome, Attach, AttachOutcome, Directory,
    DirectoryError, JoinOutcome, JoinRequest, LeaveOutcome, Presence, Rename, RenameOutcome,
    Sighting, TakeOver, TakeOverOutcome, UpdateOutcome, Whom,
};
use crate::backend::record::{Epoch, PeerRecord, Profile, RosterSnapshot};
use crate::observe::about::About;
use crate::observe::unreadable::Unreadable;

/// Rooms and peers on Redis.
pub(super) struct RedisDirectory {
    pub(super) commands: Commands,
    pub(super) keys: Keys,
    pub(super) unreadable: Arc<Unreadable>,
}

#[async_trait]
impl Directory for RedisDirectory {
    async fn join(&self, join: &JoinRequest) -> Result<JoinOutcome, DirectoryError> {
        told(
            self.join_room(join).await,
            About::session(&join.peer).in_room(&join.room),
        )
    }

    async fn leave(
        &self,
        room: &RoomId,
        peer: &PeerId,
        epoch: Epoch,
    ) -> Result<LeaveOutcome, DirectoryError> {
        told(
            self.leave_room(room, peer, epoch, None).await,
            About::session(peer).in_room(room),
        )
    }

    async fn leave_kept(
        &self,
        room: &RoomId,
        peer: &PeerId,
        epoch: Epoch,
        keeper: &NodeId,
    ) -> Result<LeaveOutcome, DirectoryError> {
        told(
            self.leave_room(room, peer, epoch, Some(keeper)).await,
            About::session(peer).in_room(room),
        )
    }

    async fn update(
        &self,
        room: &RoomId,
        peer: &PeerId,
        epoch: Epoch,
        profile: &Profile,
    ) -> Result<UpdateOutcome, DirectoryError> {
        told(
            self.update_member(room, peer, epoch, profile).await,
            About::session(peer).in_room(room),
        )
    }

    async fn roster(&self, room: &RoomId) -> Result<RosterSnapshot, DirectoryError> {
        told(self.read_room(room).await, About::room(room))
    }

    async fn look_up(&self, room: &RoomId, whom: &Whom) -> Result<Sighting, DirectoryError> {
        told(self.look_up_member(room, whom).await, About::room(room))
    }

    async fn open_bucket(&self, bucket: Bucket) -> Result<(), DirectoryError> {
        told(self.mark_alive(bucket).await, About::default())
    }

    async fn rename(&self, rename: &Rename) -> Result<RenameOutcome, DirectoryError> {
        told(
            self.rename_member(rename).await,
            About::session(&rename.peer).in_room(&rename.room),
        )
    }

    async fn take_over(&self, wish: &TakeOver) -> Result<TakeOverOutcome, DirectoryError> {
        told(
            self.take_over_member(wish).await,
            About::session(&wish.peer).in_room(&wish.room),
        )
    }

    async fn assert_member(&self, assert: &AssertMember) -> Result<AssertOutcome, DirectoryError> {
        told(
            self.assert_room_member(assert).await,
            About::session(&assert.member.peer).in_room(&assert.room),
        )
    }

    async fn close_buckets(&self) -> Result<(), DirectoryError> {
        told(self.delete_markers().await, About::default())
    }

    async fn closed_buckets(&self) -> Result<Vec<Bucket>, DirectoryError> {
        told(self.read_closed_buckets().await, About::default())
    }

    async fn attach(&self, attach: &Attach) -> Result<AttachOutcome, DirectoryError> {
        told(self.attach_peer(attach).await, About::session(&attach.peer))
    }

    async fn prove(&self, peer: &PeerId, epoch: Epoch) -> Result<bool, DirectoryError> {
        told(self.prove_peer(peer, epoch).await, About::session(peer))
    }

    async fn hand_over(
        &self,
        peer: &PeerId,
        epoch: Epoch,
        from: &NodeId,
        to: &NodeId,
    ) -> Result<bool, DirectoryError> {
        told(
            self.hand_over_peer(peer, epoch, from, to).await,
            About::session(peer),
        )
    }

    async fn assert_peer(&self, record: &PeerRecord) -> Result<AssertPeerOutcome, DirectoryError> {
        told(
            self.assert_peer_record(record).await,
            About::session(&record.peer),
        )
    }

    async fn intend(
        &self,
        peer: &PeerId,
        epoch: Epoch,
        room: &RoomId,
        wanted: bool,
    ) -> Result<bool, DirectoryError> {
        told(
            self.intend_room(peer, epoch, room, wanted).await,
            About::session(peer).in_room(room),
        )
    }

    async fn note_away(
        &self,
        peer: &PeerId,
        epoch: Epoch,
        node: &NodeId,
    ) -> Result<bool, DirectoryError> {
        told(
            self.note_peer_away(peer, epoch, node).await,
            About::session(peer),
        )
    }

    async fn presence(&self, peer: &PeerId) -> Result<Presence, DirectoryError> {
        told(self.read_presence(peer).await, About::session(peer))
    }

    async fn evict(
        &self,
        peer: &PeerId,
        epoch: Epoch,
        node: &NodeId,
    ) -> Result<Option<NodeId>, DirectoryError> {
        told(
            self.evict_peer(peer, epoch, node).await,
            About::session(peer),
        )
    }

    async fn peer(&self, peer: &PeerId) -> Result<Option<PeerRecord>, DirectoryError> {
        told(self.read_peer(peer).await, About::session(peer))
    }

    async fn forget(&self, peer: &PeerId, epoch: Epoch) -> Result<bool, DirectoryError> {
        told(self.forget_peer(peer, epoch).await, About::session(peer))
    }

    async fn admit(
        &self,
        user: &UserId,
        peer: &PeerId,
        node: &NodeId,
        sessions_max: u32,
    ) -> Result<bool, DirectoryError> {
        told(
            self.admit_session(user, peer, node, sessions_max).await,
            About::session(peer),
        )
    }

    async fn user_sessions(&self, user: &UserId) -> Result<Vec<PeerId>, DirectoryError> {
        told(self.read_user_sessions(user).await, About::default())
    }

    async fn dismiss(&self, user: &UserId, peer: &PeerId) -> Result<(), DirectoryError> {
        told(self.dismiss_session(user, peer).await, About::session(peer))
    }

    async fn enlist(&self, node: &NodeId, peer: &PeerId) -> Result<(), DirectoryError> {
        told(self.enlist_peer(node, peer).await, About::session(peer))
    }

    async fn delist(&self, node: &NodeId, peer: &PeerId) -> Result<(), DirectoryError> {
        told(self.delist_peer(node, peer).await, About::session(peer))
    }

    async fn enlisted(&self, node: &NodeId) -> Result<Vec<PeerId>, DirectoryError> {
        told(self.read_enlisted(node).await, About::node(node))
    }
}

/// What failed, with whom it was about.
fn told<T>(answer: Result<T, Failure>, about: About<'_>) -> Result<T, DirectoryError> {
    answer.map_err(|failure| {
        let error = DirectoryError::from(failure);
        tracing::debug!(
            session.id = about.session,
            room.id = about.room,
            node.id = about.node,
            %error,
            "the directory did not do as asked"
        );
        error
    })
}
