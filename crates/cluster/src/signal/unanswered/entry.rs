//! One unanswered signal, with every receiver whose answer is missing.

use smallvec::SmallVec;
use switchboard_protocol::{Payload, PeerId, RoomId};
use switchboard_traces::{SignalAbout, Traces};
use tokio::time::Instant;

use super::ended::Ended;
use super::shares::Shares;
use super::sought::Sought;
use super::target::Target;
use crate::backend::record::Epoch;
use crate::link::envelope::{Envelope, SignalEnvelope};
use crate::link::{Full, Link, Urgency};
use crate::observe::KindClass;
use crate::signal::traced::{Answered, Trace};

#[derive(Debug)]
pub(super) struct Entry {
    pub(super) id: u64,
    pub(super) room: RoomId,
    /// Of the roster by which the signal was taken.
    pub(super) revision: u64,
    pub(super) kind: Box<str>,
    pub(super) payload: Payload,
    pub(super) trace: Option<Box<Trace>>,
    pub(super) taken_at: Instant,
    /// What it counts for in the node's bound.
    pub(super) charged: usize,
    pub(super) targets: SmallVec<[Target; 1]>,
    /// Receivers that are being looked up.
    pub(super) sought: Vec<Sought>,
}

impl Entry {
    /// Every receiver has answered.
    pub(super) fn is_over(&self) -> bool {
        self.targets.is_empty() && self.sought.is_empty()
    }

    /// Adds receivers. One whose answer is missing already stays as it is.
    pub(super) fn add(
        &mut self,
        targets: SmallVec<[Target; 1]>,
        sought: Option<Sought>,
        shares: &mut Shares,
    ) {
        let bytes = self.payload.bytes.len();
        for target in targets {
            if self.targets.iter().all(|known| known.peer != target.peer) && !self.seeks(&target) {
                shares.begin(target.peer, bytes);
                self.targets.push(target);
            }
        }
        if let Some(sought) = sought.filter(|sought| !self.is_for(sought)) {
            if let Some(peer) = sought.peer() {
                shares.begin(peer, bytes);
            }
            self.sought.push(sought);
        }
    }

    /// Queues the signal on `link`, which is in that generation, for the receivers at its node that it is due to; not for
    /// those which are `barred`.
    pub(super) fn queue(
        &mut self,
        (sender, sender_epoch): (PeerId, Epoch),
        link: &Link,
        (generation, barred): (u64, &[PeerId]),
    ) -> Result<(), Full> {
        let is_due = |target: &Target| {
            target.is_due(link.to(), generation) && !barred.contains(&target.peer)
        };
        let due = self.targets.iter().filter(|target| is_due(target));
        let receivers: SmallVec<[_; 1]> = due.map(|target| (target.peer, target.epoch)).collect();
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
            traceparent: self.trace.as_ref().map(|trace| &*trace.traceparent),
        });
        let position = link.enqueue_in(Some(generation), &envelope, Urgency::Now)?;
        for target in self.targets.iter_mut().filter(|target| is_due(target)) {
            target.queued(position);
        }
        Ok(())
    }

    /// Of a receiver that was in the entry. `is_last`: none is left.
    pub(super) fn end<R>(
        &mut self,
        receiver: R,
        is_last: bool,
        (traces, sender): (&Traces, &PeerId),
    ) -> Ended<R> {
        let trace = self.trace.as_mut();
        let answered = match trace.and_then(|trace| trace.answered(is_last)) {
            None if is_last && traces.is_on() => self.slow(traces, sender),
            answered => answered,
        };
        Ended {
            id: self.id,
            kind: KindClass::of(&self.kind),
            receiver,
            taken_at: self.taken_at,
            answered: answered.map(Box::new),
        }
    }

    fn slow(&self, traces: &Traces, sender: &PeerId) -> Option<Answered> {
        let about = SignalAbout {
            sender,
            id: self.id,
            room: self.room.as_str(),
            kind: &self.kind,
            bytes: self.payload.bytes.len(),
        };
        let asked = self.trace.as_ref().map(|trace| &*trace.traceparent);
        let slow = traces.slow_signal(asked, about, self.taken_at)?;
        let room = self.room.clone();
        Some(Answered::Slow { slow, room })
    }

    fn seeks(&self, target: &Target) -> bool {
        let mut sought = self.sought.iter().filter_map(Sought::peer);
        sought.any(|peer| peer == target.peer)
    }

    /// Whether the entry waits for that receiver already.
    fn is_for(&self, sought: &Sought) -> bool {
        let is_known = |known: &Sought| known.wanted == sought.wanted;
        let is_target = |peer| self.targets.iter().any(|target| target.peer == peer);
        self.sought.iter().any(is_known) || sought.peer().is_some_and(is_target)
    }
}
