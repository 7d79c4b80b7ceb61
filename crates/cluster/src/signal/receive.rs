//! What other nodes say: frames in, envelopes to where they belong. Never waits for anybody.

use std::sync::Arc;

use bytes::Bytes;
use parking_lot::Mutex;
use smallvec::{SmallVec, smallvec};
use switchboard_protocol::server_message::{Delivered, Reason, Receiver, Signal, Undelivered};
use switchboard_protocol::{NodeId, Payload, PeerId, ServerMessage};
use tokio::sync::mpsc;

use crate::backend::bus::{BusEvent, Inbox};
use crate::backend::record::Epoch;
use crate::link::envelope::{BadEnvelope, Change, Envelope, Receipt, RosterChange, SignalEnvelope};
use crate::link::frame::{self, BadFrame};
use crate::link::{self, Anew, Urgency};
use crate::node::Inner;
use crate::observe::Observation;
use crate::observe::about::About;
use crate::observe::unreadable::RecordKind;
use crate::room::{Room, SenderKnown};
use crate::sabotage::{Guard, is_out};
use crate::sessions::local_session::LocalSession;
use crate::signal::inbound::{Answer, Fate, Verdict};
use crate::signal::unanswered::Ended;
use crate::tasks::Task;

impl Inner {
    /// Reads this node's channel until the node stops.
    pub(crate) async fn read(&self, mut inbox: Box<dyn Inbox>, mut looped: mpsc::Receiver<Bytes>) {
        loop {
            // A bus that is never silent must not keep what is looped waiting.
            if let Ok(frame) = looped.try_recv() {
                self.take_frame(&frame);
            }
            let event = tokio::select! {
                biased;
                () = self.tasks.stopped() => return,
                event = inbox.next() => event,
                Some(frame) = looped.recv() => Some(BusEvent::Frame(frame)),
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

    /// Whatever is in it, the next one has its turn.
    fn take_frame(&self, bytes: &[u8]) {
        if self
            .tasks
            .guarded(Task::Reader, || self.try_frame(bytes))
            .is_none()
        {
            self.observe.observe(Observation::FrameRejected);
        }
    }

    fn try_frame(&self, bytes: &[u8]) {
        let (header, envelopes) = match frame::open(self.lease.key.keyring(), &self.id, bytes) {
            Ok(opened) => opened,
            Err(error) => {
                self.observe.observe(Observation::FrameRejected);
                if error == BadFrame::Mac {
                    self.lease.key.note_doubt();
                }
                if let Some(said) = self.warnings.frames_rejected.happened() {
                    tracing::warn!(%error, "frames on this node's channel are rejected{said}");
                }
                return;
            }
        };
        let link = self.links.to(&header.from);
        let heard = link.heard(&header);
        if heard.verdict != link::Verdict::Skip {
            for envelope in frame::envelopes(envelopes) {
                match envelope {
                    // The link has confirmed it: what its sender expects of it, a repair or a deadline brings.
                    Ok(envelope) => {
                        let taken = || self.take_envelope(&header.from, envelope);
                        self.tasks.guarded(Task::Reader, taken);
                    }
                    Err(error) => self.skip_envelope(&header.from, &error),
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

    /// A release newer than this one may have said it. A step of a roster that is skipped is one that this node has missed.
    fn skip_envelope(&self, from: &NodeId, error: &BadEnvelope) {
        let what = format_args!("{error}, from node {from}");
        let about = match error {
            BadEnvelope::Step { room, .. } => About::room(room).on(from),
            _ => About::node(from),
        };
        self.backend
            .unreadable
            .note(RecordKind::Envelope, about, what);
        if let BadEnvelope::Step { room, revision } = error {
            self.hint_here(room, *revision);
        }
    }

    fn take_envelope(&self, from: &NodeId, envelope: Envelope<'_>) {
        match envelope {
            Envelope::Signal(signal) => self.take_signal(from, &signal),
            Envelope::Receipt(receipt) => self.take_receipt(from, &receipt),
            Envelope::Roster(step) => self.take_step(step),
            Envelope::Revisions(revisions) => self.compare_revisions(from, revisions),
            Envelope::Moved(moved) => self.sessions.let_go(&moved.peer, moved.epoch, from),
        }
    }

    fn take_step(&self, step: RosterChange) {
        if let Change::Left { peer, .. } = &step.change
            && let Some(away) = self.sessions.away(peer)
        {
            away.forget_place(&step.room);
        }
        if let Some(room) = self.rooms.get(step.room.as_str()) {
            self.in_room(&room, |room| ((), room.step(step)));
        }
    }

    fn take_signal(&self, from: &NodeId, signal: &SignalEnvelope<'_>) {
        let too_early = if self.early.lock().is_empty() {
            self.take_signal_now(from, signal)
        } else {
            let mut now = signal.clone();
            now.receivers
                .retain(|receiver| !self.comes_early(from, *receiver, signal));
            self.take_signal_now(from, &now)
        };
        for local in too_early {
            self.hold_back(from, &local, signal);
        }
    }

    /// Returns those that it comes too early for.
    pub(crate) fn take_signal_now(
        &self,
        from: &NodeId,
        signal: &SignalEnvelope<'_>,
    ) -> SmallVec<[Arc<LocalSession>; 1]> {
        let Some(shared) = self.rooms.get(signal.room) else {
            for receiver in &signal.receivers {
                if let Some(answer) = self.answer_for_absent(None, *receiver, signal) {
                    self.send_answer(from, signal, *receiver, answer);
                }
            }
            return SmallVec::new();
        };
        let mut room = shared.lock();
        match self.ask(&shared, &mut room, signal) {
            SenderKnown::Yes => self.deliver(&room, from, signal, |peer| room.is_joining(peer)),
            SenderKnown::Perhaps => self.deliver(&room, from, signal, |_| true),
            SenderKnown::No => {
                for receiver in &signal.receivers {
                    if let Some(answer) = self.answer_to_stranger(*receiver, signal) {
                        self.send_answer(from, signal, *receiver, answer);
                    }
                }
                SmallVec::new()
            }
        }
    }

    /// Asks a room for the sender of a signal. If it has to find out, it does.
    pub(crate) fn ask(
        &self,
        shared: &Arc<Mutex<Room>>,
        room: &mut Room,
        signal: &SignalEnvelope<'_>,
    ) -> SenderKnown {
        let known = room.knows(&signal.sender, signal.revision);
        if known == SenderKnown::Perhaps {
            self.rooms.note_behind(shared);
        }
        known
    }

    /// Hands a signal to the sessions it is for, except those that it comes `too_early` for: they are returned.
    fn deliver(
        &self,
        room: &Room,
        from: &NodeId,
        signal: &SignalEnvelope<'_>,
        too_early: impl Fn(&PeerId) -> bool,
    ) -> SmallVec<[Arc<LocalSession>; 1]> {
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
        let mut waiting = SmallVec::new();
        for receiver in &signal.receivers {
            let (peer, epoch) = receiver;
            if let Some(local) = self.sessions.live_in(receiver).filter(|_| too_early(peer)) {
                waiting.push(local);
                continue;
            }
            let is_this =
                |local: &&Arc<LocalSession>| local.epoch == *epoch || is_out(Guard::ReceiverEpoch);
            let answer = match room.local(peer).filter(is_this) {
                Some(local) => self.hand_on(local, from, signal, &message),
                None => self.answer_for_absent(Some(room), *receiver, signal),
            };
            if let Some(answer) = answer {
                self.send_answer(from, signal, *receiver, answer);
            }
        }
        waiting
    }

    /// Gives the answer if there is one already.
    fn hand_on(
        &self,
        local: &LocalSession,
        from: &NodeId,
        signal: &SignalEnvelope<'_>,
        message: &Signal,
    ) -> Option<Answer> {
        let mut inbound = local.inbound.lock();
        match inbound.judge(signal.sender, signal.sender_epoch, from, signal.id) {
            Verdict::Pending => None,
            Verdict::Stale => {
                self.observe.observe(Observation::Refused);
                None
            }
            Verdict::Answer(answer) => {
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
                    Some(Answer::Refused(Reason::Overloaded))
                }
            },
        }
    }

    /// The answer to a sender that is no member. It may have been one when the signal came for the first time.
    fn answer_to_stranger(
        &self,
        (peer, epoch): (PeerId, Epoch),
        signal: &SignalEnvelope<'_>,
    ) -> Option<Answer> {
        if let Some(local) = self.sessions.live_in(&(peer, epoch)) {
            let sender = (signal.sender, signal.sender_epoch);
            let mut inbound = local.inbound.lock();
            return inbound.turn_away(sender, signal.id, Reason::NoSuchPeer);
        }
        let Some((local, fate)) = self.gone.recall(&peer, epoch) else {
            // It was here, perhaps, and its successor is already; what it was handed nobody knows any more.
            return Some(Answer::Refused(Reason::Unconfirmed));
        };
        let refused = Answer::Refused(Reason::NoSuchPeer);
        let inbound = local.inbound.lock();
        inbound.recall(&signal.sender, signal.id, (fate, refused))
    }

    /// The answer for a receiver that has no connection of that epoch in the room on this node.
    fn answer_for_absent(
        &self,
        room: Option<&Room>,
        (peer, epoch): (PeerId, Epoch),
        signal: &SignalEnvelope<'_>,
    ) -> Option<Answer> {
        self.observe.observe(Observation::Refused);
        let recall = |local: &LocalSession, fate: Fate| {
            let inbound = local.inbound.lock();
            inbound.recall(&signal.sender, signal.id, (fate, fate.of_untouched()))
        };
        if let Some(local) = self.sessions.live_in(&(peer, epoch)) {
            // It is here, and not in that room any more.
            let sender = (signal.sender, signal.sender_epoch);
            let mut inbound = local.inbound.lock();
            return inbound.turn_away(sender, signal.id, Reason::Left);
        }
        if let Some((local, fate)) = self.gone.recall(&peer, epoch) {
            return recall(&local, fate);
        }
        let roster = room.filter(|room| !room.is_behind()).and_then(Room::roster);
        if roster.is_some_and(|roster| roster.member(&peer).is_none()) {
            // It left so long ago that nobody here knows what it had by then.
            return Some(Answer::Refused(Reason::Unconfirmed));
        }
        // It was here, perhaps; what it was handed then nobody knows any more.
        Some(Answer::Moved { may_have: true })
    }

    pub(crate) fn send_answer(
        &self,
        to: &NodeId,
        signal: &SignalEnvelope<'_>,
        (receiver, epoch): (PeerId, Epoch),
        answer: Answer,
    ) {
        let mut receipt = Receipt::empty(signal.sender, signal.sender_epoch, receiver);
        receipt.add(signal.id, epoch, answer);
        self.send_receipt(to, receipt);
    }

    /// Sends a receipt. A link that is full loses it: after its reset, the other side asks again.
    pub(crate) fn send_receipt(&self, to: &NodeId, receipt: Receipt) {
        // Where there is no link any more, there is no sender either.
        if let Some(link) = self.links.known(to) {
            let _ = link.enqueue(&Envelope::Receipt(receipt), Urgency::Receipt);
        }
    }

    fn take_receipt(&self, from: &NodeId, receipt: &Receipt) {
        let Some(local) = self.sessions.live(&receipt.sender) else {
            return;
        };
        if local.epoch != receipt.sender_epoch {
            return;
        }
        let mut unanswered = local.unanswered.lock();
        for &id in &receipt.delivered {
            if let Some(ended) = unanswered.answer(id, &receipt.receiver) {
                self.tell_outcome(&local, ended, Ok(()));
            }
        }
        for &(id, reason) in &receipt.refused {
            let refusal = (from, reason);
            if let Some((ended, reason)) = unanswered.refuse(id, &receipt.receiver, refusal) {
                self.tell_outcome(&local, ended, Err(reason));
            }
        }
        for moved in &receipt.moved {
            unanswered.hold(&receipt.receiver, from, moved);
        }
    }

    pub(crate) fn tell_outcome(
        &self,
        local: &LocalSession,
        ended: Ended,
        outcome: Result<(), Reason>,
    ) {
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
}
