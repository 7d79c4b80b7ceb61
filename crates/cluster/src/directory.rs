//! Who is where: rooms and peers.
//!
//! Each call is one atomic step on one slot and idempotent by (peer, epoch), so that it may be repeated after an answer
//! was lost. What spans slots is a sequence of calls ([`presence`](crate::presence)) in an order that leaves, after a
//! crash in between, something that the reaper completes.

use async_trait::async_trait;
use switchboard_protocol::{NodeId, PeerId, RoomId, UserId};

use crate::bucket::Bucket;
use crate::record::{Epoch, Flags, PeerRecord, Profile, RosterSnapshot};

/// The truth of who is in which room.
#[async_trait]
pub trait Directory: Send + Sync + 'static {
    /// Enters a room, or creates it. A repeat with the same peer and epoch answers as the first did and changes nothing;
    /// a higher epoch takes over the member's place, and stays hidden or visible as that was.
    async fn join(&self, join: &JoinRequest) -> Result<JoinOutcome, DirectoryError>;

    /// Leaves a room. The last one out deletes the room and raises the bucket's revision to the room's.
    async fn leave(
        &self,
        room: &RoomId,
        peer: &PeerId,
        epoch: Epoch,
    ) -> Result<LeaveOutcome, DirectoryError>;

    /// Writes a member's profile anew. The same profile again changes nothing, the revision neither.
    async fn update(
        &self,
        room: &RoomId,
        peer: &PeerId,
        epoch: Epoch,
        profile: &Profile,
    ) -> Result<UpdateOutcome, DirectoryError>;

    /// The whole room; one that does not exist has revision 0 and no members.
    async fn roster(&self, room: &RoomId) -> Result<RosterSnapshot, DirectoryError>;

    /// Says that a bucket's contents are complete. Until then every call for a room there is
    /// [`DirectoryError::Forgotten`], reading too: a partial list is never taken for the whole.
    async fn open_bucket(&self, bucket: Bucket) -> Result<(), DirectoryError>;

    /// Writes down which node owns a session. A lower epoch than known is refused.
    async fn attach(
        &self,
        peer: &PeerId,
        epoch: Epoch,
        node: &NodeId,
        user: &UserId,
    ) -> Result<AttachOutcome, DirectoryError>;

    /// Adds (`wanted`) or removes a room of the peer's intended ones. False where the epoch is not the known one.
    async fn intend(
        &self,
        peer: &PeerId,
        epoch: Epoch,
        room: &RoomId,
        wanted: bool,
    ) -> Result<bool, DirectoryError>;

    /// What is known of a session.
    async fn peer(&self, peer: &PeerId) -> Result<Option<PeerRecord>, DirectoryError>;

    /// Deletes the peer's record unless a higher epoch owns it. True if it is gone now.
    async fn forget(&self, peer: &PeerId, epoch: Epoch) -> Result<bool, DirectoryError>;

    /// Counts a session for its user, unless that would be more than `sessions_max`. False: it was not counted.
    async fn admit(
        &self,
        user: &UserId,
        peer: &PeerId,
        node: &NodeId,
        sessions_max: u32,
    ) -> Result<bool, DirectoryError>;

    /// Counts it no more.
    async fn dismiss(&self, user: &UserId, peer: &PeerId) -> Result<(), DirectoryError>;

    /// Notes that `node` may own `peer`: what to clean up if it dies.
    async fn enlist(&self, node: &NodeId, peer: &PeerId) -> Result<(), DirectoryError>;

    /// Takes that note back.
    async fn delist(&self, node: &NodeId, peer: &PeerId) -> Result<(), DirectoryError>;

    /// Every peer noted for `node`, in no order.
    async fn enlisted(&self, node: &NodeId) -> Result<Vec<PeerId>, DirectoryError>;
}

/// What a join needs to know.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JoinRequest {
    /// Which room.
    pub room: RoomId,
    /// Who.
    pub peer: PeerId,
    /// Of its session.
    pub epoch: Epoch,
    /// The node that owns the session.
    pub node: NodeId,
    /// The identity behind it.
    pub user: UserId,
    /// Hidden members take no place, get no order and make nobody ready.
    pub flags: Flags,
    /// The room's capacity if this join creates it.
    pub capacity: u32,
    /// Whether this join may create the room.
    pub may_create: bool,
    /// What the peer tells of itself.
    pub profile: Profile,
}

/// What became of a join.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum JoinOutcome {
    /// It is in. The snapshot includes it; where `ready == revision`, this join took the room from one to two.
    Joined(RosterSnapshot),
    /// As many visible members as it may have.
    Full {
        /// That many.
        capacity: u32,
    },
    /// It does not exist, and the join may not create it.
    NoSuchRoom,
    /// A higher epoch of the same peer is in the room.
    Stale {
        /// That one.
        known: Epoch,
    },
}

/// What became of a leave.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LeaveOutcome {
    /// False: the peer was not in the room, or is there with a higher epoch.
    pub changed: bool,
    /// Of the roster now; of a deleted room, its last.
    pub revision: u64,
    /// The nodes of those who are still in, each once.
    pub nodes: Vec<NodeId>,
}

/// What became of an update.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum UpdateOutcome {
    /// Written.
    Updated {
        /// False: the member had this profile already, and the revision may be somebody else's step.
        changed: bool,
        /// Of the roster now.
        revision: u64,
        /// The nodes of all members, each once.
        nodes: Vec<NodeId>,
    },
    /// The peer is not in the room with this epoch.
    NotAMember,
}

/// What became of an attach.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AttachOutcome {
    /// The session is this node's now.
    Attached {
        /// Whose it was before, if it was another epoch's.
        former: Option<(NodeId, Epoch)>,
    },
    /// A higher epoch, or the same on another node, owns it.
    Stale {
        /// That one.
        known: Epoch,
    },
}

/// Why a call could not be carried out.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DirectoryError {
    /// No answer. Whether the call took effect is unknown; it may be repeated.
    #[error("the directory cannot be reached: {0}")]
    Unavailable(String),
    /// The room's bucket lost its contents and is being filled again.
    #[error("the directory lost this part of its memory and is being filled again")]
    Forgotten,
    /// An entry that this version does not understand.
    #[error("the directory holds something unreadable: {0}")]
    Corrupt(String),
}
