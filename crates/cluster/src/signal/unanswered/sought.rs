//! Signals for a member that this node has not heard of: they keep their place in the stream until it was looked up.

use smallvec::SmallVec;
use switchboard_protocol::client_message::Signal;
use switchboard_protocol::{NodeId, PeerId, RoomId};
use tokio::time::Instant;

use super::{Entry, InFlightMax, Overloaded, Target, Unanswered};
use crate::backend::directory::Whom;
use crate::backend::record::MemberRecord;
use crate::observe::KindClass;

/// One receiver that is being looked up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Sought {
    pub(crate) whom: Whom,
    /// It may have arrived, over another connection of the sender.
    pub(crate) repeated: bool,
    /// The look-up under way began after the signal was taken: that the receiver is not there is true of it.
    covered: bool,
}

/// A signal whose receiver was not found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct NotFound {
    pub(crate) id: u64,
    pub(crate) kind: KindClass,
    pub(crate) sought: Sought,
    pub(crate) taken_at: Instant,
}

impl Sought {
    pub(crate) fn new(whom: Whom, repeated: bool) -> Self {
        Self {
            whom,
            repeated,
            covered: false,
        }
    }

    pub(super) fn peer(&self) -> Option<PeerId> {
        match self.whom {
            Whom::Peer(peer) => Some(peer),
            Whom::Name(_) => None,
        }
    }

    pub(crate) fn is_covered(&self) -> bool {
        self.covered
    }
}

impl Entry {
    pub(super) fn seeks(&self, target: &Target) -> bool {
        let mut sought = self.sought.iter().filter_map(Sought::peer);
        sought.any(|peer| peer == target.peer)
    }

    /// Whether the entry waits for that receiver already.
    pub(super) fn is_for(&self, sought: &Sought) -> bool {
        let is_known = |known: &Sought| known.whom == sought.whom;
        let is_target = |peer| self.targets.iter().any(|target| target.peer == peer);
        self.sought.iter().any(is_known) || sought.peer().is_some_and(is_target)
    }
}

impl Unanswered {
    /// Takes a signal whose receiver has to be looked up.
    pub(crate) fn take_sought(
        &mut self,
        signal: &Signal<'_>,
        taken_in: (&RoomId, u64),
        sought: Sought,
        max: &InFlightMax,
    ) -> Result<(), Overloaded> {
        let bytes = signal.payload.bytes.len();
        let has_place = match &sought.whom {
            Whom::Peer(peer) => self.streams.takes(peer, bytes, max),
            Whom::Name(_) => self.takes_for(&sought.whom, max),
        };
        if !has_place {
            return Err(Overloaded);
        }
        let peer = sought.peer();
        self.take_entry(signal, taken_in, (SmallVec::new(), Some(sought)), max)?;
        if let Some(peer) = peer.filter(|peer| !self.barred.contains(peer)) {
            self.barred.push(peer);
        }
        Ok(())
    }

    /// A name has no stream yet; what waits for it is a quarter at most, too.
    fn takes_for(&self, whom: &Whom, max: &InFlightMax) -> bool {
        let all = self.entries.iter().flat_map(|entry| &entry.sought);
        let waiting = all.filter(|sought| sought.whom == *whom).count();
        waiting < max.signals_of_one()
    }

    /// A look-up begins for what waits for it in that room. False: nothing does any more.
    pub(crate) fn begin_seeking(&mut self, room: &RoomId, whom: &Whom) -> bool {
        let mut any = false;
        for sought in self.sought_in(room) {
            if sought.whom == *whom {
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

    /// Whether anything is being looked up.
    pub(crate) fn seeks(&self) -> bool {
        self.entries.iter().any(|entry| !entry.sought.is_empty())
    }

    /// A member was found: what waits for it in that room goes to it. Returns the nodes for which something is to be
    /// [queued](Self::queue).
    pub(crate) fn find_sought(
        &mut self,
        room: &RoomId,
        member: &MemberRecord,
        is_it: impl Fn(&Whom) -> bool,
    ) -> SmallVec<[NodeId; 1]> {
        let mut aimed = [Target::of(member)];
        self.aim(&mut aimed);
        let [aimed] = aimed;
        let mut any = false;
        for entry in self.entries.iter_mut().filter(|entry| entry.room == *room) {
            let streams = &mut self.streams;
            let (bytes, targets) = (entry.payload.bytes.len(), &mut entry.targets);
            entry.sought.retain(|sought| {
                if !is_it(&sought.whom) {
                    return true;
                }
                any = true;
                if sought.peer().is_none() {
                    streams.begin(member.peer, bytes);
                }
                if targets.iter().all(|known| known.peer != member.peer) {
                    targets.push(Target {
                        sent_elsewhere: sought.repeated,
                        ..aimed.clone()
                    });
                } else {
                    streams.end(&member.peer, bytes);
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

    /// Ends what waits for a look-up, oldest first. Then the bars are to be [lifted](Self::lift_bars).
    pub(crate) fn end_sought_where(
        &mut self,
        mut over: impl FnMut(&RoomId, Instant, &Sought) -> bool,
    ) -> Vec<NotFound> {
        self.end_in_each(|entry, streams, ended| {
            let (id, taken_at, room) = (entry.id, entry.taken_at, &entry.room);
            let kind = KindClass::of(&entry.kind);
            let bytes = entry.payload.bytes.len();
            entry.sought.retain(|sought| {
                let over = over(room, taken_at, sought);
                if over {
                    if let Some(peer) = sought.peer() {
                        streams.end(&peer, bytes);
                    }
                    ended.push(NotFound {
                        id,
                        kind,
                        sought: sought.clone(),
                        taken_at,
                    });
                }
                !over
            });
        })
    }

    /// Looks again for whom anything waits. Returns the nodes for which something may be queued that could not before.
    pub(crate) fn lift_bars(&mut self) -> SmallVec<[NodeId; 1]> {
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
        for target in targets.filter(|target| is_free(&target.peer)) {
            if !nodes.contains(&target.node) {
                nodes.push(target.node.clone());
            }
        }
        self.queued_on.retain(|(node, _)| !nodes.contains(node));
        nodes
    }
}
