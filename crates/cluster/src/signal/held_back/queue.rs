//! The signals that are held back for one session, in the order they came.

use std::collections::VecDeque;

use smallvec::smallvec;
use switchboard_protocol::{Encoding, NodeId, PeerId};

use crate::backend::record::Epoch;
use crate::link::envelope::SignalEnvelope;

/// What may be held back for one session, bytes.
const HELD_BYTES_MAX: usize = 1024 * 1024;

/// What is held back for one session.
#[derive(Default)]
pub(crate) struct HeldBack {
    /// It is being resumed: everything is held back.
    pub(in crate::signal) resuming: bool,
    signals: VecDeque<HeldSignal>,
    bytes: usize,
}

/// One signal from another node, for one session of this one.
#[derive(Clone)]
pub(in crate::signal) struct HeldSignal {
    /// The sender's node.
    pub(in crate::signal) from: NodeId,
    pub(in crate::signal) sender: PeerId,
    sender_epoch: Epoch,
    id: u64,
    room: Box<str>,
    kind: Box<str>,
    encoding: Encoding,
    payload: Box<[u8]>,
    traceparent: Option<Box<str>>,
    receiver: (PeerId, Epoch),
}

impl HeldSignal {
    /// A signal as it came, for one of its receivers.
    pub(in crate::signal) fn new(
        from: &NodeId,
        signal: &SignalEnvelope<'_>,
        receiver: (PeerId, Epoch),
    ) -> Self {
        Self {
            from: from.clone(),
            sender: signal.sender,
            sender_epoch: signal.sender_epoch,
            id: signal.id,
            room: signal.room.into(),
            kind: signal.kind.into(),
            encoding: signal.encoding,
            payload: signal.payload.into(),
            traceparent: signal.traceparent.map(Into::into),
            receiver,
        }
    }

    /// As it came, for this receiver alone. It names no revision: its room has heard of that one by now, and said again
    /// later, it could be one that the directory has lost since.
    pub(in crate::signal) fn as_envelope(&self) -> SignalEnvelope<'_> {
        SignalEnvelope {
            sender: self.sender,
            sender_epoch: self.sender_epoch,
            id: self.id,
            room: &self.room,
            revision: 0,
            kind: &self.kind,
            encoding: self.encoding,
            payload: &self.payload,
            receivers: smallvec![self.receiver],
            traceparent: self.traceparent.as_deref(),
        }
    }

    /// What it counts for.
    fn bytes(&self) -> usize {
        size_of::<Self>() + self.payload.len() + self.room.len() + self.kind.len()
    }
}

impl HeldBack {
    /// Whether the next signal of that sender has to wait behind others.
    pub(in crate::signal) fn holds_back(&self, sender: &PeerId) -> bool {
        self.resuming || self.signals.iter().any(|held| held.sender == *sender)
    }

    /// False: as much waits as may.
    pub(in crate::signal) fn push(&mut self, signal: HeldSignal) -> bool {
        let fits = self.bytes + signal.bytes() <= HELD_BYTES_MAX;
        if fits {
            self.bytes += signal.bytes();
            self.signals.push_back(signal);
        }
        fits
    }

    /// The first signal that may have its turn and whose sender is none of these.
    pub(in crate::signal) fn first_not_of(&self, senders: &[PeerId]) -> Option<HeldSignal> {
        let mut signals = self.signals.iter().filter(|_| !self.resuming);
        signals
            .find(|held| !senders.contains(&held.sender))
            .cloned()
    }

    pub(in crate::signal) fn drop_first_of(&mut self, sender: &PeerId) {
        let first = self.signals.iter().position(|held| held.sender == *sender);
        if let Some(dropped) = first.and_then(|index| self.signals.remove(index)) {
            self.bytes -= dropped.bytes();
        }
    }

    /// Nothing is held back any more.
    pub(crate) fn is_over(&self) -> bool {
        !self.resuming && self.signals.is_empty()
    }
}
