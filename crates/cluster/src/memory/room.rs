//! One room.

use std::collections::HashMap;
use std::time::{SystemTime, UNIX_EPOCH};

use switchboard_protocol::{NodeId, PeerId};

use crate::directory::{JoinOutcome, JoinRequest, LeaveOutcome, UpdateOutcome};
use crate::record::{Epoch, MemberRecord, Profile, RosterSnapshot};

/// Who is in, at which revision.
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
        match self.members.get_mut(&join.peer) {
            Some(known) if known.epoch > join.epoch => {
                return JoinOutcome::Stale { known: known.epoch };
            }
            Some(known) if known.epoch == join.epoch => {}
            Some(known) => {
                take_over(known, join);
                self.revision += 1;
            }
            None if full => {
                return JoinOutcome::Full {
                    capacity: self.capacity,
                };
            }
            None => self.enter(join),
        }
        JoinOutcome::Joined(self.snapshot())
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
