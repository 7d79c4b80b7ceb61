//! The signals that are held back for one session, in the order they came.

use std::collections::VecDeque;

use bytes::Bytes;
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
    pub(crate) resuming: bool,
    signals: VecDeque<HeldSignal>,
    bytes: usize,
}

/// One signal from another node, for one session of this one.
#[derive(Clone)]
pub(crate) struct HeldSignal {
    /// The sender's node.
    pub(crate) from: NodeId,
    pub(crate) sender: PeerId,
    sender_epoch: Epoch,
    id: u64,
    room: Box<str>,
    kind: Box<str>,
    encoding: Encoding,
    payload: Bytes,
    traceparent: Option<Box<str>>,
    receiver: (PeerId, Epoch),
}

impl HeldSignal {
    /// A signal as it came, for one of its receivers.
    pub(crate) fn new(
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
            payload: Bytes::copy_from_slice(signal.payload),
            traceparent: signal.traceparent.map(Into::into),
            receiver,
        }
    }

    /// As it came, for this receiver alone. It names no revision: its room has noted that one when the signal came,
    /// and the directory may have lost it since.
    pub(crate) fn as_envelope(&self) -> SignalEnvelope<'_> {
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
        let traceparent = self.traceparent.as_ref().map_or(0, |text| text.len());
        let texts = self.room.len() + self.kind.len() + traceparent;
        size_of::<Self>() + self.payload.len() + texts
    }
}

impl HeldBack {
    /// Whether the next signal of that sender has to wait behind others.
    pub(crate) fn holds_back(&self, sender: &PeerId) -> bool {
        self.resuming || self.signals.iter().any(|held| held.sender == *sender)
    }

    /// False: as much waits as may.
    pub(crate) fn push(&mut self, signal: HeldSignal) -> bool {
        let fits = self.bytes + signal.bytes() <= HELD_BYTES_MAX;
        if fits {
            self.bytes += signal.bytes();
            self.signals.push_back(signal);
        }
        fits
    }

    /// The first signal that may have its turn and whose sender is none of these.
    pub(crate) fn first_not_of(&self, senders: &[PeerId]) -> Option<HeldSignal> {
        let mut signals = self.signals.iter().filter(|_| !self.resuming);
        signals
            .find(|held| !senders.contains(&held.sender))
            .cloned()
    }

    pub(crate) fn drop_first_of(&mut self, sender: &PeerId) {
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

#[cfg(test)]
mod tests {
    use super::*;

    fn signal(sender: PeerId, id: u64, payload: &[u8]) -> SignalEnvelope<'_> {
        SignalEnvelope {
            sender,
            sender_epoch: 3,
            id,
            room: "r",
            revision: 12,
            kind: "offer",
            encoding: Encoding::MessagePack,
            payload,
            receivers: smallvec![(PeerId::random(), 1), (PeerId::random(), 2)],
            traceparent: Some("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"),
        }
    }

    fn held(signal: &SignalEnvelope<'_>) -> HeldSignal {
        HeldSignal::new(&NodeId::start("a"), signal, signal.receivers[1])
    }

    #[test]
    fn a_signal_comes_out_as_it_came_for_its_receiver_alone_and_without_a_revision() {
        let came = signal(PeerId::random(), 7, b"\x81\xa3sdp\xa3v=0");
        let (held, mut expected) = (held(&came), came.clone());
        expected.receivers = smallvec![came.receivers[1]];
        expected.revision = 0;
        assert_eq!(held.as_envelope(), expected);
    }

    #[test]
    fn each_sender_keeps_its_order_and_waits_for_no_other_sender() {
        let (early, other) = (PeerId::random(), PeerId::random());
        let mut held_back = HeldBack::default();
        for (sender, id) in [(early, 1), (other, 1), (early, 2)] {
            assert!(held_back.push(held(&signal(sender, id, b"{}"))));
        }
        let next = |held_back: &HeldBack, waiting: &[PeerId]| {
            let next = held_back.first_not_of(waiting)?;
            Some((next.sender, next.id))
        };
        assert_eq!(next(&held_back, &[]), Some((early, 1)));
        assert_eq!(next(&held_back, &[early]), Some((other, 1)));
        held_back.drop_first_of(&other);
        assert!(held_back.holds_back(&early) && !held_back.holds_back(&other));
        held_back.drop_first_of(&early);
        assert_eq!(next(&held_back, &[]), Some((early, 2)));
        held_back.resuming = true;
        assert_eq!(next(&held_back, &[]), None, "it is in its rooms first");
        assert!(held_back.holds_back(&other));
    }

    #[test]
    fn what_is_held_back_is_bounded_in_bytes_also_where_payloads_are_small() {
        let (sender, mut held_back) = (PeerId::random(), HeldBack::default());
        let fits = |held_back: &mut HeldBack, bytes| {
            let payload = vec![0; bytes];
            held_back.push(held(&signal(sender, 1, &payload)))
        };
        assert!(!fits(&mut held_back, HELD_BYTES_MAX));
        assert!(fits(&mut held_back, HELD_BYTES_MAX - 1024));
        while fits(&mut held_back, 0) {}
        assert!(held_back.signals.len() < 10);
        held_back.drop_first_of(&sender);
        assert!(fits(&mut held_back, HELD_BYTES_MAX / 2));
    }
}
