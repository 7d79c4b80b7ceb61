//! What reaches one session from others: in order, at most once, and answered for.
//!
//! The signals of one sender to this session are a stream. A stream hands on an id above its high-water and holds nothing
//! back; it remembers which ids were handed on and not answered, and which were refused and why, so that a repeat gets the
//! same answer as the first.

use std::collections::{HashMap, VecDeque};

use smallvec::SmallVec;
use switchboard_protocol::server_message::Reason;
use switchboard_protocol::{NodeId, PeerId};
use tokio::time::{Duration, Instant};

use crate::envelope::Receipt;
use crate::record::Epoch;

/// Refused ids that a stream remembers.
const REFUSED_MAX: usize = 64;
/// Ids handed on to a session and not yet answered, over all its streams.
const PENDING_MAX: usize = 8192;

/// What to do with an id that arrives.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// It is new: hand it on.
    HandOn,
    /// It was handed on and is being handled; its answer will come.
    Pending,
    /// It was answered before: answer so again.
    Repeat(Result<(), Reason>),
}

/// The streams to one session.
#[derive(Debug, Default)]
pub(crate) struct Inbound {
    streams: HashMap<PeerId, Stream>,
    pending: usize,
    ended: bool,
}

#[derive(Debug)]
struct Stream {
    epoch: Epoch,
    /// Where the sender is, for the receipts.
    node: NodeId,
    high_water: u64,
    /// The highest id of which a part, at least, was handed to the kernel.
    written: u64,
    pending: VecDeque<u64>,
    refused: VecDeque<(u64, Reason)>,
    /// Up to here, an id that is neither pending nor refused may have been either: the lists are bounded.
    unsure: u64,
    used_at: Instant,
}

impl Inbound {
    /// Judges an id from `sender`; a new one counts as handed on, unless it is [refused](Self::refuse) right after.
    pub(crate) fn judge(
        &mut self,
        sender: PeerId,
        epoch: Epoch,
        node: &NodeId,
        id: u64,
    ) -> Verdict {
        if self.ended {
            return Verdict::Repeat(Err(Reason::Left));
        }
        let overloaded = self.pending >= PENDING_MAX;
        let stream = self
            .streams
            .entry(sender)
            .or_insert_with(|| Stream::new(epoch, node));
        stream.used_at = Instant::now();
        if epoch > stream.epoch || stream.node != *node {
            stream.epoch = epoch;
            stream.node = node.clone();
        }
        if id <= stream.high_water {
            return stream.remembered(id);
        }
        stream.high_water = id;
        if overloaded {
            stream.refuse(id, Reason::Overloaded);
            return Verdict::Repeat(Err(Reason::Overloaded));
        }
        stream.pending.push_back(id);
        self.pending += 1;
        Verdict::HandOn
    }

    /// The session's outbox did not take the id that was just judged.
    pub(crate) fn refuse(&mut self, sender: &PeerId, id: u64, reason: Reason) {
        let Some(stream) = self.streams.get_mut(sender) else {
            return;
        };
        if stream.pending.back() == Some(&id) {
            stream.pending.pop_back();
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
        let stream = self.streams.get_mut(sender)?;
        let through = id.min(stream.written);
        let mut delivered = SmallVec::new();
        while stream
            .pending
            .front()
            .is_some_and(|pending| *pending <= through)
        {
            delivered.extend(stream.pending.pop_front());
        }
        self.pending -= delivered.len();
        if stream.pending.is_empty() && stream.pending.capacity() > 16 {
            stream.pending = VecDeque::new();
        }
        let receipt = Receipt {
            sender: *sender,
            sender_epoch: stream.epoch,
            receiver,
            delivered,
            refused: SmallVec::new(),
        };
        (!receipt.delivered.is_empty()).then(|| (stream.node.clone(), receipt))
    }

    /// The session has ended: what was handed on and not answered gets its answer, and nothing is handed on any more.
    pub(crate) fn end(&mut self, receiver: PeerId) -> Vec<(NodeId, Receipt)> {
        self.ended = true;
        self.pending = 0;
        let answers = self
            .streams
            .drain()
            .filter(|(_, stream)| !stream.pending.is_empty())
            .map(|(sender, stream)| {
                let reason = |id| {
                    if id <= stream.written {
                        Reason::Unconfirmed
                    } else {
                        Reason::Left
                    }
                };
                let refused = stream.pending.iter().map(|&id| (id, reason(id))).collect();
                let receipt = Receipt {
                    sender,
                    sender_epoch: stream.epoch,
                    receiver,
                    delivered: SmallVec::new(),
                    refused,
                };
                (stream.node, receipt)
            });
        answers.collect()
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

impl Stream {
    fn new(epoch: Epoch, node: &NodeId) -> Self {
        Self {
            epoch,
            node: node.clone(),
            high_water: 0,
            written: 0,
            pending: VecDeque::new(),
            refused: VecDeque::new(),
            unsure: 0,
            used_at: Instant::now(),
        }
    }

    fn remembered(&self, id: u64) -> Verdict {
        if let Some((_, reason)) = self.refused.iter().find(|(refused, _)| *refused == id) {
            return Verdict::Repeat(Err(*reason));
        }
        match self.pending.binary_search(&id) {
            Ok(_) => Verdict::Pending,
            Err(_) if id <= self.unsure => Verdict::Repeat(Err(Reason::Unconfirmed)),
            Err(_) => Verdict::Repeat(Ok(())),
        }
    }

    fn refuse(&mut self, id: u64, reason: Reason) {
        if self.refused.len() == REFUSED_MAX {
            let oldest = self.refused.pop_front().map_or(0, |(id, _)| id);
            self.unsure = self.unsure.max(oldest);
        }
        self.refused.push_back((id, reason));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Rig {
        inbound: Inbound,
        sender: PeerId,
        receiver: PeerId,
        node: NodeId,
    }

    impl Rig {
        fn new() -> Self {
            Self {
                inbound: Inbound::default(),
                sender: PeerId::random(),
                receiver: PeerId::random(),
                node: NodeId::start("a"),
            }
        }

        fn judge(&mut self, id: u64) -> Verdict {
            self.inbound.judge(self.sender, 1, &self.node, id)
        }

        fn received(&mut self, id: u64) -> Vec<u64> {
            let answer = self.inbound.received(self.receiver, &self.sender, id);
            answer.map_or_else(Vec::new, |(_, receipt)| receipt.delivered.to_vec())
        }
    }

    #[test]
    fn each_id_is_handed_on_once_and_a_repeat_gets_the_same_answer() {
        let mut rig = Rig::new();
        assert_eq!(rig.judge(5), Verdict::HandOn);
        assert_eq!(rig.judge(5), Verdict::Pending);
        rig.inbound.written(rig.receiver, &rig.sender, 5, false);
        assert_eq!(rig.received(5), [5]);
        assert_eq!(rig.judge(5), Verdict::Repeat(Ok(())));
        assert_eq!(rig.judge(6), Verdict::HandOn);
        rig.inbound.refuse(&rig.sender, 6, Reason::Overloaded);
        assert_eq!(rig.judge(6), Verdict::Repeat(Err(Reason::Overloaded)));
    }

    #[test]
    fn a_client_cannot_acknowledge_what_it_was_never_sent() {
        let mut rig = Rig::new();
        for id in 1..=4 {
            rig.judge(id);
        }
        assert_eq!(rig.received(9), [0; 0]);
        rig.inbound.written(rig.receiver, &rig.sender, 2, false);
        assert_eq!(rig.received(9), [1, 2]);
        assert_eq!(rig.received(9), [0; 0]);
    }

    #[test]
    fn the_end_says_left_for_what_was_never_written_and_unconfirmed_for_the_rest() {
        let mut rig = Rig::new();
        for id in 1..=3 {
            rig.judge(id);
        }
        rig.inbound.written(rig.receiver, &rig.sender, 2, false);
        rig.received(1);
        let answers = rig.inbound.end(rig.receiver);
        let refused: Vec<_> = answers
            .into_iter()
            .flat_map(|(_, receipt)| receipt.refused)
            .collect();
        assert_eq!(refused, [(2, Reason::Unconfirmed), (3, Reason::Left)]);
        assert_eq!(rig.judge(4), Verdict::Repeat(Err(Reason::Left)));
    }

    #[test]
    fn a_refusal_that_was_forgotten_is_not_told_as_delivered() {
        let mut rig = Rig::new();
        for id in 1..=REFUSED_MAX as u64 + 1 {
            rig.judge(id);
            rig.inbound.refuse(&rig.sender, id, Reason::Overloaded);
        }
        assert_eq!(rig.judge(1), Verdict::Repeat(Err(Reason::Unconfirmed)));
        assert_eq!(rig.judge(2), Verdict::Repeat(Err(Reason::Overloaded)));
    }

    #[test]
    fn a_receiver_that_never_answers_is_bounded() {
        let mut rig = Rig::new();
        for id in 1..=PENDING_MAX as u64 {
            assert_eq!(rig.judge(id), Verdict::HandOn);
        }
        assert_eq!(
            rig.judge(PENDING_MAX as u64 + 1),
            Verdict::Repeat(Err(Reason::Overloaded))
        );
    }
}
