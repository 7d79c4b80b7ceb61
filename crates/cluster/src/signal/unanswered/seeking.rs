//! Signals for a member that this node has not heard of: they keep their place in the stream until it was looked up.

use smallvec::SmallVec;
use switchboard_protocol::client_message::Signal;
use switchboard_protocol::{NodeId, PeerId, RoomId};
use tokio::time::Instant;

use super::ended::Ended;
use super::sought::Sought;
use super::target::{Earlier, Placement, Target};
use super::{Overloaded, Unanswered};
use crate::backend::directory::PeerOrName;
use crate::backend::record::MemberRecord;
use crate::link::links::Links;

impl Unanswered {
    /// Takes a signal whose receiver has to be looked up.
    pub(crate) fn take_sought(
        &mut self,
        signal: &Signal<'_>,
        taken_in: (&RoomId, u64),
        sought: Sought,
    ) -> Result<(), Overloaded> {
        let bytes = signal.payload.bytes.len();
        let has_place = match &sought.wanted {
            PeerOrName::Peer(peer) => self.shares.takes(peer, bytes, &self.bounds.max),
            PeerOrName::Name(_) => self.takes_for(&sought.wanted),
        };
        if !has_place {
            return Err(Overloaded);
        }
        let peer = sought.peer();
        self.take(signal, taken_in, SmallVec::new(), Some(sought))?;
        if let Some(peer) = peer.filter(|peer| !self.barred.contains(peer)) {
            self.barred.push(peer);
        }
        Ok(())
    }

    /// A name has no share yet; what waits for it is a quarter at most, too.
    fn takes_for(&self, wanted: &PeerOrName) -> bool {
        let all = self.entries.iter().flat_map(|entry| &entry.sought);
        let waiting = all.filter(|sought| sought.wanted == *wanted).count();
        waiting < self.bounds.max.signals_of_one()
    }

    /// A look-up begins for what waits for it in that room. False: nothing does any more.
    pub(crate) fn begin_seeking(&mut self, room: &RoomId, wanted: &PeerOrName) -> bool {
        let mut any = false;
        for sought in self.sought_in(room) {
            if sought.wanted == *wanted {
                sought.covered = true;
                any = true;
            }
        }
        any
    }

    fn sought_in(&mut self, room: &RoomId) -> impl Iterator<Item = &mut Sought> {
        let in_room = self
            .entries
            .iter_mut()
            .filter(move |entry| entry.room == *room);
        in_room.flat_map(|entry| &mut entry.sought)
    }

    /// A roster has this member: it may be one that is being looked up in that room.
    pub(crate) fn find_by_roster(&mut self, room: &RoomId, member: &MemberRecord, links: &Links) {
        let seeks = self.entries.iter().any(|entry| !entry.sought.is_empty());
        if !seeks || member.flags.hidden {
            return;
        }
        self.find(room, member, links, |sought| match sought {
            PeerOrName::Peer(peer) => *peer == member.peer,
            PeerOrName::Name(name) => member.profile.name.as_ref() == Some(name),
        });
    }

    /// A member was found: what waits for it in that room goes to it, and so does what waited behind that.
    pub(crate) fn find(
        &mut self,
        room: &RoomId,
        member: &MemberRecord,
        links: &Links,
        is_it: impl Fn(&PeerOrName) -> bool,
    ) {
        let nodes = self.aim_sought(room, member, is_it);
        if nodes.is_empty() {
            return;
        }
        // In another room that sender and receiver share, it may be known at an earlier place.
        self.retarget(Placement::of(member), links);
        self.queue_on(&nodes, links);
    }

    /// Returns the nodes for which something is to be queued.
    fn aim_sought(
        &mut self,
        room: &RoomId,
        member: &MemberRecord,
        is_it: impl Fn(&PeerOrName) -> bool,
    ) -> SmallVec<[NodeId; 1]> {
        let (aimed, _) = self.aim(member);
        let mut any = false;
        for entry in self.entries.iter_mut().filter(|entry| entry.room == *room) {
            let shares = &mut self.shares;
            let (bytes, targets) = (entry.payload.bytes.len(), &mut entry.targets);
            entry.sought.retain(|sought| {
                if !is_it(&sought.wanted) {
                    return true;
                }
                any = true;
                if sought.peer().is_none() {
                    shares.begin(member.peer, bytes);
                }
                if targets.iter().any(|known| known.peer == member.peer) {
                    shares.end(&member.peer, bytes);
                } else {
                    let mut target = aimed.clone();
                    if sought.repeated {
                        target.sent(Earlier::SentElsewhere);
                    }
                    targets.push(target);
                }
                false
            });
        }
        if !any {
            return SmallVec::new();
        }
        let mut nodes = self.lift_bars();
        if !nodes.contains(&aimed.node) {
            nodes.push(aimed.node);
        }
        self.queued_on.retain(|(node, _)| !nodes.contains(node));
        nodes
    }

    /// Ends what waits for a look-up, oldest first, where `over` is true. [`queue_unbarred`](Self::queue_unbarred) then
    /// queues what waited behind that.
    pub(crate) fn end_sought_where(
        &mut self,
        mut over: impl FnMut(&RoomId, Instant, &Sought) -> bool,
    ) -> Vec<Ended<Sought>> {
        self.end_in_each(|entry, shares| {
            let (room, taken_at) = (&entry.room, entry.taken_at);
            let bytes = entry.payload.bytes.len();
            let is_over = |sought: &mut Sought| over(room, taken_at, sought);
            let ended: Vec<_> = entry.sought.extract_if(.., is_over).collect();
            for peer in ended.iter().filter_map(Sought::peer) {
                shares.end(&peer, bytes);
            }
            ended
        })
    }

    /// Queues what waited behind a signal whose receiver was looked up.
    pub(crate) fn queue_unbarred(&mut self, links: &Links) {
        let nodes = self.lift_bars();
        self.queue_on(&nodes, links);
    }

    /// Bars only the peers that are still being looked up. Returns the nodes for which something may be queued that could
    /// not be before.
    fn lift_bars(&mut self) -> SmallVec<[NodeId; 1]> {
        let mut nodes = SmallVec::new();
        if self.barred.is_empty() {
            return nodes;
        }
        let sought = self.entries.iter().flat_map(|entry| &entry.sought);
        let mut barred: Vec<_> = sought.filter_map(Sought::peer).collect();
        barred.sort_unstable();
        barred.dedup();
        let former = std::mem::replace(&mut self.barred, barred);
        let is_free = |peer: &PeerId| former.contains(peer) && !self.barred.contains(peer);
        let targets = self.entries.iter().flat_map(|entry| &entry.targets);
        for target in targets.filter(|target: &&Target| is_free(&target.peer)) {
            if !nodes.contains(&target.node) {
                nodes.push(target.node.clone());
            }
        }
        self.queued_on.retain(|(node, _)| !nodes.contains(node));
        nodes
    }
}
