//! What other nodes say: frames in, envelopes to where they belong. Never waits for anybody.

use std::sync::Arc;

use bytes::Bytes;
use parking_lot::Mutex;
use smallvec::{SmallVec, smallvec};
use switchboard_protocol::server_message::{Delivered, Reason, Receiver, Signal, Undelivered};
use switchboard_protocol::{NodeId, Payload, PeerId, ServerMessage};
use tokio::sync::mpsc;
use tokio::time::{Duration, Instant};

use crate::bus::{BusEvent, Inbox};
use crate::delivery::Verdict;
use crate::envelope::{Envelope, Receipt, RosterChange, SignalEnvelope};
use crate::frame::{self, BadFrame};
use crate::link::{self, Anew, Urgency};
use crate::local::Local;
use crate::node::Inner;
use crate::observe::Observation;
use crate::room::{After, Room, SenderKnown};
use crate::unanswered::Ended;

/// Between two words about frames that are rejected.
const SAY_REJECTED_EVERY: Duration = Duration::from_secs(10);

impl Inner {
    /// Reads this node's channel until the node stops.
    pub(crate) async fn read(&self, mut inbox: Box<dyn Inbox>, mut looped: mpsc::Receiver<Bytes>) {
        loop {
            let event = tokio::select! {
                event = inbox.next() => event,
                Some(frame) = looped.recv() => Some(BusEvent::Frame(frame)),
                () = self.stop.cancelled() => return,
            };
            match event {
                Some(BusEvent::Frame(frame)) => self.take_frame(&frame),
                Some(BusEvent::Gap) => {
                    self.observe.observe(Observation::BusGap);
                    self.resync_all();
                }
                None => return,
            }
        }
    }

    fn take_frame(&self, bytes: &[u8]) {
        let (header, envelopes) = match frame::open(&self.keyring.agreed(), &self.id, bytes) {
            Ok(opened) => opened,
            Err(error) => {
                self.observe.observe(Observation::FrameRejected);
                self.say_rejected(&error);
                return;
            }
        };
        let link = self.link(&header.from);
        let heard = link.heard(&header);
        if heard.verdict != link::Verdict::Skip {
            for envelope in frame::envelopes(envelopes) {
                match envelope {
                    Ok(envelope) => self.take_envelope(&header.from, envelope),
                    Err(error) => {
                        self.observe.observe(Observation::FrameRejected);
                        tracing::warn!(node.id = %header.from, %error, "the rest of a frame was dropped");
                    }
                }
            }
        }
        match heard.anew {
            Anew::Drained => self.start_drained_link_anew(&link),
            Anew::Forgotten => self.start_link_anew(&link),
            Anew::No if heard.verdict == link::Verdict::TakeAfterReset => self.resync(&link),
            Anew::No => {}
        }
    }

    /// Now and then only: a node with another key sends many. The metric counts them all.
    fn say_rejected(&self, error: &BadFrame) {
        let now = Instant::now();
        let mut said_at = self.rejected_said_at.lock();
        if said_at.is_none_or(|said_at| now - said_at >= SAY_REJECTED_EVERY) {
            *said_at = Some(now);
            tracing::warn!(%error, "frames on this node's channel are rejected");
        }
    }

    fn take_envelope(&self, from: &NodeId, envelope: Envelope<'_>) {
        match envelope {
            Envelope::Signal(signal) => self.take_signal(from, &signal),
            Envelope::Receipt(receipt) => self.take_receipt(&receipt),
            Envelope::Roster(step) => self.take_step(step),
            Envelope::Revisions(revisions) => self.compare_revisions(from, revisions),
        }
    }

    fn take_step(&self, step: RosterChange) {
        if let Some(room) = self.rooms.get(step.room.as_str()) {
            self.in_room(&room, |room| ((), room.step(step)));
        }
    }

    fn take_signal(&self, from: &NodeId, signal: &SignalEnvelope<'_>) {
        let Some(shared) = self.rooms.get(signal.room) else {
            return self.refuse(from, signal, Reason::Left);
        };
        let mut room = shared.lock();
        match room.knows(signal) {
            SenderKnown::Yes => self.deliver(&room, from, signal),
            SenderKnown::Held => self.rooms.note_behind(&shared),
            SenderKnown::No => self.refuse(from, signal, Reason::NoSuchPeer),
        }
    }

    /// Does something in a room and, before anybody else gets at it, what follows.
    pub(crate) fn in_room<T>(
        &self,
        shared: &Arc<Mutex<Room>>,
        change: impl FnOnce(&mut Room) -> (T, After),
    ) -> T {
        let mut room = shared.lock();
        let (result, After { signals, lost }) = change(&mut room);
        for bytes in signals {
            let Ok((Some(Envelope::Signal(signal)), _)) = Envelope::read(&bytes) else {
                continue;
            };
            // A sender that turned out to be no member is answered by its own deadline: where it is, nobody knows.
            let sender = room
                .roster()
                .and_then(|roster| roster.member(&signal.sender));
            if let Some(node) = sender.map(|sender| sender.node.clone()) {
                self.deliver(&room, &node, &signal);
            }
        }
        for peer in lost {
            self.give_up_on(&room, &peer);
        }
        if room.read_at().is_some() {
            self.rooms.note_behind(shared);
        }
        result
    }

    /// Hands a signal to the sessions it is for.
    fn deliver(&self, room: &Room, from: &NodeId, signal: &SignalEnvelope<'_>) {
        let message = Signal {
            room: room.id().clone(),
            from: signal.sender,
            id: signal.id,
            kind: signal.kind.into(),
            payload: Payload {
                encoding: signal.encoding,
                bytes: Bytes::copy_from_slice(signal.payload),
            },
        };
        for (peer, epoch) in &signal.receivers {
            let answer = match room.local(peer).filter(|local| local.epoch == *epoch) {
                Some(local) => self.hand_on(local, from, signal, &message),
                None => Some(Err(Reason::Left)),
            };
            if let Some(answer) = answer {
                self.send_receipt(from, answered(signal, *peer, answer));
            }
        }
    }

    /// Gives the answer if there is one already.
    fn hand_on(
        &self,
        local: &Local,
        from: &NodeId,
        signal: &SignalEnvelope<'_>,
        message: &Signal,
    ) -> Option<Result<(), Reason>> {
        let mut inbound = local.inbound.lock();
        match inbound.judge(signal.sender, signal.sender_epoch, from, signal.id) {
            Verdict::Pending => None,
            Verdict::Repeat(answer) => {
                self.observe.observe(Observation::Refused);
                Some(answer)
            }
            Verdict::HandOn => match local.recipient.push(ServerMessage::Signal(message.clone())) {
                Ok(()) => {
                    self.observe.observe(Observation::HandedOn);
                    None
                }
                Err(_) => {
                    inbound.refuse(&signal.sender, signal.id, Reason::Overloaded);
                    Some(Err(Reason::Overloaded))
                }
            },
        }
    }

    fn refuse(&self, from: &NodeId, signal: &SignalEnvelope<'_>, reason: Reason) {
        self.observe.observe(Observation::Refused);
        for (peer, _) in &signal.receivers {
            self.send_receipt(from, answered(signal, *peer, Err(reason)));
        }
    }

    /// Sends a receipt. A link that is full loses it: after its reset, the other side asks again.
    pub(crate) fn send_receipt(&self, to: &NodeId, receipt: Receipt) {
        // Where there is no link any more, there is no sender either.
        if let Some(link) = self.known_link(to) {
            let _ = link.enqueue(&Envelope::Receipt(receipt), Urgency::Receipt);
        }
    }

    fn take_receipt(&self, receipt: &Receipt) {
        let Some(local) = self.locals.get(&receipt.sender).map(|local| local.clone()) else {
            return;
        };
        if local.epoch != receipt.sender_epoch {
            return;
        }
        let mut unanswered = local.unanswered.lock();
        let delivered = receipt.delivered.iter().map(|&id| (id, Ok(())));
        let refused = receipt
            .refused
            .iter()
            .map(|&(id, reason)| (id, Err(reason)));
        for (id, outcome) in delivered.chain(refused) {
            if let Some(ended) = unanswered.answer(id, &receipt.receiver) {
                self.tell_outcome(&local, ended, outcome);
            }
        }
    }

    pub(crate) fn tell_outcome(&self, local: &Local, ended: Ended, outcome: Result<(), Reason>) {
        if ended.target.silent {
            return;
        }
        self.observe.observe(Observation::Answered {
            kind: ended.kind,
            outcome,
            after: ended.taken_at.elapsed(),
        });
        let to: SmallVec<_> = smallvec![Receiver::Peer(ended.target.peer)];
        match outcome {
            Ok(()) => local.tell(Delivered { id: ended.id, to }),
            Err(reason) => local.tell(Undelivered {
                id: ended.id,
                to,
                reason,
            }),
        }
    }

    /// A member's node died: what its members sent it from here will be answered by nobody.
    fn give_up_on(&self, room: &Room, peer: &PeerId) {
        for local in room.locals() {
            let ended = local
                .unanswered
                .lock()
                .end_where(|id, _, target| id == room.id() && target.peer == *peer);
            for ended in ended {
                let reason = if self.may_have_arrived(&ended) {
                    Reason::Unconfirmed
                } else {
                    Reason::Left
                };
                self.tell_outcome(local, ended, Err(reason));
            }
        }
    }

    /// Whether a signal that nobody answered may have been published.
    pub(crate) fn may_have_arrived(&self, ended: &Ended) -> bool {
        let published = |position| {
            self.known_link(&ended.target.node)
                .is_none_or(|link| link.may_be_published(position))
        };
        ended.target.sent || ended.target.queued.is_some_and(published)
    }
}

fn answered(signal: &SignalEnvelope<'_>, receiver: PeerId, answer: Result<(), Reason>) -> Receipt {
    let mut receipt = Receipt {
        sender: signal.sender,
        sender_epoch: signal.sender_epoch,
        receiver,
        delivered: SmallVec::new(),
        refused: SmallVec::new(),
    };
    match answer {
        Ok(()) => receipt.delivered.push(signal.id),
        Err(reason) => receipt.refused.push((signal.id, reason)),
    }
    receipt
}
