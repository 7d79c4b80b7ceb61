//! What reaches one session from others: in order, at most once, and answered for.
//!
//! The signals of one sender to this session are a stream. A stream hands on an id above its high-water and holds nothing
//! back; it remembers which ids were handed on and not answered, and which were refused and why, so that a repeat gets the
//! same answer as the first. What a session has was handed on over one connection: once that is lost, everything is
//! refused with `moved`, and waits at the sender's node for the next one.

use std::collections::{BTreeMap, HashMap, HashSet, VecDeque};

use switchboard_protocol::client_message::Resume;
use switchboard_protocol::server_message::Reason;
use switchboard_protocol::{NodeId, PeerId};
use tokio::time::{Duration, Instant};

use crate::backend::record::Epoch;
use crate::link::envelope::{MovedSignal, Receipt};
use crate::sabotage::{Guard, is_out};

/// Refused ids that a stream remembers.
const REFUSED_MAX: usize = 64;
/// Ids handed on that a stream remembers one by one. Of those before them it knows only that they were.
const HANDED_ON_MAX: usize = 256;
/// Ids handed on to a session and not yet answered, over all its streams.
const PENDING_MAX: usize = 8192;

/// Senders in none of a session's rooms for whom it is remembered what its client has seen.
const SEEN_ELSEWHERE_MAX: usize = 256;
/// Ids that a client which resumes may list as handled, over all senders.
const LISTED_MAX: usize = 8192;

/// What a client that resumes says of the signals it has handled.
#[derive(Debug, Default)]
pub struct Seen {
    /// For each sender, up to which id.
    pub up_to: BTreeMap<PeerId, u64>,
    /// For each sender the last of these ids, rising; `None` where the client does not list them.
    pub listed: Option<BTreeMap<PeerId, Vec<u64>>>,
}

impl From<BTreeMap<PeerId, u64>> for Seen {
    fn from(up_to: BTreeMap<PeerId, u64>) -> Self {
        Self {
            up_to,
            listed: None,
        }
    }
}

impl From<&Resume<'_>> for Seen {
    fn from(resume: &Resume<'_>) -> Self {
        Self {
            up_to: resume.seen.clone(),
            listed: resume.handled.clone(),
        }
    }
}

/// What to do with an id that arrives.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// It is new: hand it on.
    HandOn,
    /// It was handed on and is being handled; its answer will come.
    Pending,
    /// It was answered before, or nothing is handed on any more.
    Answer(Answer),
    /// It comes from a node that the sender has left; its client sends it again from the present one.
    Stale,
}

/// What the sender's node is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Answer {
    /// The receiver has it.
    Delivered,
    /// It will not have it, or may, for [`Reason::Unconfirmed`].
    Refused(Reason),
    /// The receiver has no connection here any more.
    Moved {
        /// It may have it all the same.
        may_have: bool,
    },
}

/// How a session on this node ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fate {
    /// It left its rooms.
    Left,
    /// It lost its connection and may be, or is, back with another.
    Moved,
}

/// The streams to one session.
#[derive(Debug, Default)]
pub(crate) struct Inbound {
    streams: HashMap<PeerId, Stream>,
    pending: usize,
    ended: Option<Fate>,
}

#[derive(Debug)]
struct Stream {
    epoch: Epoch,
    /// Where the sender is, for the receipts; `None`: nothing came from it over this connection.
    node: Option<NodeId>,
    high_water: u64,
    /// Up to here, every id counts as handed on: the client said so, or it is too long ago to be remembered.
    floor: u64,
    /// The last id that the client had handled as it came here, where it says no more than that. What was refused before is
    /// not among what it had, and nobody here knows which those are.
    unlisted: u64,
    /// The same where it lists them: up to here, what it does not list it does not have.
    listed: u64,
    /// The highest id of which a part, at least, was handed to the kernel.
    written: u64,
    pending: VecDeque<u64>,
    handed_on: VecDeque<u64>,
    refused: VecDeque<(u64, Reason)>,
    /// Up to here, an id that is neither pending nor refused may have been either: the lists are bounded.
    unsure: u64,
    used_at: Instant,
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

    /// Of what the client says to have seen from anybody else, keeps so much as it takes for those whom it soon meets
    /// again, in a room that it has yet to join.
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
    ) -> Verdict {
        let overloaded = self.pending >= PENDING_MAX;
        let ended = self.ended;
        let stream = self.streams.entry(sender).or_insert_with(Stream::new);
        if epoch < stream.epoch {
            return Verdict::Stale;
        }
        stream.used_at = Instant::now();
        if epoch > stream.epoch || stream.node.as_ref() != Some(node) {
            stream.epoch = epoch;
            stream.node = Some(node.clone());
        }
        if let Some(fate) = ended {
            return Verdict::Answer(stream.answer_after(fate, id));
        }
        if stream.knows(id) && !is_out(Guard::HighWater) {
            return stream
                .remembered(id)
                .map_or(Verdict::Pending, Verdict::Answer);
        }
        stream.high_water = id;
        if overloaded {
            stream.refuse(id, Reason::Overloaded);
            return Verdict::Answer(Answer::Refused(Reason::Overloaded));
        }
        stream.pending.push_back(id);
        stream.hand_on(id);
        self.pending += 1;
        Verdict::HandOn
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

    /// The answer for an id in a room that the session is not in. A new one is refused for good: it may come again, where a
    /// link starts anew, and the session be in the room by then.
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

    /// The client may have everything from `sender` up to `id`.
    pub(crate) fn begun(&mut self, sender: &PeerId, id: u64) {
        if let Some(stream) = self.streams.get_mut(sender) {
            stream.written = stream.written.max(id);
        }
    }

    /// The kernel has everything from `sender` up to `id`. Where `answers` (the client says no `received`), that is the
    /// answer.
    pub(crate) fn written(
        &mut self,
        receiver: PeerId,
        sender: &PeerId,
        id: u64,
        answers: bool,
    ) -> Option<(NodeId, Receipt)> {
        self.begun(sender, id);
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
    /// was told long since.
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

impl Fate {
    /// The answer for what never came near the session's connection.
    pub(crate) fn of_untouched(self) -> Answer {
        match self {
            Self::Left => Answer::Refused(Reason::Left),
            Self::Moved => Answer::Moved { may_have: false },
        }
    }

    fn of_written(self) -> Answer {
        match self {
            Self::Left => Answer::Refused(Reason::Unconfirmed),
            Self::Moved => Answer::Moved { may_have: true },
        }
    }
}

impl Stream {
    fn new() -> Self {
        Self {
            epoch: 0,
            node: None,
            high_water: 0,
            floor: 0,
            unlisted: 0,
            listed: 0,
            written: 0,
            pending: VecDeque::new(),
            handed_on: VecDeque::new(),
            refused: VecDeque::new(),
            unsure: 0,
            used_at: Instant::now(),
        }
    }

    /// The client says no more than that it has handled everything up to `id`.
    fn handled_up_to(id: u64) -> Self {
        Self {
            high_water: id,
            floor: id,
            unlisted: id,
            ..Self::new()
        }
    }

    /// The client has handled nothing above `id`, and of what is in the list or above its first just what is listed. Of
    /// what is below nobody knows.
    fn having_handled(id: u64, list: Vec<u64>) -> Self {
        Self {
            high_water: id,
            listed: id,
            unsure: list.first().map_or(id, |first| first.saturating_sub(1)),
            handed_on: list.into(),
            ..Self::new()
        }
    }

    /// Whether something became of an id already.
    fn knows(&self, id: u64) -> bool {
        let was_refused = || self.refused.iter().any(|(refused, _)| *refused == id);
        id <= self.high_water.max(self.unsure) || was_refused()
    }

    /// The answer to an id that is [known](Self::knows); `None`: it is pending.
    fn remembered(&self, id: u64) -> Option<Answer> {
        if let Some((_, reason)) = self.refused.iter().find(|(refused, _)| *refused == id) {
            return Some(Answer::Refused(*reason));
        }
        if self.pending.binary_search(&id).is_ok() {
            return None;
        }
        Some(if id <= self.unsure {
            Answer::Refused(Reason::Unconfirmed)
        } else if id <= self.floor || self.handed_on.binary_search(&id).is_ok() {
            Answer::Delivered
        } else if id <= self.listed {
            // It was refused over an earlier connection: it was for an earlier stay in the room, as good as always.
            Answer::Refused(Reason::Left)
        } else {
            // Its sender was over a bound when it came first, and later ones have overtaken it since.
            Answer::Refused(Reason::Overloaded)
        })
    }

    /// The same where the session is not in the room: then it may have been refused for that before, where the session was
    /// at that time, and the client have gone on to later ones in another room. `unsure` is the answer then, unless the
    /// client has listed what it handled.
    fn remembered_outside(&self, id: u64, unsure: Answer) -> Option<Answer> {
        match self.remembered(id) {
            Some(Answer::Delivered) if id <= self.unlisted => Some(unsure),
            answer => answer,
        }
    }

    fn answer_after(&self, fate: Fate, id: u64) -> Answer {
        if !self.knows(id) {
            return fate.of_untouched();
        }
        self.remembered(id).unwrap_or_else(|| {
            if id <= self.written {
                fate.of_written()
            } else {
                fate.of_untouched()
            }
        })
    }

    fn hand_on(&mut self, id: u64) {
        if self.handed_on.len() >= HANDED_ON_MAX
            && let Some(oldest) = self.handed_on.pop_front()
        {
            if oldest <= self.listed {
                self.unsure = self.unsure.max(oldest);
            } else {
                self.floor = oldest;
            }
        }
        self.handed_on.push_back(id);
    }

    fn refuse(&mut self, id: u64, reason: Reason) {
        if self.refused.len() == REFUSED_MAX {
            let oldest = self.refused.pop_front().map_or(0, |(id, _)| id);
            self.unsure = self.unsure.max(oldest);
        }
        self.refused.push_back((id, reason));
    }
}

impl Receipt {
    /// Says nothing yet.
    pub(crate) fn empty(sender: PeerId, sender_epoch: Epoch, receiver: PeerId) -> Self {
        Self {
            sender,
            sender_epoch,
            receiver,
            delivered: Default::default(),
            refused: Default::default(),
            moved: Default::default(),
        }
    }

    /// Adds the answer for a signal that named the receiver with that epoch.
    pub(crate) fn add(&mut self, id: u64, epoch: Epoch, answer: Answer) {
        match answer {
            Answer::Delivered => self.delivered.push(id),
            Answer::Refused(reason) => self.refused.push((id, reason)),
            Answer::Moved { may_have } => self.moved.push(MovedSignal {
                id,
                epoch,
                may_have,
            }),
        }
    }
}

#[cfg(test)]
mod tests;
