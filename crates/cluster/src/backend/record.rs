//! What the directory keeps of a member and of a peer, as this crate sees it.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use switchboard_protocol::{Connection, Member, MemberState, NodeId, PeerId, RoomId, UserId};

use crate::backend::revocation::Credential;

/// Grows each time a session changes hands, so that a late goodbye cannot evict its successor. The first is 1.
pub type Epoch = u64;

/// What a peer tells of itself in a room. The directory stores it unread.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Profile {
    /// Display name.
    pub name: Option<Arc<str>>,
    /// Usually a URL.
    pub avatar: Option<Arc<str>>,
    /// Merged at the owner's node.
    pub state: MemberState,
}

/// Facts about a member that are not for other clients.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Flags {
    /// An observer: in no list, counts for nothing, cannot be addressed.
    pub hidden: bool,
    /// Has no socket at the moment.
    pub away: bool,
    /// May come back after it lost its socket. Without it, a node that finds the member without a node removes it.
    pub resumable: bool,
    /// Holds the name that it claimed, see [`Claim`](crate::backend::directory::Claim). Told to other nodes only where it is so:
    /// releases that know nothing of it read all other members.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub named: bool,
}

/// One member of a room, as in its roster.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MemberRecord {
    /// Who.
    pub peer: PeerId,
    /// Of its session.
    pub epoch: Epoch,
    /// The node that owns the session.
    pub node: NodeId,
    /// Place in the join order; 0 for a hidden member.
    pub order: u64,
    /// See there.
    pub flags: Flags,
    /// The identity behind it.
    pub user: UserId,
    /// Unix time in milliseconds, by the directory's clock.
    pub joined_at: u64,
    /// See there.
    pub profile: Profile,
    /// Of a record of another version: what this release cannot read of it. The profile is empty then. Told to other nodes
    /// only where it is so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unread: Option<Box<Unread>>,
}

/// What this release does not understand of a member's record, kept as it is: a node that writes the record again writes this
/// again, so that a later release, whose it may be, loses nothing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Unread {
    /// Of the record.
    pub version: u32,
    /// Flags beyond those that this release knows.
    pub flags: Box<str>,
    /// What follows the head. Empty where it is longer than any that a peer may have.
    #[serde(with = "serde_bytes")]
    pub rest: Vec<u8>,
}

impl MemberRecord {
    /// How others see its connection.
    pub fn connection(&self) -> Connection {
        if self.flags.away {
            Connection::Away
        } else {
            Connection::Live
        }
    }

    /// Whether it holds the name that a former member held.
    pub(crate) fn has_name_of(&self, former: &Self) -> bool {
        self.flags.named && former.flags.named && self.profile.name == former.profile.name
    }

    /// The member as clients see it.
    pub fn to_member(&self) -> Member {
        Member {
            peer: self.peer,
            user: self.user.clone(),
            name: self.profile.name.clone(),
            avatar: self.profile.avatar.clone(),
            state: self.profile.state.clone(),
            order: self.order,
            joined_at: self.joined_at,
            connection: self.connection(),
        }
    }
}

/// A whole room at one revision. Never partial.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct RosterSnapshot {
    /// Rises by one with each change of the room and never goes back; 0 for a room that does not exist.
    pub revision: u64,
    /// The revision of the last join that took the room from one visible member to two; 0 if there was none.
    pub ready: u64,
    /// Visible members at most.
    pub capacity: u32,
    /// Everyone, hidden ones too, in join order (hidden ones first).
    pub members: Vec<MemberRecord>,
    /// They are in, and even the heads of their records cannot be read: where they are cannot be told. A node that knows them
    /// from before must not take them for gone.
    pub unreadable: Vec<PeerId>,
}

impl RosterSnapshot {
    /// A member, if it is in.
    pub fn member(&self, peer: &PeerId) -> Option<&MemberRecord> {
        self.members.iter().find(|member| member.peer == *peer)
    }

    /// Whether it is in, readable or not.
    pub fn lists(&self, peer: &PeerId) -> bool {
        self.member(peer).is_some() || self.unreadable.contains(peer)
    }

    /// The nodes of all members but `peer`, each once.
    pub(crate) fn nodes_of_others(&self, peer: &PeerId) -> Vec<NodeId> {
        let others = self.members.iter().filter(|member| member.peer != *peer);
        let mut nodes: Vec<NodeId> = Vec::new();
        for other in others {
            if !nodes.contains(&other.node) {
                nodes.push(other.node.clone());
            }
        }
        nodes
    }

    /// A snapshot of these members, put into their order.
    pub(crate) fn of(
        revision: u64,
        ready: u64,
        capacity: u32,
        mut members: Vec<MemberRecord>,
    ) -> Self {
        members.sort_unstable_by_key(|member| (member.order, member.joined_at, member.peer));
        Self {
            revision,
            ready,
            capacity,
            members,
            unreadable: Vec::new(),
        }
    }
}

/// What is kept of a session, wherever it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PeerRecord {
    /// Who.
    pub peer: PeerId,
    /// The node that owns the session.
    pub node: NodeId,
    /// Of the session.
    pub epoch: Epoch,
    /// The highest epoch whose client said anything after its `welcome`: secrets of lower ones are worth nothing.
    pub proven: Epoch,
    /// The identity behind it.
    pub user: UserId,
    /// What its client has shown under this epoch. `None`: that is not known.
    pub credential: Option<Credential>,
    /// The rooms it is in or was about to enter or leave. Sorted.
    pub rooms: Vec<RoomId>,
}
