//! A join: what is asked, and what the directory answers.

use std::sync::Arc;

use switchboard_protocol::{NodeId, PeerId, RoomId, UserId};

use super::asserting::AssertMember;
use crate::backend::record::{Epoch, Flags, MemberRecord, Profile, RosterSnapshot};

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
    /// Hidden members take no place, get no order and make no room ready. Whether it is named follows from `claim`.
    pub flags: Flags,
    /// The room's capacity if this join creates it.
    pub capacity: u32,
    /// Whether this join may create the room.
    pub may_create: bool,
    /// What the peer tells of itself.
    pub profile: Profile,
    /// Whether the name in its profile is to be its own, and at whose expense. `None`: others may have that name, too.
    pub claim: Option<Claim>,
    /// Whether the answer is to hold the whole room. A node that has its roster, and takes each step of it, needs only this one.
    pub whole: bool,
}

impl JoinRequest {
    /// The name that is to be its own. A hidden member is not seen, so it claims none.
    pub(crate) fn claimed(&self) -> Option<(Claim, &Arc<str>)> {
        let claim = self.claim.filter(|_| !self.flags.hidden)?;
        Some((claim, self.profile.name.as_ref()?))
    }
}

/// Which members a join takes the name of its profile from. At any time one member of a room holds a name, at most; names are told
/// apart byte by byte. A member that loses its name leaves the room, and its place is free. The holder's own `away` session is
/// no obstacle under any claim: that is the page that now comes back, and no other member is meant by that name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Claim {
    /// From no member: the join is refused while the name is held.
    IfFree,
    /// From another session of the same user.
    FromSameUser,
    /// From the member that holds it: the newest claim wins.
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
