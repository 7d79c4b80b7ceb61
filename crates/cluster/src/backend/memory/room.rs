//! One room.

use std::collections::HashMap;
use std::time::{SystemTime, UNIX_EPOCH};

use switchboard_protocol::{NodeId, PeerId};

use super::names::Names;
use crate::backend::directory::{
    Claim, JoinOutcome, JoinRequest, LeaveOutcome, PeerOrName, Place, Rename, RenameOutcome,
    Sighting, TakeOver, TakeOverOutcome, UpdateOutcome,
};
use crate::backend::record::{Epoch, Flags, MemberRecord, Profile, RosterSnapshot};

/// Who is in, at which revision.
#[derive(Clone)]
pub(super) struct Room {
    pub(super) revision: u64,
    pub(super) ready: u64,
    pub(super) capacity: u32,
    pub(super) next_order: u64,
    pub(super) members: HashMap<PeerId, MemberRecord>,
    pub(super) names: Names,
}

impl Room {
    /// No member is in yet; the first change takes it above `revision`.
    pub(super) fn new(revision: u64, capacity: u32) -> Self {
        Self {
            revision,
            ready: 0,
            capacity,
            next_order: 1,
            members: HashMap::new(),
            names: Names::default(),
        }
    }

    pub(super) fn join(&mut self, join: &JoinRequest) -> JoinOutcome {
        let is_new = match self.members.get(&join.peer) {
            Some(known) if known.epoch > join.epoch => {
                return JoinOutcome::Stale { known: known.epoch };
            }
            Some(known) if is_place_of(known, join) => return self.joined(join, None),
            known => known.is_none(),
        };
        let holder = self.holder_beside(join);
        if holder.is_some_and(|(claim, holder)| !claim.takes_from(holder, &join.user)) {
            return JoinOutcome::NameTaken;
        }
        let holder = holder.map(|(_, holder)| holder);
        let mut leaves = holder.map(|holder| holder.peer);
        if is_new && self.is_full_for(join, holder) {
            leaves = self.away_member_of(join).filter(|_| holder.is_none());
            if leaves.is_none() {
                return JoinOutcome::Full {
                    capacity: self.capacity,
                };
            }
        }
        let evicted = leaves.and_then(|peer| self.remove(&peer));
        match join.claimed() {
            Some((_, name)) => self.names.assign(name, join.peer),
            None => self.names.free_of(&join.peer),
        }
        if is_new {
            self.enter(join);
        } else {
            self.take_place(join);
        }
        self.joined(join, evicted)
    }

    fn joined(&self, join: &JoinRequest, evicted: Option<MemberRecord>) -> JoinOutcome {
        match self.place(&join.peer).filter(|_| !join.whole) {
            Some(place) => JoinOutcome::Entered { place, evicted },
            None => JoinOutcome::Joined {
                roster: self.snapshot(),
                evicted,
            },
        }
    }

    fn place(&self, peer: &PeerId) -> Option<Place> {
        let place = Place::in_room(&self.snapshot(), peer)?;
        Some(Place {
            order_max: self.next_order - 1,
            ..place
        })
    }

    pub(super) fn rename(&mut self, rename: &Rename) -> RenameOutcome {
        let known = self.members.get(&rename.peer);
        let known = known.filter(|known| known.epoch == rename.epoch && !known.flags.hidden);
        let (Some(known), Some(name)) = (known, &rename.profile.name) else {
            return RenameOutcome::NotAMember;
        };
        let holder = self.names.holder(name).filter(|peer| **peer != rename.peer);
        let holder = holder.and_then(|holder| self.members.get(holder));
        if holder.is_some_and(|holder| !rename.claim.takes_from(holder, &known.user)) {
            return RenameOutcome::NameTaken;
        }
        let changed = !known.flags.named || known.profile != rename.profile;
        let evicted = holder.map(|holder| holder.peer);
        let evicted = evicted.and_then(|peer| self.remove(&peer));
        if changed {
            self.names.assign(name, rename.peer);
            self.revision += 1;
            if let Some(member) = self.members.get_mut(&rename.peer) {
                member.flags.named = true;
                member.profile = rename.profile.clone();
            }
        }
        match self.place(&rename.peer) {
            Some(place) => RenameOutcome::Renamed {
                changed,
                place: Box::new(place),
                evicted,
            },
            None => RenameOutcome::NotAMember,
        }
    }

    /// Whether it has no place for a newcomer, also once the holder of the claimed name has left.
    fn is_full_for(&self, join: &JoinRequest, holder: Option<&MemberRecord>) -> bool {
        let freed = holder.is_some_and(|holder| !holder.flags.hidden);
        let visible = self.visible() - usize::from(freed);
        !join.flags.hidden && visible >= self.capacity as usize
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

    /// Another member that holds the name which the join claims.
    fn holder_beside(&self, join: &JoinRequest) -> Option<(Claim, &MemberRecord)> {
        let (claim, name) = join.claimed()?;
        let holder = self.names.holder(name)?;
        let holder = self.members.get(holder)?;
        (holder.peer != join.peer).then_some((claim, holder))
    }

    /// One step of the revision, if it was in.
    fn remove(&mut self, peer: &PeerId) -> Option<MemberRecord> {
        let member = self.members.remove(peer)?;
        self.names.free_of(peer);
        self.revision += 1;
        Some(member)
    }

    /// A higher epoch keeps the place: order, time of the join, and whether it is hidden, on which both depend.
    fn take_place(&mut self, join: &JoinRequest) {
        let Some(member) = self.members.get_mut(&join.peer) else {
            return;
        };
        let (hidden, joined_at) = (member.flags.hidden, member.joined_at);
        *member = MemberRecord {
            joined_at,
            ..record(join, member.order)
        };
        member.flags.hidden = hidden;
        self.revision += 1;
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
        match self.place(&wish.peer).filter(|_| !wish.whole) {
            Some(place) => TakeOverOutcome::Moved { changed, place },
            None => TakeOverOutcome::Taken {
                changed,
                roster: self.snapshot(),
            },
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

    pub(super) fn leave(
        &mut self,
        peer: &PeerId,
        epoch: Epoch,
        keeper: Option<&NodeId>,
    ) -> LeaveOutcome {
        let changed = self.members.get(peer).is_some_and(|member| {
            let is_kept = keeper.is_none_or(|node| member.flags.away && member.node == *node);
            member.epoch <= epoch && is_kept
        });
        if changed {
            self.remove(peer);
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

    pub(super) fn look_up(&self, wanted: &PeerOrName) -> Sighting {
        let peer = match wanted {
            PeerOrName::Peer(peer) => Some(peer),
            PeerOrName::Name(name) => self.names.holder(name),
        };
        Sighting {
            revision: self.revision,
            member: peer.and_then(|peer| self.members.get(peer)).cloned(),
        }
    }

    fn visible(&self) -> usize {
        self.members
            .values()
            .filter(|member| !member.flags.hidden)
            .count()
    }

    pub(super) fn nodes(&self) -> Vec<NodeId> {
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
        flags: Flags {
            named: join.claimed().is_some(),
            ..join.flags
        },
        user: join.user.clone(),
        joined_at: unix_ms(),
        profile: join.profile.clone(),
        unread: None,
    }
}

/// Whether a join is a repeat of the one that gave this place.
fn is_place_of(member: &MemberRecord, join: &JoinRequest) -> bool {
    member.epoch == join.epoch && member.node == join.node && !member.flags.away
}

fn unix_ms() -> u64 {
    let since = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}
