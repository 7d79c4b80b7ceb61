//! What clients are shown and told of rooms.

use std::collections::BTreeSet;
use std::sync::Arc;

use switchboard_protocol::server_message::{LeaveReason, MemberJoined, MemberLeft, MemberUpdated};
use switchboard_protocol::{Connection, Member, MemberState, PeerId, RoomId};

/// A room as a client was shown it.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct View {
    pub(crate) room: RoomId,
    pub(crate) revision: u64,
    pub(crate) members: Vec<Seen>,
}

/// A member as a client was shown it.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Seen {
    pub(crate) peer: PeerId,
    pub(crate) name: Option<Arc<str>>,
    pub(crate) order: u64,
    pub(crate) away: bool,
    pub(crate) state: MemberState,
}

impl From<&Member> for Seen {
    fn from(member: &Member) -> Self {
        Self {
            peer: member.peer,
            name: member.name.clone(),
            order: member.order,
            away: member.connection == Connection::Away,
            state: member.state.clone(),
        }
    }
}

/// What a client is told of a room.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum News {
    /// It is in, and is told no more of the room.
    Entered,
    /// These are there. Its dialect has lists, and no revisions.
    Listed(BTreeSet<PeerId>),
    /// It is in: this is the room.
    Joined { revision: u64, members: Vec<Seen> },
    /// It asked to leave, and is out.
    Left,
    /// It is out and did not ask.
    Closed,
    /// Somebody came.
    Came { revision: u64, member: Seen },
    /// Somebody is another now.
    Updated {
        revision: u64,
        peer: PeerId,
        away: Option<bool>,
        state: Option<MemberState>,
    },
    /// Somebody is gone.
    Went {
        revision: u64,
        peer: PeerId,
        reason: LeaveReason,
    },
}

impl From<&MemberJoined> for News {
    fn from(joined: &MemberJoined) -> Self {
        Self::Came {
            revision: joined.revision,
            member: Seen::from(&joined.member),
        }
    }
}

impl From<&MemberUpdated> for News {
    fn from(updated: &MemberUpdated) -> Self {
        Self::Updated {
            revision: updated.revision,
            peer: updated.peer,
            away: updated
                .connection
                .map(|connection| connection == Connection::Away),
            state: updated.state.clone(),
        }
    }
}

impl From<&MemberLeft> for News {
    fn from(left: &MemberLeft) -> Self {
        Self::Went {
            revision: left.revision,
            peer: left.peer,
            reason: left.reason,
        }
    }
}

impl News {
    /// Of the roster, if it is the roster that it tells of.
    pub(crate) fn revision(&self) -> Option<u64> {
        match self {
            Self::Entered | Self::Listed(_) | Self::Left | Self::Closed => None,
            Self::Joined { revision, .. }
            | Self::Came { revision, .. }
            | Self::Updated { revision, .. }
            | Self::Went { revision, .. } => Some(*revision),
        }
    }
}
