//! One room's members as this node knows them: a copy of the directory's roster at one revision.

use switchboard_protocol::{Member, PeerId, RoomId};

use crate::backend::directory::AssertMember;
use crate::backend::record::{MemberRecord, RosterSnapshot};
use crate::link::envelope::Change;

/// The members of a room at one revision. Lookups are binary searches: a room of two costs two records.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Roster {
    pub(crate) revision: u64,
    /// The revision of the last join that took the room from one visible member to two.
    pub(crate) ready: u64,
    pub(crate) capacity: u32,
    /// The highest place in the join order that anybody had, also of those who have left.
    order_max: u64,
    /// By peer id.
    members: Vec<MemberRecord>,
}

impl Roster {
    pub(crate) fn new(snapshot: RosterSnapshot) -> Self {
        let mut members = snapshot.members;
        members.sort_unstable_by_key(|member| member.peer);
        members.shrink_to_fit();
        Self {
            revision: snapshot.revision,
            ready: snapshot.ready,
            capacity: snapshot.capacity,
            order_max: members.iter().map(|member| member.order).max().unwrap_or(0),
            members,
        }
    }

    /// What cannot be read now is as it is known from before: members whose records are lost stay, and those whose record is
    /// another version's keep their profile.
    pub(crate) fn fill_in(&mut self, unreadable: &[PeerId], before: &Self) {
        self.order_max = self.order_max.max(before.order_max);
        for member in unreadable.iter().filter_map(|peer| before.member(peer)) {
            self.put(member);
        }
        for member in self
            .members
            .iter_mut()
            .filter(|member| member.unread.is_some())
        {
            if let Some(known) = before.member(&member.peer) {
                member.profile = known.profile.clone();
            }
        }
    }

    pub(crate) fn member(&self, peer: &PeerId) -> Option<&MemberRecord> {
        self.find(peer).ok().map(|index| &self.members[index])
    }

    /// Everyone, hidden ones too, by peer id.
    pub(crate) fn members(&self) -> impl Iterator<Item = &MemberRecord> {
        self.members.iter()
    }

    /// Those that clients see, in join order.
    pub(crate) fn visible(&self) -> Vec<Member> {
        let mut members: Vec<_> = self
            .members()
            .filter(|member| !member.flags.hidden)
            .map(MemberRecord::to_member)
            .collect();
        members.sort_unstable_by_key(|member| member.order);
        members
    }

    /// What to assert of one of these members, who are in `room`.
    pub(crate) fn place(&self, room: &RoomId, member: &MemberRecord) -> AssertMember {
        AssertMember {
            room: room.clone(),
            member: member.clone(),
            revision: self.revision,
            ready: self.ready,
            capacity: self.capacity,
            order_max: self.order_max,
            lift: false,
            own: false,
        }
    }

    /// How many clients see.
    pub(crate) fn visible_count(&self) -> usize {
        self.members().filter(|member| !member.flags.hidden).count()
    }

    /// The two visible members who came first, in that order. Where the room has just gone from one to two, these two.
    pub(crate) fn pair(&self) -> Option<[PeerId; 2]> {
        let visible = self.members().filter(|member| !member.flags.hidden);
        let mut by_order: Vec<_> = visible.map(|member| (member.order, member.peer)).collect();
        by_order.sort_unstable();
        match by_order[..] {
            [(_, first), (_, second), ..] => Some([first, second]),
            _ => None,
        }
    }

    /// Takes the step that leads to `revision`.
    pub(crate) fn apply(&mut self, revision: u64, change: &Change) {
        debug_assert_eq!(
            revision,
            self.revision + 1,
            "steps are applied one after another"
        );
        self.revision = revision;
        match change {
            Change::Joined { member, ready } => {
                if *ready {
                    self.ready = revision;
                }
                self.put(member);
            }
            Change::Moved { member } => self.put(member),
            Change::Updated { peer, profile } => {
                if let Ok(index) = self.find(peer) {
                    self.members[index].profile = profile.clone();
                }
            }
            Change::Left { peer, .. } => {
                if let Ok(index) = self.find(peer) {
                    self.members.remove(index);
                }
            }
        }
    }

    fn put(&mut self, member: &MemberRecord) {
        self.order_max = self.order_max.max(member.order);
        match self.find(&member.peer) {
            Ok(index) => {
                let known = std::mem::replace(&mut self.members[index], member.clone());
                if member.unread.is_some() {
                    self.members[index].profile = known.profile;
                }
            }
            Err(index) => {
                self.members.reserve_exact(1);
                self.members.insert(index, member.clone());
            }
        }
    }

    fn find(&self, peer: &PeerId) -> Result<usize, usize> {
        self.members
            .binary_search_by_key(peer, |member| member.peer)
    }
}
