//! One room.

use std::collections::HashMap;
use std::time::{SystemTime, UNIX_EPOCH};

use switchboard_protocol::{NodeId, PeerId};

use crate::directory::{
    AssertMember, AssertOutcome, JoinOutcome, JoinRequest, LeaveOutcome, TakeOver, TakeOverOutcome,
    UpdateOutcome,
};
use crate::record::{Epoch, MemberRecord, Profile, RosterSnapshot};

/// Who is in, at which revision.
#[derive(Clone)]
pub(super) struct Room {
    revision: u64,
    ready: u64,
    capacity: u32,
    next_order: u64,
    members: HashMap<PeerId, MemberRecord>,
}

impl Room {
    /// Nobody is in yet; the first change takes it above `revision`.
    pub(super) fn new(revision: u64, capacity: u32) -> Self {
        Self {
            revision,
            ready: 0,
            capacity,
            next_order: 1,
            members: HashMap::new(),
        }
    }

    pub(super) fn join(&mut self, join: &JoinRequest) -> JoinOutcome {
        let full = !join.flags.hidden && self.visible() >= self.capacity as usize;
        let mut evicted = None;
        match self.members.get_mut(&join.peer) {
            Some(known) if known.epoch > join.epoch => {
                return JoinOutcome::Stale { known: known.epoch };
            }
            Some(known) if is_place_of(known, join) => {}
            Some(known) => {
                take_over(known, join);
                self.revision += 1;
            }
            None if full => {
                let Some(own) = self.away_member_of(join) else {
                    return JoinOutcome::Full {
                        capacity: self.capacity,
                    };
                };
                self.members.remove(&own);
                self.revision += 1;
                evicted = Some(own);
                self.enter(join);
            }
            None => self.enter(join),
        }
        JoinOutcome::Joined {
            roster: self.snapshot(),
            evicted,
        }
    }

    /// The first of the same user's sessions that are away.
    fn away_member_of(&self, join: &JoinRequest) -> Option<PeerId> {
        let own = self
            .members
            .values()
            .filter(|member| member.user == join.user && member.flags.away && !member.flags.hidden);
        own.min_by_key(|member| member.order)
            .map(|member| member.peer)
    }

    pub(super) fn take_over(&mut self, wish: &TakeOver) -> TakeOverOutcome {
        let Some(member) = self.members.get_mut(&wish.peer) else {
            return TakeOverOutcome::NotAMember;
        };
        if member.epoch > wish.epoch {
            return TakeOverOutcome::Stale {
                known: member.epoch,
            };
        }
        let before = (member.epoch, &member.node, member.flags.away);
        let changed = before != (wish.epoch, &wish.node, wish.away);
        if changed {
            (member.epoch, member.node) = (wish.epoch, wish.node.clone());
            member.flags.away = wish.away;
            self.revision += 1;
        }
        TakeOverOutcome::Taken {
            changed,
            roster: self.snapshot(),
        }
    }

    /// Everything that is asserted counts where it is higher.
    pub(super) fn assert_member(&mut self, assert: &AssertMember) -> AssertOutcome {
        let member = &assert.member;
        let known = self.members.get(&member.peer).map(|known| known.epoch);
        if let Some(known) = known.filter(|known| *known > member.epoch) {
            return AssertOutcome::Stale { known };
        }
        let missing = known.is_none_or(|known| known < member.epoch);
        let behind = self.revision < assert.revision;
        if !missing && self.revision >= assert.revision + u64::from(assert.lift) {
            return AssertOutcome::Known {
                revision: self.revision,
            };
        }
        if missing {
            self.members.insert(member.peer, member.clone());
        }
        self.revision = self.revision.max(assert.revision) + 1;
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

    fn enter(&mut self, join: &JoinRequest) {
        let order = if join.flags.hidden {
            0
        } else {
            self.next_order
        };
        self.members.insert(join.peer, record(join, order));
        self.revision += 1;
        if !join.flags.hidden {
            self.next_order += 1;
            if self.visible() == 2 {
                self.ready = self.revision;
            }
        }
    }

    pub(super) fn leave(&mut self, peer: &PeerId, epoch: Epoch) -> LeaveOutcome {
        let changed = self
            .members
            .get(peer)
            .is_some_and(|member| member.epoch <= epoch);
        if changed {
            self.members.remove(peer);
            self.revision += 1;
        }
        LeaveOutcome {
            changed,
            revision: self.revision,
            nodes: self.nodes(),
        }
    }

    /// `None`: it is not in with this epoch.
    pub(super) fn update(
        &mut self,
        peer: &PeerId,
        epoch: Epoch,
        profile: &Profile,
    ) -> Option<UpdateOutcome> {
        let member = self
            .members
            .get_mut(peer)
            .filter(|member| member.epoch == epoch)?;
        let changed = member.profile != *profile;
        if changed {
            member.profile = profile.clone();
            self.revision += 1;
        }
        Some(UpdateOutcome::Updated {
            revision: self.revision,
            changed,
            nodes: self.nodes(),
        })
    }

    fn visible(&self) -> usize {
        self.members
            .values()
            .filter(|member| !member.flags.hidden)
            .count()
    }

    fn nodes(&self) -> Vec<NodeId> {
        let mut nodes: Vec<_> = self
            .members
            .values()
            .map(|member| member.node.clone())
            .collect();
        nodes.sort_unstable();
        nodes.dedup();
        nodes
    }

    pub(super) fn is_empty(&self) -> bool {
        self.members.is_empty()
    }

    pub(super) fn snapshot(&self) -> RosterSnapshot {
        let members = self.members.values().cloned().collect();
        RosterSnapshot::of(self.revision, self.ready, self.capacity, members)
    }
}

fn record(join: &JoinRequest, order: u64) -> MemberRecord {
    MemberRecord {
        peer: join.peer,
        epoch: join.epoch,
        node: join.node.clone(),
        order,
        flags: join.flags,
        user: join.user.clone(),
        joined_at: unix_ms(),
        profile: join.profile.clone(),
    }
}

/// Whether a join is a repeat of the one that gave this place.
fn is_place_of(member: &MemberRecord, join: &JoinRequest) -> bool {
    member.epoch == join.epoch && member.node == join.node && !member.flags.away
}

/// A higher epoch keeps the place: order, time of the join, and whether it is hidden, on which both depend.
fn take_over(member: &mut MemberRecord, join: &JoinRequest) {
    let hidden = member.flags.hidden;
    *member = MemberRecord {
        joined_at: member.joined_at,
        ..record(join, member.order)
    };
    member.flags.hidden = hidden;
}

fn unix_ms() -> u64 {
    let since = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}
