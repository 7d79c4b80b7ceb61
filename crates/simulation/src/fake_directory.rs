//! A directory at the other end of a [`Path`].

use std::sync::Arc;

use async_trait::async_trait;
use switchboard_cluster::bucket::Bucket;
use switchboard_cluster::directory::{
    AssertMember, AssertOutcome, AssertPeerOutcome, Attach, AttachOutcome, JoinOutcome,
    JoinRequest, LeaveOutcome, Presence, Rename, RenameOutcome, Sighting, TakeOver,
    TakeOverOutcome, UpdateOutcome, Whom,
};
use switchboard_cluster::record::{Epoch, PeerRecord, Profile, RosterSnapshot};
use switchboard_cluster::{Directory, DirectoryError};
use switchboard_protocol::{NodeId, PeerId, RoomId, UserId};

use crate::path::Path;

/// What one node has instead of the directory itself.
pub(crate) struct FakeDirectory {
    path: Arc<Path>,
    inner: Arc<dyn Directory>,
}

impl FakeDirectory {
    pub(crate) fn new(path: Arc<Path>, inner: Arc<dyn Directory>) -> Self {
        Self { path, inner }
    }

    async fn ask<T: Send + 'static>(
        &self,
        command: impl Future<Output = Result<T, DirectoryError>> + Send + 'static,
    ) -> Result<T, DirectoryError> {
        let answer = self.path.ask(command).await;
        answer.unwrap_or_else(|_| Err(DirectoryError::Unavailable("no answer".into())))
    }
}

/// Each call with arguments of its own: it may take effect when its caller has given up.
macro_rules! calls {
    ($($name:ident($($argument:ident: $(&$lent:ident)? $($given:ident)?),*) -> $outcome:ty;)*) => {
        #[async_trait]
        impl Directory for FakeDirectory {$(
            async fn $name(
                &self,
                $($argument: $(&$lent)? $($given)?),*
            ) -> Result<$outcome, DirectoryError> {
                let inner = self.inner.clone();
                $(let $argument = $argument.to_owned();)*
                self.ask(async move { inner.$name($(calls!(@ $argument $(&$lent)?)),*).await }).await
            }
        )*}
    };
    (@ $argument:ident &$lent:ident) => { &$argument };
    (@ $argument:ident) => { $argument };
}

calls! {
    join(join: &JoinRequest) -> JoinOutcome;
    leave(room: &RoomId, peer: &PeerId, epoch: Epoch) -> LeaveOutcome;
    leave_kept(room: &RoomId, peer: &PeerId, epoch: Epoch, keeper: &NodeId) -> LeaveOutcome;
    update(room: &RoomId, peer: &PeerId, epoch: Epoch, profile: &Profile) -> UpdateOutcome;
    rename(rename: &Rename) -> RenameOutcome;
    take_over(wish: &TakeOver) -> TakeOverOutcome;
    assert_member(assert: &AssertMember) -> AssertOutcome;
    roster(room: &RoomId) -> RosterSnapshot;
    look_up(room: &RoomId, whom: &Whom) -> Sighting;
    open_bucket(bucket: Bucket) -> ();
    close_buckets() -> ();
    closed_buckets() -> Vec<Bucket>;
    attach(attach: &Attach) -> AttachOutcome;
    prove(peer: &PeerId, epoch: Epoch) -> bool;
    hand_over(peer: &PeerId, epoch: Epoch, from: &NodeId, to: &NodeId) -> bool;
    assert_peer(record: &PeerRecord) -> AssertPeerOutcome;
    intend(peer: &PeerId, epoch: Epoch, room: &RoomId, wanted: bool) -> bool;
    note_away(peer: &PeerId, epoch: Epoch, node: &NodeId) -> bool;
    presence(peer: &PeerId) -> Presence;
    evict(peer: &PeerId, epoch: Epoch, node: &NodeId) -> Option<NodeId>;
    peer(peer: &PeerId) -> Option<PeerRecord>;
    forget(peer: &PeerId, epoch: Epoch) -> bool;
    admit(user: &UserId, peer: &PeerId, node: &NodeId, sessions_max: u32) -> bool;
    user_sessions(user: &UserId) -> Vec<PeerId>;
    dismiss(user: &UserId, peer: &PeerId) -> ();
    enlist(node: &NodeId, peer: &PeerId) -> ();
    delist(node: &NodeId, peer: &PeerId) -> ();
    enlisted(node: &NodeId) -> Vec<PeerId>;
}
