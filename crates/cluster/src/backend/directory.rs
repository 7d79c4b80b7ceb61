//! Who is where: rooms and peers.
//!
//! Each call is one atomic step on one slot and idempotent by (peer, epoch), so that it may be repeated after an answer
//! was lost. What spans slots is a sequence of calls ([`presence`](crate::sessions::attach)) in an order that leaves, after a
//! crash in between, something that the reaper or an assert completes.

use std::sync::Arc;

use async_trait::async_trait;
use switchboard_protocol::{NodeId, PeerId, RoomId, UserId};

use crate::backend::bucket::Bucket;
use crate::backend::record::{Epoch, Flags, MemberRecord, PeerRecord, Profile, RosterSnapshot};

/// The truth of who is in which room.
#[async_trait]
pub trait Directory: Send + Sync + 'static {
    /// Enters a room, or creates it. A repeat with the same peer and epoch answers as the first did and changes nothing;
    /// a higher epoch takes over the member's place, and stays hidden or visible as that was. So does the same epoch where
    /// the place is kept as `away`, or by another node. Into a full room, a session gets in place of an `away` one of the
    /// same user. A name that it claims is its own from then on, or it does not get in: see [`Claim`].
    async fn join(&self, join: &JoinRequest) -> Result<JoinOutcome, DirectoryError>;

    /// Leaves a room; the name that it held there is free. The last one out deletes the room and raises the bucket's
    /// revision to the room's.
    async fn leave(
        &self,
        room: &RoomId,
        peer: &PeerId,
        epoch: Epoch,
    ) -> Result<LeaveOutcome, DirectoryError>;

    /// Leaves a room as [`leave`](Self::leave) does, but only where the member is `away` and that node keeps its place.
    async fn leave_kept(
        &self,
        room: &RoomId,
        peer: &PeerId,
        epoch: Epoch,
        keeper: &NodeId,
    ) -> Result<LeaveOutcome, DirectoryError>;

    /// Writes a member's profile anew. The same profile again changes nothing, the revision neither. A name that it holds
    /// stays the one that it claimed.
    async fn update(
        &self,
        room: &RoomId,
        peer: &PeerId,
        epoch: Epoch,
        profile: &Profile,
    ) -> Result<UpdateOutcome, DirectoryError>;

    /// Gives a member that is in with this epoch another name, with its profile, and its own from then on, see [`Claim`]. One
    /// step of the revision; two where another member has to make way. The same again changes nothing, the revision neither.
    async fn rename(&self, rename: &Rename) -> Result<RenameOutcome, DirectoryError>;

    /// Moves a member to another epoch or node, or between `live` and `away`; it keeps its order, its profile and the name
    /// that it holds. The same again changes nothing, the revision neither.
    async fn take_over(&self, wish: &TakeOver) -> Result<TakeOverOutcome, DirectoryError>;

    /// Writes a member again where it is missing or has a lower epoch. The one call that also works in a bucket that is
    /// not open: that is how a forgotten one is filled. Whatever changes takes the room's revision above the highest that
    /// anyone asserted; capacity and next order are the highest, too. A revision below the asserted one was there before:
    /// the directory went back in time, and the bucket is closed in the same step. Of two members that are asserted to hold
    /// one name, the one that joined later does: it took the name over, or found it free.
    async fn assert_member(&self, assert: &AssertMember) -> Result<AssertOutcome, DirectoryError>;

    /// The whole room; one that does not exist has revision 0 and no members.
    async fn roster(&self, room: &RoomId) -> Result<RosterSnapshot, DirectoryError>;

    /// One member. What a node remembers of a roster may be behind: only this proves that somebody is not there.
    async fn look_up(&self, room: &RoomId, whom: &Whom) -> Result<Sighting, DirectoryError>;

    /// Says that a bucket's contents are complete. Until then every call for a room there is
    /// [`DirectoryError::Forgotten`], reading too: a partial list is never taken for the whole.
    async fn open_bucket(&self, bucket: Bucket) -> Result<(), DirectoryError>;

    /// Says that no bucket's contents are complete: the directory went back in time.
    async fn close_buckets(&self) -> Result<(), DirectoryError>;

    /// The buckets that are not open.
    async fn closed_buckets(&self) -> Result<Vec<Bucket>, DirectoryError>;

    /// Writes down which node owns a session. A lower epoch than known is refused. [`DirectoryError::Forgotten`] where a
    /// resumed session is not known and that may be because the directory lost it.
    async fn attach(&self, attach: &Attach) -> Result<AttachOutcome, DirectoryError>;

    /// Notes that the client of this epoch said something after its `welcome`: secrets of lower epochs are worth nothing
    /// from now on. False where the epoch is not the known one.
    async fn prove(&self, peer: &PeerId, epoch: Epoch) -> Result<bool, DirectoryError>;

    /// Gives a session to another node without a new epoch: a node that died, or was taken for dead, and whoever keeps its
    /// sessions meanwhile. True if it is `to`'s now; false where it is neither's, or has another epoch.
    async fn hand_over(
        &self,
        peer: &PeerId,
        epoch: Epoch,
        from: &NodeId,
        to: &NodeId,
    ) -> Result<bool, DirectoryError>;

    /// Writes a session again where it is missing or has a lower epoch, and adds what is missing of its rooms. Those that a
    /// lower epoch was in stay, for the caller to look at.
    async fn assert_peer(&self, record: &PeerRecord) -> Result<AssertPeerOutcome, DirectoryError>;

    /// Adds (`wanted`) or removes a room of the peer's intended ones. False where the epoch is not the known one.
    async fn intend(
        &self,
        peer: &PeerId,
        epoch: Epoch,
        room: &RoomId,
        wanted: bool,
    ) -> Result<bool, DirectoryError>;

    /// Notes that a session has no connection and that `node` keeps its places. False: it is another's. Where it is not
    /// known, or with a lower epoch, nothing is noted: it is `node`'s to be written again.
    async fn note_away(
        &self,
        peer: &PeerId,
        epoch: Epoch,
        node: &NodeId,
    ) -> Result<bool, DirectoryError>;

    /// Whether a session has a connection.
    async fn presence(&self, peer: &PeerId) -> Result<Presence, DirectoryError>;

    /// Takes a session that is away under that epoch from its client: under the next epoch it is `node`'s, to be ended.
    /// Gives the node that had it; `None`: it is not away any more.
    async fn evict(
        &self,
        peer: &PeerId,
        epoch: Epoch,
        node: &NodeId,
    ) -> Result<Option<NodeId>, DirectoryError>;

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

    /// The sessions that are counted for a user, in no order.
    async fn user_sessions(&self, user: &UserId) -> Result<Vec<PeerId>, DirectoryError>;

    /// Counts it no more.
    async fn dismiss(&self, user: &UserId, peer: &PeerId) -> Result<(), DirectoryError>;

    /// Notes that `node` may own `peer`: what to clean up if it dies.
    async fn enlist(&self, node: &NodeId, peer: &PeerId) -> Result<(), DirectoryError>;

    /// Takes that note back.
    async fn delist(&self, node: &NodeId, peer: &PeerId) -> Result<(), DirectoryError>;

    /// Every peer noted for `node`, in no order.
    async fn enlisted(&self, node: &NodeId) -> Result<Vec<PeerId>, DirectoryError>;
}

/// Whom somebody asks for in a room.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Whom {
    /// This one.
    Peer(PeerId),
    /// Whoever holds this name, see [`Claim`].
    Name(Arc<str>),
}

/// What a look-up found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sighting {
    /// Of the roster then; 0 of a room that does not exist.
    pub revision: u64,
    /// `None`: there was no such member.
    pub member: Option<MemberRecord>,
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
    /// Hidden members take no place, get no order and make nobody ready. Whether it is named follows from `claim`.
    pub flags: Flags,
    /// The room's capacity if this join creates it.
    pub capacity: u32,
    /// Whether this join may create the room.
    pub may_create: bool,
    /// What the peer tells of itself.
    pub profile: Profile,
    /// Whether the name in its profile is to be its own, and at whose expense. `None`: others may have that name, too.
    pub claim: Option<Claim>,
    /// Whether the answer is to hold the whole room. Whoever has its roster, and takes each step of it, needs only his own.
    pub whole: bool,
}

impl JoinRequest {
    /// The name that is to be its own. Nobody sees a hidden member, so it claims none.
    pub(crate) fn claimed(&self) -> Option<(Claim, &Arc<str>)> {
        let claim = self.claim.filter(|_| !self.flags.hidden)?;
        Some((claim, self.profile.name.as_ref()?))
    }
}

/// From whom a join takes the name of its profile. At any time one member of a room holds a name, at most; names are told
/// apart byte by byte. Whoever loses its name leaves the room, and its place is free. The holder's own `away` session is
/// no obstacle under any claim: that is the page that now comes back, and nobody else is meant by that name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Claim {
    /// From nobody: the join is refused while the name is held.
    IfFree,
    /// From another session of the same user.
    FromSameUser,
    /// From whoever holds it: the newest claim wins.
    FromAnybody,
}

impl Claim {
    /// Whether `user`, who claims a name, gets it from a member that holds it.
    pub(crate) fn takes_from(self, holder: &MemberRecord, user: &UserId) -> bool {
        let is_own = holder.user == *user;
        match self {
            Self::IfFree => is_own && holder.flags.away,
            Self::FromSameUser => is_own,
            Self::FromAnybody => true,
        }
    }
}

/// What became of a join.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum JoinOutcome {
    /// It is in.
    Joined {
        /// Includes it; where `ready == revision`, this join took the room from one to two.
        roster: RosterSnapshot,
        /// Whose name it took, or, in a full room, whose place, an `away` session of the same user. As it was: it left
        /// with the revision before.
        evicted: Option<MemberRecord>,
    },
    /// The same, where the whole room was not asked for.
    Entered {
        /// Where `ready == revision`, this join took the room from one to two.
        place: Place,
        /// See [`Joined`](Self::Joined).
        evicted: Option<MemberRecord>,
    },
    /// Another member holds the name that it claims.
    NameTaken,
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

/// One member and its room, without the others.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// The member.
    pub member: MemberRecord,
    /// Of the roster now.
    pub revision: u64,
    /// See [`RosterSnapshot::ready`].
    pub ready: u64,
    /// Visible members at most.
    pub capacity: u32,
    /// The highest order that was given in the room.
    pub order_max: u64,
    /// The nodes of all other members, each once.
    pub nodes: Vec<NodeId>,
}

impl Place {
    /// A member's place in a room that was read as a whole.
    pub(crate) fn in_room(roster: &RosterSnapshot, peer: &PeerId) -> Option<Self> {
        let orders = roster.members.iter().map(|member| member.order);
        Some(Self {
            member: roster.member(peer)?.clone(),
            revision: roster.revision,
            ready: roster.ready,
            capacity: roster.capacity,
            order_max: orders.max().unwrap_or(0),
            nodes: roster.nodes_of_others(peer),
        })
    }

    /// What to assert of it.
    pub(crate) fn to_assert(&self, room: &RoomId) -> AssertMember {
        AssertMember {
            room: room.clone(),
            member: self.member.clone(),
            revision: self.revision,
            ready: self.ready,
            capacity: self.capacity,
            order_max: self.order_max,
            lift: false,
            own: false,
        }
    }
}

/// A member that takes another name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rename {
    /// Which room.
    pub room: RoomId,
    /// Who.
    pub peer: PeerId,
    /// Of its session.
    pub epoch: Epoch,
    /// What it tells of itself from now on; it has the name.
    pub profile: Profile,
    /// At whose expense.
    pub claim: Claim,
}

/// What became of a rename.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RenameOutcome {
    /// It has the name.
    Renamed {
        /// False: it had it before, with the same profile.
        changed: bool,
        /// The member, and its room afterwards.
        place: Box<Place>,
        /// Whose name it took. As it was: it left with the revision before.
        evicted: Option<MemberRecord>,
    },
    /// Another member holds the name.
    NameTaken,
    /// The peer is not in the room with this epoch.
    NotAMember,
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

/// A member that changes hands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TakeOver {
    /// Which room.
    pub room: RoomId,
    /// Who.
    pub peer: PeerId,
    /// Of its session from now on; a lower one than known is refused.
    pub epoch: Epoch,
    /// The node that owns the session from now on.
    pub node: NodeId,
    /// Whether it is without a socket from now on.
    pub away: bool,
    /// See [`JoinRequest::whole`].
    pub whole: bool,
}

/// What became of a take-over.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TakeOverOutcome {
    /// As wished.
    Taken {
        /// False: all was so before.
        changed: bool,
        /// The room afterwards.
        roster: RosterSnapshot,
    },
    /// The same, where the whole room was not asked for.
    Moved {
        /// False: all was so before.
        changed: bool,
        /// The member, and its room afterwards.
        place: Place,
    },
    /// The peer is not in the room.
    NotAMember,
    /// A higher epoch of the same peer is in the room.
    Stale {
        /// That one.
        known: Epoch,
    },
}

/// How far a room's revision leaps where the directory lost some: nodes that do not assert may have heard of more of them. Given
/// anew, to other changes, they would be taken for known there. More changes than a node can be behind.
pub const REVISION_LEAP: u64 = 10_000;

/// A member as one node knows it, and what that node knows of the room.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AssertMember {
    /// Which room.
    pub room: RoomId,
    /// The member.
    pub member: MemberRecord,
    /// The room's revision as the node knows it.
    pub revision: u64,
    /// Likewise, see [`RosterSnapshot::ready`].
    pub ready: u64,
    /// Likewise.
    pub capacity: u32,
    /// The highest order that the node has seen in the room.
    pub order_max: u64,
    /// Takes the room above this revision even if it has just that one.
    pub lift: bool,
    /// The node that asserts has the session, and what was written last may be lost: where the member is, whether it is away, what
    /// it tells of itself and a later place in the order count under the same epoch, too.
    pub own: bool,
}

impl AssertMember {
    /// What was known of this place before counts where it is higher: then the directory, from which this comes, has gone
    /// back in time since. What the member told of itself meanwhile is not there either, nor that it left and came again.
    pub(crate) fn stay_above(&mut self, before: &Self) {
        if before.revision > self.revision {
            let (member, before_it) = (&mut self.member, &before.member);
            self.revision = before.revision;
            member.profile = before_it.profile.clone();
            member.flags.named = before_it.flags.named;
            (member.order, member.joined_at) = (before_it.order, before_it.joined_at);
        }
        self.ready = self.ready.max(before.ready);
        self.capacity = self.capacity.max(before.capacity);
        self.order_max = self.order_max.max(before.order_max);
    }
}

/// What became of an assertion.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AssertOutcome {
    /// The directory knew. It may have a higher revision of the room than was asserted.
    Known {
        /// Of the roster.
        revision: u64,
    },
    /// It was written again, or the room's revision was behind.
    Restored {
        /// Of the roster now.
        revision: u64,
        /// The nodes of all members, each once.
        nodes: Vec<NodeId>,
        /// The directory had gone back in time; the bucket is closed.
        behind: bool,
    },
    /// A higher epoch of the same peer is in the room.
    Stale {
        /// That one.
        known: Epoch,
    },
}

/// What became of an assertion of a session.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AssertPeerOutcome {
    /// The directory knew.
    Known,
    /// It was written again.
    Restored,
    /// It is another node's, with this epoch or a higher one.
    Elsewhere {
        /// That node.
        node: NodeId,
        /// Its epoch.
        epoch: Epoch,
    },
}

/// Whether a session has a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Presence {
    /// The session is no more.
    Unknown,
    /// It has, or nobody has noted otherwise.
    Live,
    /// It has not.
    Away {
        /// Under this epoch.
        epoch: Epoch,
        /// By the directory's clock; only to be compared.
        since: u64,
    },
}

/// A session that comes to a node.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attach {
    /// Who.
    pub peer: PeerId,
    /// Its epoch there.
    pub epoch: Epoch,
    /// The node.
    pub node: NodeId,
    /// The identity behind it.
    pub user: UserId,
    /// Of a session that is resumed: the epoch of the secret that was shown. The session must be known, and the epoch not
    /// below the proven one.
    pub shown: Option<Epoch>,
}

/// What became of an attach.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AttachOutcome {
    /// The session is this node's now.
    Attached {
        /// Whose it was before, if it was another epoch's.
        former: Option<(NodeId, Epoch)>,
        /// The rooms that it is in, or was about to enter or leave. Sorted.
        rooms: Vec<RoomId>,
    },
    /// The session to be resumed is no more.
    Unknown,
    /// The secret that was shown is older than what its client has proven since.
    Outdated,
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
