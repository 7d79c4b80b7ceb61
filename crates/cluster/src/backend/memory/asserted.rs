//! Members that nodes write again.

use super::room::Room;
use crate::backend::directory::{AssertMember, AssertOutcome, REVISION_LEAP};
use crate::backend::record::MemberRecord;

impl Room {
    /// Everything that is asserted counts where it is higher.
    pub(super) fn assert_member(&mut self, assert: &AssertMember) -> AssertOutcome {
        let member = &assert.member;
        let known = self.members.get(&member.peer);
        let epoch = known.map(|known| known.epoch);
        if let Some(known) = epoch.filter(|known| *known > member.epoch) {
            return AssertOutcome::Stale { known };
        }
        let missing = epoch.is_none_or(|known| known < member.epoch);
        let outdated = assert.own && known.is_some_and(|known| says_otherwise(known, member));
        let behind = self.revision < assert.revision;
        let lifted = assert.lift && self.revision == assert.revision;
        if !missing && !outdated && !behind && !lifted {
            return AssertOutcome::Known {
                revision: self.revision,
            };
        }
        if missing {
            let mut member = member.clone();
            member.flags.named = self.assert_name(&member);
            self.members.insert(member.peer, member);
        } else if outdated {
            self.assert_own(member);
        }
        let step = if behind || lifted { REVISION_LEAP } else { 1 };
        self.revision = self.revision.max(assert.revision) + step;
        self.ready = self.ready.max(assert.ready);
        self.capacity = self.capacity.max(assert.capacity);
        self.next_order = self
            .next_order
            .max(assert.order_max + 1)
            .max(member.order + 1);
        AssertOutcome::Restored {
            revision: self.revision,
            nodes: self.nodes(),
            behind,
        }
    }

    /// Of the same epoch. Being hidden stays, and so does the place in the order, unless it is that of a later join.
    fn assert_own(&mut self, asserted: &MemberRecord) {
        let is_profile_known = |known: &MemberRecord| known.profile == asserted.profile;
        let named = match self.members.get(&asserted.peer) {
            Some(known) if is_profile_known(known) => known.flags.named,
            _ => self.assert_name(asserted),
        };
        if let Some(member) = self.members.get_mut(&asserted.peer) {
            member.node = asserted.node.clone();
            member.profile = asserted.profile.clone();
            if came_again(member, asserted) {
                (member.order, member.joined_at) = (asserted.order, asserted.joined_at);
            }
            (member.flags.away, member.flags.named) = (asserted.flags.away, named);
        }
    }

    /// Whether a member holds its name from now on.
    fn assert_name(&mut self, member: &MemberRecord) -> bool {
        self.names.free_of(&member.peer);
        let claimed = member.profile.name.as_ref();
        let Some(name) = claimed.filter(|_| member.flags.named) else {
            return false;
        };
        let holder = self.names.holder(name);
        if let Some(holder) = holder.and_then(|holder| self.members.get_mut(holder)) {
            if holder.joined_at >= member.joined_at {
                return false;
            }
            holder.flags.named = false;
        }
        self.names.assign(name, member.peer);
        true
    }
}

/// Whether what is asserted is a later join than the one that is known. A room that was empty meanwhile counts from 1 again.
fn came_again(known: &MemberRecord, asserted: &MemberRecord) -> bool {
    (known.joined_at, known.order) < (asserted.joined_at, asserted.order)
}

/// Whether a member's record has, under the same epoch, something else of what its owner writes.
fn says_otherwise(known: &MemberRecord, asserted: &MemberRecord) -> bool {
    let is_same = known.node == asserted.node
        && known.flags.away == asserted.flags.away
        && known.profile == asserted.profile
        && !came_again(known, asserted);
    known.epoch == asserted.epoch && !is_same
}
