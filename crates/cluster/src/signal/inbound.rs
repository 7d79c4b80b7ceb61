//! What reaches one session from others: in order, at most once, and answered for.
//!
//! The signals of one sender to this session are a stream. A stream hands on an id above its high-water and holds nothing
//! back; it remembers which ids were handed on and not answered, and which were refused and why, so that a repeat gets the
//! same answer as the first. What a session has was handed on over one connection: once that is lost, everything is
//! refused with `moved`, and waits at the sender's node for the next one.

mod stream;

use std::collections::{HashMap, HashSet, VecDeque};

use switchboard_protocol::server_message::Reason;
use switchboard_protocol::{NodeId, PeerId};
use switchboard_traces::Span;
use tokio::time::{Duration, Instant};

use self::stream::{HANDED_ON_MAX, Stream};
use crate::backend::record::Epoch;
use crate::link::envelope::Receipt;
use crate::sabotage::{Guard, is_out};
use crate::signal::answer::{Answer, Fate};
use crate::signal::seen::Seen;
use crate::signal::traced::Writing;

/// Ids handed on to a session and not yet answered, over all its streams.
const PENDING_MAX: usize = 8192;
/// Senders in none of a session's rooms for which it is remembered what its client has seen.
const SEEN_ELSEWHERE_MAX: usize = 256;
/// Ids that a client which resumes may list as handled, over all senders.
const LISTED_MAX: usize = 8192;

/// What to do with an id that arrives, by its stream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Judgement {
    /// It is new: hand it on.
    HandOn,
    /// It was handed on and is being handled; its answer will come.
    Pending,
    /// It was answered before, or nothing is handed on any more.
    Answer(Answer),
    /// It comes from a node that the sender has left; its client sends it again from the present one.
    Stale,
}

/// The streams to one session.
#[derive(Debug, Default)]
pub(crate) struct Inbound {
    streams: HashMap<PeerId, Stream>,
    pending: usize,
    ended: Option<Fate>,
    /// Those that are traced, while the kernel does not have them.
    writing: Option<Box<Writing>>,
}

impl Inbound {
    /// Of a session that is resumed: its client has handled everything up to these ids.
    pub(crate) fn resumed(seen: Seen) -> Self {
        let Some(mut lists) = seen.listed else {
            let streams = seen.up_to.into_iter();
            return Self {
                streams: streams
                    .map(|(sender, id)| (sender, Stream::handled_up_to(id)))
                    .collect(),
                ..Self::default()
            };
        };
        let mut left = LISTED_MAX;
        let mut streams = HashMap::with_capacity(seen.up_to.len());
        for (sender, id) in seen.up_to {
            let mut list = lists.remove(&sender).unwrap_or_default();
            list.retain(|handled| *handled <= id);
            list.sort_unstable();
            list.dedup();
            list.drain(..list.len().saturating_sub(HANDED_ON_MAX.min(left)));
            left -= list.len();
            streams.insert(sender, Stream::having_handled(id, list));
        }
        Self {
            streams,
            ..Self::default()
        }
    }

    /// Of what the client has seen from other senders, keeps as much as it takes for those which it soon meets again, in a
    /// room that it has yet to join.
    pub(crate) fn keep_members(&mut self, members: &HashSet<PeerId>) {
        let mut others = 0;
        self.streams.retain(|sender, stream| {
            stream.node.is_some() || members.contains(sender) || {
                others += 1;
                others <= SEEN_ELSEWHERE_MAX
            }
        });
    }

    /// Judges an id from `sender`; a new one counts as handed on, unless it is [refused](Self::refuse) right after.
    pub(crate) fn judge(
        &mut self,
        sender: PeerId,
        epoch: Epoch,
        node: &NodeId,
        id: u64,
    ) -> Judgement {
        let overloaded = self.pending >= PENDING_MAX;
        let ended = self.ended;
        let stream = self.streams.entry(sender).or_insert_with(Stream::new);
        if epoch < stream.epoch {
            return Judgement::Stale;
        }
        stream.used_at = Instant::now();
        if epoch > stream.epoch || stream.node.as_ref() != Some(node) {
            stream.epoch = epoch;
            stream.node = Some(node.clone());
        }
        if let Some(fate) = ended {
            return Judgement::Answer(stream.answer_after(fate, id));
        }
        if stream.knows(id) && !is_out(Guard::HighWater) {
            return stream
                .remembered(id)
                .map_or(Judgement::Pending, Judgement::Answer);
        }
        stream.high_water = id;
        if overloaded {
            stream.refuse(id, Reason::Overloaded);
            return Judgement::Answer(Answer::Refused(Reason::Overloaded));
        }
        stream.pending.push_back(id);
        stream.hand_on(id);
        self.pending += 1;
        Judgement::HandOn
    }

    /// What became of an id that nothing will become of any more, `untouched` where nothing did; `None` where its answer
    /// will still come.
    pub(crate) fn recall(
        &self,
        sender: &PeerId,
        id: u64,
        (fate, untouched): (Fate, Answer),
    ) -> Option<Answer> {
        match self.streams.get(sender) {
            Some(stream) if stream.knows(id) => stream.remembered_outside(id, fate.of_written()),
            _ => Some(untouched),
        }
    }

    /// The answer for an id in a room that the session is not in. A new one is refused for good: it may come again, when a
    /// link starts a new generation, and the session may be in the room by then.
    pub(crate) fn turn_away(
        &mut self,
        (sender, epoch): (PeerId, Epoch),
        id: u64,
        reason: Reason,
    ) -> Option<Answer> {
        let stream = self.streams.entry(sender).or_insert_with(Stream::new);
        if stream.knows(id) {
            return stream.remembered_outside(id, Answer::Refused(Reason::Unconfirmed));
        }
        if epoch >= stream.epoch {
            stream.used_at = Instant::now();
            // Those before it may be on their way to another room, where the session is: the high-water stays.
            stream.refuse(id, reason);
        }
        Some(Answer::Refused(reason))
    }

    /// The session's outbox did not take the id that was just judged.
    pub(crate) fn refuse(&mut self, sender: &PeerId, id: u64, reason: Reason) {
        let Some(stream) = self.streams.get_mut(sender) else {
            return;
        };
        if stream.pending.back() == Some(&id) {
            stream.pending.pop_back();
            stream.handed_on.pop_back();
            self.pending -= 1;
        }
        stream.refuse(id, reason);
    }

    /// A signal that is traced waits in the outbox, as long as its span lasts.
    pub(crate) fn begin_writing(&mut self, sender: PeerId, id: u64, span: Box<Span>) {
        let writing = self.writing.get_or_insert_default();
        writing.begin(sender, id, span);
    }

    /// The client may have everything from `sender` up to `id`.
    pub(crate) fn begun(&mut self, sender: &PeerId, id: u64) {
        if let Some(stream) = self.streams.get_mut(sender) {
            stream.written = stream.written.max(id);
        }
    }

    /// The kernel has everything from `sender` up to `id`. Where `answers` (the client sends no `received`), that is the
    /// answer.
    pub(crate) fn written(
        &mut self,
        receiver: PeerId,
        sender: &PeerId,
        id: u64,
        answers: bool,
    ) -> Option<(NodeId, Receipt)> {
        self.begun(sender, id);
        let writing = &mut self.writing;
        writing.take_if(|writing| writing.written(sender, id));
        if answers {
            self.received(receiver, sender, id)
        } else {
            None
        }
    }

    /// The client has handled everything from `sender` up to `id`; what it was never sent does not count.
    pub(crate) fn received(
        &mut self,
        receiver: PeerId,
        sender: &PeerId,
        id: u64,
    ) -> Option<(NodeId, Receipt)> {
        if self.ended.is_some() {
            return None;
        }
        let stream = self.streams.get_mut(sender)?;
        let node = stream.node.clone()?;
        let through = id.min(stream.written);
        let mut receipt = Receipt::empty(*sender, stream.epoch, receiver);
        while stream
            .pending
            .front()
            .is_some_and(|pending| *pending <= through)
        {
            receipt.delivered.extend(stream.pending.pop_front());
        }
        self.pending -= receipt.delivered.len();
        if stream.pending.is_empty() && stream.pending.capacity() > 16 {
            stream.pending = VecDeque::new();
        }
        (!receipt.delivered.is_empty()).then_some((node, receipt))
    }

    /// The session has ended: what was handed on and not answered gets its answer, and nothing is handed on any more.
    pub(crate) fn end(&mut self, receiver: (PeerId, Epoch), fate: Fate) -> Vec<(NodeId, Receipt)> {
        self.writing = None;
        if self.ended.replace(fate).is_some() {
            return Vec::new();
        }
        let streams = self
            .streams
            .iter()
            .filter(|(_, stream)| !stream.pending.is_empty());
        let mut answers: Vec<_> = streams
            .filter_map(|(sender, stream)| {
                let mut receipt = Receipt::empty(*sender, stream.epoch, receiver.0);
                for &id in &stream.pending {
                    receipt.add(id, receiver.1, stream.answer_after(fate, id));
                }
                Some((stream.node.clone()?, receipt))
            })
            .collect();
        answers.sort_unstable_by_key(|(_, receipt)| receipt.sender);
        answers
    }

    /// The senders of streams that were not used for `idle`. What such a stream still waits for is given up: its sender
    /// was answered long ago.
    pub(crate) fn idle_since(&mut self, now: Instant, idle: Duration) -> Vec<PeerId> {
        let mut senders = Vec::new();
        for (sender, stream) in &mut self.streams {
            if now.saturating_duration_since(stream.used_at) < idle {
                continue;
            }
            senders.push(*sender);
            if let Some(newest) = stream.pending.back() {
                stream.unsure = stream.unsure.max(*newest);
                self.pending -= stream.pending.len();
                stream.pending = VecDeque::new();
            }
        }
        senders
    }

    /// Forgets the streams of these senders: they share no room with the session any more.
    pub(crate) fn forget(&mut self, senders: &[PeerId]) {
        for sender in senders {
            // It may have come back to life since it was found idle.
            if self
                .streams
                .get(sender)
                .is_some_and(|stream| stream.pending.is_empty())
            {
                self.streams.remove(sender);
            }
        }
        if self.streams.is_empty() {
            self.streams = HashMap::new();
        }
    }
}

#[cfg(test)]
mod tests;
