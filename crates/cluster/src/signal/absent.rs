//! The answers for receivers that are not in the room here, and to senders that are not. What a session was handed while it
//! was here is remembered by its streams, and after that by its tombstone.

use switchboard_protocol::PeerId;
use switchboard_protocol::server_message::Reason;

use crate::backend::record::Epoch;
use crate::link::envelope::SignalEnvelope;
use crate::node::Inner;
use crate::observe::Observation;
use crate::room::Room;
use crate::signal::answer::Answer;

impl Inner {
    /// The answer to a sender that is no member. It may have been one when the signal came for the first time.
    pub(super) fn answer_to_stranger(
        &self,
        receiver: (PeerId, Epoch),
        signal: &SignalEnvelope<'_>,
    ) -> Option<Answer> {
        if let Some(local) = self.sessions.live_in(&receiver) {
            let sender = (signal.sender, signal.sender_epoch);
            let mut inbound = local.streams.inbound.lock();
            return inbound.turn_away(sender, signal.id, Reason::NoSuchPeer);
        }
        let Some((local, fate)) = self.signals.tombstones.recall(&receiver) else {
            // It was here, perhaps, and its successor is already; what it was handed is not known any more.
            return Some(Answer::Refused(Reason::Unconfirmed));
        };
        let refused = Answer::Refused(Reason::NoSuchPeer);
        let inbound = local.streams.inbound.lock();
        inbound.recall(&signal.sender, signal.id, (fate, refused))
    }

    /// The answer for a receiver that has no connection of that epoch in the room on this node.
    pub(super) fn answer_for_absent(
        &self,
        room: Option<&Room>,
        receiver: (PeerId, Epoch),
        signal: &SignalEnvelope<'_>,
    ) -> Option<Answer> {
        self.observe.observe(Observation::Refused);
        if let Some(local) = self.sessions.live_in(&receiver) {
            // It is here, and not in that room any more.
            let sender = (signal.sender, signal.sender_epoch);
            let mut inbound = local.streams.inbound.lock();
            return inbound.turn_away(sender, signal.id, Reason::Left);
        }
        if let Some((local, fate)) = self.signals.tombstones.recall(&receiver) {
            let inbound = local.streams.inbound.lock();
            return inbound.recall(&signal.sender, signal.id, (fate, fate.of_untouched()));
        }
        let roster = room.filter(|room| !room.is_behind()).and_then(Room::roster);
        if roster.is_some_and(|roster| roster.member(&receiver.0).is_none()) {
            // It left so long ago that this node does not know what it had by then.
            return Some(Answer::Refused(Reason::Unconfirmed));
        }
        // It was here, perhaps; what it was handed then is not known any more.
        Some(Answer::Moved { may_have: true })
    }
}
