//! What a node writes again because the directory may have lost it.

use switchboard_protocol::{NodeId, RoomId};

use crate::backend::record::{Epoch, MemberRecord};

/// How far a room's revision leaps where the directory lost some: nodes that do not assert may have heard of more of them. Given
/// again, to other changes, they would be taken for known there. More changes than a node can be behind.
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
