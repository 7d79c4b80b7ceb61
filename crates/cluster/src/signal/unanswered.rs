//! The signals of one session that are not answered yet: what is sent again when a link starts a new generation or a
//! receiver moves, and what the sender is told at the deadline. Bounded in number and bytes, for each receiver (`shares`),
//! for the session and for the node (`bounds`).
//!
//! ```text
//! relay ─► take (entry) ─► queue (link) ─► answer / refuse ─► released       (answering)
//!                             ▲ retarget: the receiver is at another place    (rerouting)
//!                             └ find: it had to be looked up first            (seeking)
//! ```

mod answering;
pub(crate) mod bounds;
pub(crate) mod ended;
mod entry;
mod rerouting;
mod seeking;
mod shares;
pub(crate) mod sought;
pub(crate) mod target;

use std::collections::VecDeque;
use std::sync::Arc;

use smallvec::SmallVec;
use switchboard_protocol::client_message::Signal;
use switchboard_protocol::{NodeId, PeerId, RoomId};
use switchboard_traces::Traces;
use tokio::time::Instant;

use self::bounds::Bounds;
use self::entry::Entry;
use self::shares::Shares;
use self::sought::Sought;
use self::target::{Earlier, Placement, Target};
use crate::backend::record::{Epoch, MemberRecord};
use crate::link::links::Links;
use crate::link::{Full, Link};
use crate::room::roster::Roster;
use crate::sabotage::{Guard, is_out};
use crate::signal::traced::Trace;

/// Besides its payload an entry counts for so many bytes of the node's bound.
const ENTRY_BYTES: usize = 256;
/// And for so many for each receiver.
const TARGET_BYTES: usize = size_of::<Target>();

/// Why a signal is not taken: a bound is reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Overloaded;

pub(crate) struct Unanswered {
    sender: (PeerId, Epoch),
    /// Ids rise. An entry in the middle that every receiver answered stays, without its payload, until those before it go.
    entries: VecDeque<Entry>,
    /// Entries that wait for an answer.
    signals: usize,
    bytes: usize,
    charged: usize,
    bounds: Arc<Bounds>,
    traces: Traces,
    /// What each receiver has not answered.
    shares: Shares,
    /// Peers that are being looked up in some room: what is for them waits, so that nothing overtakes what waits for that.
    barred: Vec<PeerId>,
    /// Peers that moved, as the newest roster has them: that of another room may be behind.
    moved: Vec<Placement>,
    /// The links on which all entries are queued, in that generation.
    queued_on: SmallVec<[(NodeId, u64); 1]>,
    /// Whether the node has this session on its list of those whose deadlines it watches.
    pub(super) watched: bool,
}

impl Unanswered {
    pub(crate) fn new(sender: (PeerId, Epoch), bounds: Arc<Bounds>, traces: Traces) -> Self {
        Self {
            sender,
            entries: VecDeque::new(),
            signals: 0,
            bytes: 0,
            charged: 0,
            bounds,
            traces,
            shares: Shares::default(),
            barred: Vec::new(),
            moved: Vec::new(),
            queued_on: SmallVec::new(),
            watched: false,
        }
    }

    /// Takes a signal for members of a room and queues it on the links to their nodes. Where it is `repeated` by its
    /// client, it may have arrived the first time, whatever becomes of it now. Returns the visible receivers for which it is
    /// not taken, because a bound is reached.
    pub(crate) fn relay<'a>(
        &mut self,
        signal: &Signal<'_>,
        (room, roster): (&RoomId, &Roster),
        receivers: impl Iterator<Item = &'a MemberRecord>,
        repeated: bool,
        links: &Links,
    ) -> SmallVec<[PeerId; 1]> {
        let bytes = signal.payload.bytes.len();
        let (mut targets, mut refused) = (SmallVec::<[Target; 1]>::new(), SmallVec::new());
        for member in receivers {
            if !self.shares.takes(&member.peer, bytes, &self.bounds.max) {
                refused.extend((!member.flags.hidden).then_some(member.peer));
                continue;
            }
            let (mut target, is_news) = self.aim(member);
            if let Some(member) = roster.member(&member.peer).filter(|_| is_news) {
                self.retarget(Placement::of(member), links);
            }
            if repeated {
                target.sent(Earlier::SentElsewhere);
            }
            targets.push(target);
        }
        if targets.is_empty() {
            return refused;
        }
        let (nodes, visible) = (nodes_of(&targets), visible(&targets));
        match self.take(signal, (room, roster.revision), targets, None) {
            Ok(()) => self.queue_on(&nodes, links),
            Err(Overloaded) => refused.extend(visible),
        }
        refused
    }

    /// Keeps a signal in a room at that revision until it is answered. Its id must not be below those before it: a resumed
    /// client sends a broadcast again to one receiver after another.
    fn take(
        &mut self,
        signal: &Signal<'_>,
        (room, revision): (&RoomId, u64),
        targets: SmallVec<[Target; 1]>,
        sought: Option<Sought>,
    ) -> Result<(), Overloaded> {
        let bytes = signal.payload.bytes.len();
        let newest = self.entries.back_mut();
        if let Some(entry) = newest.filter(|entry| entry.id == signal.id) {
            if !entry.is_over() {
                entry.add(targets, sought, &mut self.shares);
                // What waits in the entry is queued as any newest one is.
                return Ok(());
            }
            self.entries.pop_back();
        }
        let charged = bytes + ENTRY_BYTES + targets.len() * TARGET_BYTES;
        let max = &self.bounds.max;
        let is_full = self.signals >= max.signals
            || self.entries.len() >= 4 * max.signals
            || self.bytes + bytes > max.bytes;
        if is_full || !self.bounds.charge(charged) {
            return Err(Overloaded);
        }
        self.signals += 1;
        self.bytes += bytes;
        self.charged += charged;
        for target in &targets {
            self.shares.begin(target.peer, bytes);
        }
        if let Some(peer) = sought.as_ref().and_then(Sought::peer) {
            self.shares.begin(peer, bytes);
        }
        self.entries.push_back(Entry {
            id: signal.id,
            room: room.clone(),
            revision,
            kind: (*signal.kind).into(),
            payload: signal.payload.to_owned(),
            trace: Trace::begin(&self.traces, signal, &self.sender.0),
            taken_at: Instant::now(),
            charged,
            targets,
            sought: sought.into_iter().collect(),
        });
        Ok(())
    }

    /// [Queues](Self::queue) on the links to these nodes.
    fn queue_on(&mut self, nodes: &[NodeId], links: &Links) {
        for node in nodes {
            self.queue(&links.to(node));
        }
    }

    /// Queues the newest entry on `link`, or, where the link started a new generation or was full, all that are not queued
    /// on it, oldest first. What a full link does not take is queued by a later call.
    pub(crate) fn queue(&mut self, link: &Link) {
        let known = self
            .queued_on
            .iter()
            .position(|(node, _)| node == link.to());
        if let Some(index) = known {
            let generation = self.queued_on[index].1;
            let (newest, on) = (self.entries.back_mut(), (generation, &self.barred[..]));
            if newest.is_some_and(|entry| entry.queue(self.sender, link, on).is_ok()) {
                return;
            }
            self.queued_on.swap_remove(index);
        }
        self.queue_all(link);
    }

    fn queue_all(&mut self, link: &Link) {
        loop {
            let generation = link.generation();
            let queue =
                |entry: &mut Entry| entry.queue(self.sender, link, (generation, &self.barred));
            let queued = if is_out(Guard::OldestFirst) {
                self.entries.iter_mut().rev().try_for_each(queue)
            } else {
                self.entries.iter_mut().try_for_each(queue)
            };
            match queued {
                Ok(()) => return self.queued_on.push((link.to().clone(), generation)),
                Err(Full) if link.generation() == generation => return,
                Err(Full) => {}
            }
        }
    }

    /// Whether no signal waits for an answer.
    pub(crate) fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }
}

/// The receivers whose answers the sender is told.
fn visible(targets: &[Target]) -> SmallVec<[PeerId; 1]> {
    let visible = targets.iter().filter(|target| !target.silent);
    visible.map(|target| target.peer).collect()
}

/// The nodes of the receivers that have a connection.
fn nodes_of(targets: &[Target]) -> SmallVec<[NodeId; 1]> {
    let mut nodes: SmallVec<[NodeId; 1]> = SmallVec::new();
    for target in targets.iter().filter(|target| target.is_connected()) {
        if !nodes.contains(&target.node) {
            nodes.push(target.node.clone());
        }
    }
    nodes
}

#[cfg(test)]
mod tests;
