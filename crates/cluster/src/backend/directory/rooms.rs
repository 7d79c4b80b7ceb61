//! Rooms and their members.

use std::sync::Arc;

use async_trait::async_trait;
use switchboard_protocol::{NodeId, PeerId, RoomId};

use super::asserting::{AssertMember, AssertOutcome};
use super::error::DirectoryError;
use super::joining::{Claim, JoinOutcome, JoinRequest, Place};
use crate::backend::record::{Epoch, MemberRecord, Profile, RosterSnapshot};

/// Who is in which room: the directory decides that.
#[async_trait]
pub trait RoomDirectory: Send + Sync + 'static {
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

    /// Writes a member's profile again. The same profile again changes nothing, the revision neither. A name that it holds
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

    /// One member. What a node remembers of a roster may be behind: only this proves that a member is not there.
    async fn look_up(&self, room: &RoomId, wanted: &PeerOrName)
    -> Result<Sighting, DirectoryError>;
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
        /// False: the member had this profile already, and the revision may be another member's step.
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

/// The member that a look-up asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PeerOrName {
    /// This one.
    Peer(PeerId),
    /// The one that holds this name, see [`Claim`].
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
