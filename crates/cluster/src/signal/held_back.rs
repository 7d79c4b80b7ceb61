//! Signals that come before a session can be handed them wait here, in the order they came. A stream is one over all rooms
//! that its two ends share: where one signal waits, those behind it from the same sender do as well, whatever their room.
//!
//! A signal comes too early while its room does not know the sender yet, or has not reached the step with which the
//! session comes in. Others send to a resumed session as soon as they hear of it in one of its rooms, when it may not be in the
//! others yet: until it is, everything waits.

use std::collections::VecDeque;
use std::sync::Arc;

use bytes::Bytes;
use smallvec::smallvec;
use switchboard_protocol::server_message::Reason;
use switchboard_protocol::{NodeId, PeerId};

use crate::backend::record::Epoch;
use crate::link::envelope::{Envelope, SignalEnvelope};
use crate::node::Inner;
use crate::sessions::local_session::LocalSession;
use crate::signal::inbound::Answer;
use crate::tasks::Task;

/// What may wait for one session, bytes.
const EARLY_BYTES_MAX: usize = 1024 * 1024;

/// What waits for one session.
#[derive(Default)]
pub(crate) struct Early {
    /// It is being resumed.
    resuming: bool,
    signals: VecDeque<EarlySignal>,
    bytes: usize,
}

#[derive(Clone)]
struct EarlySignal {
    from: NodeId,
    sender: PeerId,
    envelope: Bytes,
}

impl Early {
    fn holds_back(&self, sender: &PeerId) -> bool {
        self.resuming || self.signals.iter().any(|early| early.sender == *sender)
    }

    /// False: as much waits as may.
    fn hold(&mut self, signal: EarlySignal) -> bool {
        let fits = self.bytes + signal.envelope.len() <= EARLY_BYTES_MAX;
        if fits {
            self.bytes += signal.envelope.len();
            self.signals.push_back(signal);
        }
        fits
    }

    fn first_not_of(&self, senders: &[PeerId]) -> Option<EarlySignal> {
        let mut signals = self.signals.iter().filter(|_| !self.resuming);
        signals
            .find(|early| !senders.contains(&early.sender))
            .cloned()
    }

    fn drop_first_of(&mut self, sender: &PeerId) {
        let first = self
            .signals
            .iter()
            .position(|early| early.sender == *sender);
        if let Some(dropped) = first.and_then(|index| self.signals.remove(index)) {
            self.bytes -= dropped.envelope.len();
        }
    }
}

impl Inner {
    /// From now on, whatever comes for a session waits.
    pub(crate) fn hold_early(&self, local: &Arc<LocalSession>) {
        self.hold_with(local, |early| early.resuming = true);
    }

    /// The session is in all its rooms, or will not be.
    pub(crate) fn take_early(&self, local: &Arc<LocalSession>) {
        if let Some(early) = local.early.lock().as_mut() {
            early.resuming = false;
        }
        self.try_early(local);
    }

    /// What need not wait any longer has its turn, before anything that comes now.
    pub(crate) fn try_early(&self, local: &Arc<LocalSession>) {
        let _taking = local.taking.lock();
        let mut waiting = Vec::new();
        let next = |waiting: &[PeerId]| local.early.lock().as_ref()?.first_not_of(waiting);
        while let Some(early) = next(&waiting) {
            // It is in its place until it was taken, so that nothing overtakes it.
            match Envelope::read(&early.envelope).0 {
                Ok(Some(Envelope::Signal(signal))) if self.is_too_early(&early, &signal) => {
                    waiting.push(early.sender);
                }
                _ => {
                    if let Some(held) = local.early.lock().as_mut() {
                        held.drop_first_of(&early.sender);
                    }
                }
            }
        }
        let mut early = local.early.lock();
        let is_over = |early: &mut Early| !early.resuming && early.signals.is_empty();
        if early.take_if(is_over).is_some() {
            let mut listed = self.early.lock();
            listed.retain(|known| !Arc::ptr_eq(known, local));
        }
    }

    fn is_too_early(&self, early: &EarlySignal, signal: &SignalEnvelope<'_>) -> bool {
        let taken = || self.take_signal_now(&early.from, signal);
        let too_early = self.tasks.guarded(Task::Reader, taken);
        too_early.is_some_and(|waiting| !waiting.is_empty())
    }

    /// A room that changes tries for its own sessions. Here is what is left: those that are not let in, have left, or have
    /// ended.
    pub(crate) fn try_all_early(&self) {
        let listed = self.early.lock().clone();
        for local in listed {
            self.try_early(&local);
        }
    }

    /// Whether a signal has to wait behind others. It does, then.
    pub(crate) fn comes_early(
        &self,
        from: &NodeId,
        receiver: (PeerId, Epoch),
        signal: &SignalEnvelope<'_>,
    ) -> bool {
        let is_early = |local: &Arc<LocalSession>| {
            let early = local.early.lock();
            early
                .as_ref()
                .is_some_and(|early| early.holds_back(&signal.sender))
        };
        let Some(local) = self.sessions.live_in(&receiver).filter(is_early) else {
            return false;
        };
        if let Some(room) = self.rooms.get(signal.room) {
            self.ask(&room, &mut room.lock(), signal);
        }
        self.hold_back(from, &local, signal);
        true
    }

    /// A signal came too early for a receiver, and its room was asked.
    pub(crate) fn hold_back(
        &self,
        from: &NodeId,
        local: &Arc<LocalSession>,
        signal: &SignalEnvelope<'_>,
    ) {
        let receiver = (local.peer, local.epoch);
        let mut envelope = Vec::new();
        Envelope::Signal(SignalEnvelope {
            receivers: smallvec![receiver],
            // The room knows by now that it exists. Said again later, it could be one that the directory has lost since.
            revision: 0,
            ..signal.clone()
        })
        .write(&mut envelope);
        let early = EarlySignal {
            from: from.clone(),
            sender: signal.sender,
            envelope: envelope.into(),
        };
        if !self.hold_with(local, |held| held.hold(early)) {
            let answer = Answer::Refused(Reason::Overloaded);
            self.send_answer(from, signal, receiver, answer);
        }
    }

    fn hold_with<T>(&self, local: &Arc<LocalSession>, hold: impl FnOnce(&mut Early) -> T) -> T {
        let mut early = local.early.lock();
        if early.is_none() {
            self.early.lock().push(local.clone());
        }
        hold(early.get_or_insert_default())
    }
}
