//! The signals that one session sent and nobody has answered yet: what is sent again when a link starts anew or a receiver
//! moves, and what the sender is told at the deadline. Bounded in number and bytes, for each receiver, for the session and
//! for the node. What is for a member that has to be looked up first is in `sought`, the bound of a receiver in `streams`.

mod sought;
mod streams;

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use smallvec::SmallVec;
use switchboard_protocol::client_message::Signal;
use switchboard_protocol::limits::RECEIVER_SHARE;
use switchboard_protocol::server_message::Reason;
use switchboard_protocol::{NodeId, Payload, PeerId, RoomId};
use tokio::time::Instant;

pub(crate) use self::sought::{NotFound, Sought};
use self::streams::Streams;
use crate::backend::record::{Epoch, MemberRecord};
use crate::link::envelope::{Envelope, MovedSignal, SignalEnvelope};
use crate::link::{Full, Link, Position, Urgency};
use crate::observe::KindClass;
use crate::sabotage::{Guard, is_out};

/// Besides its payload an entry counts for so many bytes of the node's bound.
const ENTRY_BYTES: usize = 256;
/// And for so many for each receiver.
const TARGET_BYTES: usize = size_of::<Target>();

/// One receiver that has not answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Target {
    pub(crate) peer: PeerId,
    pub(crate) epoch: Epoch,
    pub(crate) node: NodeId,
    /// A hidden member: the signal reaches it like others, its answer is told to nobody.
    pub(crate) silent: bool,
    /// Where it went last.
    pub(crate) queued: Option<Position>,
    /// It may have arrived, though the link it is on now cannot say so.
    pub(crate) sent: bool,
    /// It may have arrived by another way than to this connection of the receiver.
    pub(crate) sent_elsewhere: bool,
    /// The receiver has no connection: it waits for the next one.
    pub(crate) held: bool,
}

impl Target {
    pub(crate) fn of(member: &MemberRecord) -> Self {
        Self {
            peer: member.peer,
            epoch: member.epoch,
            node: member.node.clone(),
            silent: member.flags.hidden,
            queued: None,
            sent: false,
            sent_elsewhere: false,
            held: member.flags.away,
        }
    }

    /// It may have arrived, or may yet: what a link holds goes out.
    pub(crate) fn may_be_on_its_way(&self) -> bool {
        self.sent || self.sent_elsewhere || self.queued.is_some()
    }

    fn placement(&self) -> Placement {
        Placement {
            peer: self.peer,
            epoch: self.epoch,
            node: self.node.clone(),
            away: self.held,
        }
    }
}

/// An answer was due for this receiver of this signal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Ended {
    pub(crate) id: u64,
    pub(crate) kind: KindClass,
    pub(crate) target: Target,
    pub(crate) taken_at: Instant,
}

/// Where a peer is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Placement {
    pub(crate) peer: PeerId,
    epoch: Epoch,
    node: NodeId,
    away: bool,
}

impl Placement {
    pub(crate) fn of(member: &MemberRecord) -> Self {
        Self {
            peer: member.peer,
            epoch: member.epoch,
            node: member.node.clone(),
            away: member.flags.away,
        }
    }

    /// Whether a roster that says the other is behind. A peer that was taken for away and was not is where it was, under the
    /// same epoch; if it is away after all, its node says so.
    pub(crate) fn is_ahead_of(&self, other: &Self) -> bool {
        (self.epoch, !self.away) > (other.epoch, !other.away)
    }
}

#[derive(Debug)]
struct Entry {
    id: u64,
    room: RoomId,
    revision: u64,
    kind: Box<str>,
    payload: Payload,
    traceparent: Option<Box<str>>,
    taken_at: Instant,
    /// What it counts for in the node's bound.
    charged: usize,
    targets: SmallVec<[Target; 1]>,
    /// Receivers that are being looked up.
    sought: Vec<Sought>,
}

/// Why a signal is not taken: a bound is reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Overloaded;

/// Bounds on what is unanswered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct InFlightMax {
    /// Signals of one session. Those for one receiver may be a quarter of them.
    pub signals: usize,
    /// Their payload bytes; likewise.
    pub bytes: usize,
    /// Bytes of all sessions of the node.
    pub node_bytes: usize,
}

impl InFlightMax {
    /// Signals of one session for one receiver.
    fn signals_of_one(&self) -> usize {
        (self.signals / RECEIVER_SHARE as usize).max(1)
    }

    /// Their payload bytes.
    fn bytes_of_one(&self) -> usize {
        self.bytes / RECEIVER_SHARE as usize
    }
}

pub(crate) struct Unanswered {
    /// Ids rise. An entry in the middle that everybody answered stays, without its payload, until those before it go.
    entries: VecDeque<Entry>,
    /// Entries that wait for an answer.
    signals: usize,
    bytes: usize,
    charged: usize,
    node_bytes: Arc<AtomicUsize>,
    /// What each receiver has not answered.
    streams: Streams,
    /// Peers that are being looked up in some room: what is for them waits, so that nothing overtakes what waits for that.
    barred: Vec<PeerId>,
    /// Peers that moved, as the newest roster has them: that of another room may be behind.
    moved: Vec<Placement>,
    /// The links on which all entries are queued, in that generation.
    queued_on: SmallVec<[(NodeId, u64); 1]>,
    /// Whether the sweeper has this session on its list.
    pub(crate) watched: bool,
}

impl Unanswered {
    pub(crate) fn new(node_bytes: Arc<AtomicUsize>) -> Self {
        Self {
            entries: VecDeque::new(),
            signals: 0,
            bytes: 0,
            charged: 0,
            node_bytes,
            streams: Streams::default(),
            barred: Vec::new(),
            moved: Vec::new(),
            queued_on: SmallVec::new(),
            watched: false,
        }
    }

    /// Sends to where the newest roster has them, so that signals in several rooms go one way. Returns those of whom the
    /// room of these signals knows more.
    pub(crate) fn aim(&self, targets: &mut [Target]) -> SmallVec<[PeerId; 1]> {
        let mut behind = SmallVec::new();
        for target in targets {
            let mut moved = self.moved.iter();
            let Some(known) = moved.find(|known| known.peer == target.peer) else {
                continue;
            };
            let here = target.placement();
            if known.is_ahead_of(&here) {
                target.epoch = known.epoch;
                target.node = known.node.clone();
                target.held = known.away;
            } else if here.is_ahead_of(known) {
                behind.push(target.peer);
            }
        }
        behind
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    pub(crate) fn waits_for(&self, receiver: &PeerId) -> bool {
        let mut targets = self.entries.iter().flat_map(|entry| &entry.targets);
        targets.any(|target| target.peer == *receiver)
    }

    /// Who moved, and where to.
    pub(crate) fn moved(&self) -> Vec<Placement> {
        self.moved.clone()
    }

    /// Forgets of those who moved there that they did: every room has them there.
    pub(crate) fn forget_moved(&mut self, settled: &[Placement]) {
        self.moved.retain(|known| !settled.contains(known));
        if self.moved.is_empty() {
            self.moved = Vec::new();
        }
    }

    /// Notes where a peer is, by the newest roster.
    pub(crate) fn note_moved(&mut self, placement: Placement) {
        let known = self
            .moved
            .iter_mut()
            .find(|known| known.peer == placement.peer);
        match known {
            Some(known) if known.epoch > placement.epoch => {}
            Some(known) => *known = placement,
            None => self.moved.push(placement),
        }
    }

    /// Takes those targets out whose streams have no place for another signal of so many bytes.
    pub(crate) fn take_out_overloaded(
        &self,
        targets: &mut SmallVec<[Target; 1]>,
        bytes: usize,
        max: &InFlightMax,
    ) -> SmallVec<[Target; 1]> {
        let mut overloaded = SmallVec::new();
        targets.retain(|target| {
            let takes = self.streams.takes(&target.peer, bytes, max);
            if !takes {
                overloaded.push(target.clone());
            }
            takes
        });
        overloaded
    }

    /// Takes a signal in a room at that revision. Its id must not be below those before it: a resumed client sends a
    /// broadcast again to one receiver after another.
    pub(crate) fn take(
        &mut self,
        signal: &Signal<'_>,
        (room, revision): (&RoomId, u64),
        targets: SmallVec<[Target; 1]>,
        max: &InFlightMax,
    ) -> Result<(), Overloaded> {
        self.take_entry(signal, (room, revision), (targets, None), max)
    }

    fn take_entry(
        &mut self,
        signal: &Signal<'_>,
        (room, revision): (&RoomId, u64),
        (targets, sought): (SmallVec<[Target; 1]>, Option<Sought>),
        max: &InFlightMax,
    ) -> Result<(), Overloaded> {
        let bytes = signal.payload.bytes.len();
        if let Some(entry) = self
            .entries
            .back_mut()
            .filter(|entry| entry.id == signal.id)
        {
            if !entry.is_over() {
                entry.add(targets, sought, &mut self.streams);
                // What waits in the entry is queued as any newest one is.
                return Ok(());
            }
            self.entries.pop_back();
        }
        let node_bytes = bytes + ENTRY_BYTES + targets.len() * TARGET_BYTES;
        if self.signals >= max.signals
            || self.entries.len() >= 4 * max.signals
            || self.bytes + bytes > max.bytes
        {
            return Err(Overloaded);
        }
        if self.node_bytes.fetch_add(node_bytes, Ordering::Relaxed) + node_bytes > max.node_bytes {
            self.node_bytes.fetch_sub(node_bytes, Ordering::Relaxed);
            return Err(Overloaded);
        }
        self.signals += 1;
        self.bytes += bytes;
        self.charged += node_bytes;
        for target in &targets {
            self.streams.begin(target.peer, bytes);
        }
        if let Some(peer) = sought.as_ref().and_then(Sought::peer) {
            self.streams.begin(peer, bytes);
        }
        self.entries.push_back(Entry {
            id: signal.id,
            room: room.clone(),
            revision,
            kind: (*signal.kind).into(),
            payload: signal.payload.to_owned(),
            traceparent: signal.traceparent.as_deref().map(Into::into),
            taken_at: Instant::now(),
            charged: node_bytes,
            targets,
            sought: sought.into_iter().collect(),
        });
        Ok(())
    }

    /// Queues the newest entry on `link`, or, where the link started anew or was full, all that are not queued on it,
    /// oldest first. What a full link does not take is queued by a later call.
    pub(crate) fn queue(&mut self, sender: (PeerId, Epoch), link: &Link) {
        let known = self
            .queued_on
            .iter()
            .position(|(node, _)| node == link.to());
        if let Some(index) = known {
            let generation = self.queued_on[index].1;
            let (newest, barred) = (self.entries.back_mut(), &self.barred);
            if newest.is_some_and(|entry| entry.queue(sender, link, (generation, barred)).is_ok()) {
                return;
            }
            self.queued_on.swap_remove(index);
        }
        self.queue_all(sender, link);
    }

    /// A receiver has another epoch, node or connection: what is unanswered by it goes there now, oldest first.
    pub(crate) fn retarget(&mut self, sender: (PeerId, Epoch), member: &MemberRecord, link: &Link) {
        self.note_moved(Placement::of(member));
        let is_new = |target: &&mut Target| {
            target.peer == member.peer
                && (target.epoch < member.epoch
                    || (target.epoch == member.epoch
                        && (target.node != member.node || target.held != member.flags.away)))
        };
        let mut any = false;
        let targets = self.entries.iter_mut().flat_map(|entry| &mut entry.targets);
        for target in targets.filter(is_new) {
            target.sent_elsewhere = target.may_be_on_its_way();
            target.queued = None;
            target.epoch = member.epoch;
            target.node = member.node.clone();
            target.held = member.flags.away;
            any = true;
        }
        if any && !member.flags.away {
            self.queued_on.retain(|(node, _)| node != link.to());
            self.queue_all(sender, link);
        }
    }

    /// `from` had no connection for a signal: it waits for the receiver's next one, unless it has gone on to another node
    /// since, as it does without a new epoch where a node was taken for dead.
    pub(crate) fn hold(&mut self, receiver: &PeerId, from: &NodeId, moved: &MovedSignal) {
        let Some(index) = self.find(moved.id) else {
            return;
        };
        let mut targets = self.entries[index].targets.iter_mut();
        let Some(target) = targets.find(|target| target.peer == *receiver) else {
            return;
        };
        target.sent_elsewhere |= moved.may_have;
        if target.epoch == moved.epoch && target.node == *from {
            target.queued = None;
            target.held = true;
        }
    }

    /// Takes everything for that node off its link, remembering what may have been published: the link starts anew, or
    /// the other side has and answers were lost. Then it is [queued](Self::queue) again.
    pub(crate) fn withdraw(&mut self, link: &Link) {
        self.queued_on.retain(|(node, _)| node != link.to());
        let targets = self.entries.iter_mut().flat_map(|entry| &mut entry.targets);
        for target in targets.filter(|target| target.node == *link.to()) {
            if let Some(position) = target.queued.take() {
                target.sent |= link.may_be_published(position);
            }
        }
    }

    /// The other side has confirmed everything that was queued for it: the link may start anew without it.
    pub(crate) fn keep_confirmed(&mut self, link: &Link) {
        self.queued_on.retain(|(node, _)| node != link.to());
        let targets = self.entries.iter_mut().flat_map(|entry| &mut entry.targets);
        for target in targets.filter(|target| target.node == *link.to()) {
            if let Some(position) = &mut target.queued {
                *position = Position::CONFIRMED;
            }
        }
    }

    fn queue_all(&mut self, sender: (PeerId, Epoch), link: &Link) {
        loop {
            let generation = link.generation();
            let barred = &self.barred;
            let queue = |entry: &mut Entry| entry.queue(sender, link, (generation, barred));
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

    /// A receiver answered.
    pub(crate) fn answer(&mut self, id: u64, receiver: &PeerId) -> Option<Ended> {
        let index = self.find(id)?;
        let entry = &mut self.entries[index];
        let position = entry
            .targets
            .iter()
            .position(|target| target.peer == *receiver)?;
        let kind = KindClass::of(&entry.kind);
        let ended = Ended {
            id,
            kind,
            target: entry.targets.remove(position),
            taken_at: entry.taken_at,
        };
        self.streams.end(receiver, entry.payload.bytes.len());
        if entry.is_over() {
            self.release(index);
            self.settle();
        }
        Some(ended)
    }

    /// A receiver's node refused it. One that the receiver has gone from since, as far as is known here, does not know what
    /// becomes of it now; and the present one does not know what came by another way.
    pub(crate) fn refuse(
        &mut self,
        id: u64,
        receiver: &PeerId,
        (from, reason): (&NodeId, Reason),
    ) -> Option<(Ended, Reason)> {
        let entry = &self.entries[self.find(id)?];
        let mut targets = entry.targets.iter();
        targets.find(|target| target.peer == *receiver && target.node == *from)?;
        let ended = self.answer(id, receiver)?;
        let reason = match ended.target.sent_elsewhere {
            true => Reason::Unconfirmed,
            false => reason,
        };
        Some((ended, reason))
    }

    /// Answers mostly come in the order of the signals.
    fn find(&self, id: u64) -> Option<usize> {
        if self.entries.front()?.id == id {
            return Some(0);
        }
        self.entries
            .binary_search_by_key(&id, |entry| entry.id)
            .ok()
    }

    /// Ends whatever `over` picks, oldest first.
    pub(crate) fn end_where(
        &mut self,
        mut over: impl FnMut(&RoomId, Instant, &Target) -> bool,
    ) -> Vec<Ended> {
        self.end_in_each(|entry, streams, ended| {
            let (id, taken_at, room) = (entry.id, entry.taken_at, &entry.room);
            let kind = KindClass::of(&entry.kind);
            let bytes = entry.payload.bytes.len();
            entry.targets.retain(|target| {
                let over = over(room, taken_at, target);
                if over {
                    streams.end(&target.peer, bytes);
                    ended.push(Ended {
                        id,
                        kind,
                        target: target.clone(),
                        taken_at,
                    });
                }
                !over
            });
        })
    }

    /// Lets `end` take what it will out of each entry, oldest first. Entries that are over by that are released.
    fn end_in_each<T>(
        &mut self,
        mut end: impl FnMut(&mut Entry, &mut Streams, &mut Vec<T>),
    ) -> Vec<T> {
        let mut ended = Vec::new();
        for index in 0..self.entries.len() {
            let before = ended.len();
            end(&mut self.entries[index], &mut self.streams, &mut ended);
            if ended.len() > before && self.entries[index].is_over() {
                self.release(index);
            }
        }
        self.settle();
        ended
    }

    /// When the oldest signal was taken.
    pub(crate) fn oldest(&self) -> Option<Instant> {
        self.entries.front().map(|entry| entry.taken_at)
    }

    /// Everybody has answered this one: its bytes are free.
    fn release(&mut self, index: usize) {
        let payload = std::mem::take(&mut self.entries[index].payload.bytes);
        self.signals -= 1;
        self.bytes -= payload.len();
        let charged = self.entries[index].charged;
        self.charged -= charged;
        self.node_bytes.fetch_sub(charged, Ordering::Relaxed);
    }

    fn settle(&mut self) {
        while self.entries.front().is_some_and(Entry::is_over) {
            self.entries.pop_front();
        }
        if self.entries.is_empty() {
            self.queued_on.clear();
            if self.entries.capacity() > 16 {
                self.entries = VecDeque::new();
            }
        }
    }
}

impl Drop for Unanswered {
    fn drop(&mut self) {
        self.node_bytes.fetch_sub(self.charged, Ordering::Relaxed);
    }
}

impl Entry {
    /// Everybody has answered.
    fn is_over(&self) -> bool {
        self.targets.is_empty() && self.sought.is_empty()
    }

    /// A receiver that is waited for already stays as it is.
    fn add(
        &mut self,
        targets: SmallVec<[Target; 1]>,
        sought: Option<Sought>,
        streams: &mut Streams,
    ) {
        let bytes = self.payload.bytes.len();
        for target in targets {
            if self.targets.iter().all(|known| known.peer != target.peer) && !self.seeks(&target) {
                streams.begin(target.peer, bytes);
                self.targets.push(target);
            }
        }
        if let Some(sought) = sought.filter(|sought| !self.is_for(sought)) {
            if let Some(peer) = sought.peer() {
                streams.begin(peer, bytes);
            }
            self.sought.push(sought);
        }
    }

    fn queue(
        &mut self,
        (sender, sender_epoch): (PeerId, Epoch),
        link: &Link,
        (generation, barred): (u64, &[PeerId]),
    ) -> Result<(), Full> {
        let waits = |target: &Target| {
            target.node == *link.to()
                && !target.held
                && !barred.contains(&target.peer)
                && target
                    .queued
                    .is_none_or(|position| !position.holds_in(generation))
        };
        let receivers: SmallVec<[_; 1]> = self
            .targets
            .iter()
            .filter(|target| waits(target))
            .map(|target| (target.peer, target.epoch))
            .collect();
        if receivers.is_empty() {
            return Ok(());
        }
        let envelope = Envelope::Signal(SignalEnvelope {
            sender,
            sender_epoch,
            id: self.id,
            room: self.room.as_str(),
            revision: self.revision,
            kind: &self.kind,
            encoding: self.payload.encoding,
            payload: &self.payload.bytes,
            receivers,
            traceparent: self.traceparent.as_deref(),
        });
        let position = link.enqueue_in(Some(generation), &envelope, Urgency::Now)?;
        for target in self.targets.iter_mut().filter(|target| waits(target)) {
            // Of a generation that is over nobody knows any more whether it went out.
            target.sent |= target.queued.is_some();
            target.queued = Some(position);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
