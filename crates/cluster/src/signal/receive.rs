//! What other nodes send: frames in, envelopes to where they belong, and a signal to its receivers. Never waits for a
//! receiver or for the directory.
//!
//! A signal gets one verdict for each receiver: its outbox has it, the sender's node is answered at once, or it comes too
//! early and is held back.

use std::cell::OnceCell;
use std::sync::Arc;

use bytes::Bytes;
use switchboard_protocol::server_message::{Reason, Signal};
use switchboard_protocol::{NodeId, Payload, PeerId};
use switchboard_traces::{Span, SpanContext, TracedOperation, is_valid};
use tokio::sync::mpsc;

use crate::backend::bus::{BusEvent, Inbox};
use crate::backend::record::Epoch;
use crate::link::Repair;
use crate::link::envelope::{BadEnvelope, Change, Envelope, RosterChange, SignalEnvelope};
use crate::link::frame::BadFrame;
use crate::node::Inner;
use crate::observe::Observation;
use crate::observe::about::About;
use crate::observe::record_kind::RecordKind;
use crate::room::{Room, SenderKnown};
use crate::sabotage::{Guard, is_out};
use crate::sessions::local_session::LocalSession;
use crate::signal::answer::Answer;
use crate::signal::held_back::queue::HeldSignal;
use crate::signal::inbound::Judgement;
use crate::signal::traced::about;
use crate::tasks::Task;

/// What becomes of a signal for one receiver.
enum Verdict {
    /// It is in the receiver's outbox, or was before, or its sender has gone on to another node: nothing is answered now.
    Pending,
    /// The sender's node is told.
    Answer(Answer),
    /// It comes too early for this session: it waits.
    TooEarly(Arc<LocalSession>),
}

/// A signal as it came, in its room.
struct ArrivedSignal<'a> {
    /// The sender's node.
    from: &'a NodeId,
    signal: &'a SignalEnvelope<'a>,
    /// `None`: no session of this node is in it.
    room: Option<&'a Room>,
    sender: SenderKnown,
    /// Its trace, if it has one here.
    traced: Option<SpanContext>,
    /// What its receivers are handed.
    message: OnceCell<Signal>,
}

impl Inner {
    /// Receives what comes on this node's channel until the node stops.
    pub(crate) async fn receive(
        self: &Arc<Self>,
        mut inbox: Box<dyn Inbox>,
        mut looped: mpsc::Receiver<Bytes>,
    ) {
        loop {
            // A bus that is never silent must not keep what is looped waiting.
            if let Ok(frame) = looped.try_recv() {
                self.receive_frame(&frame);
            }
            let event = tokio::select! {
                biased;
                () = self.tasks.stopped() => return,
                event = inbox.next() => event,
                Some(frame) = looped.recv() => Some(BusEvent::Frame(frame)),
            };
            match event {
                Some(BusEvent::Frame(frame)) => self.receive_frame(&frame),
                Some(BusEvent::Gap) => {
                    self.observe.observe(Observation::BusGap);
                    self.resync_all();
                }
                None => return,
            }
        }
    }

    /// Whatever is in it, the next one has its turn.
    fn receive_frame(self: &Arc<Self>, bytes: &[u8]) {
        let opened = || self.open_frame(bytes);
        if self.tasks.guarded(Task::Reader, opened).is_none() {
            self.observe.observe(Observation::FrameRejected);
        }
    }

    fn open_frame(self: &Arc<Self>, bytes: &[u8]) {
        let received = match self.links.receive(bytes) {
            Ok(received) => received,
            Err(error) => return self.reject_frame(error),
        };
        let link = &received.link;
        for envelope in received.envelopes() {
            match envelope {
                // The link has confirmed it: if it panics, a repair or a deadline brings what its sender expects of it.
                Ok(envelope) => {
                    let handled = || self.receive_envelope(link.to(), envelope);
                    self.tasks.guarded(Task::Reader, handled);
                }
                Err(error) => self.skip_envelope(link.to(), &error),
            }
        }
        match received.repair {
            Repair::None => {}
            Repair::Resync => self.resync(link),
            Repair::Restart => self.restart_link(link),
            Repair::RestartDrained => self.restart_drained_link(link),
        }
    }

    fn reject_frame(&self, error: BadFrame) {
        self.observe.observe(Observation::FrameRejected);
        if error == BadFrame::Mac {
            self.lease.key.note_doubt();
        }
        if let Some(said) = self.signals.frames_rejected.happened() {
            tracing::warn!(%error, "frames on this node's channel are rejected{said}");
        }
    }

    /// A release newer than this one may have sent it. A step of a roster that is skipped is one that this node has missed.
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

    fn receive_envelope(self: &Arc<Self>, from: &NodeId, envelope: Envelope<'_>) {
        match envelope {
            Envelope::Signal(signal) => self.receive_signal(from, &signal),
            Envelope::Receipt(receipt) => self.receive_receipt(from, &receipt),
            Envelope::Roster(step) => self.receive_step(step),
            Envelope::Revisions(revisions) => self.compare_revisions(from, revisions),
            Envelope::Revoked(revoked) => {
                self.end_revoked_among(&revoked.sessions, &revoked.entry);
            }
            Envelope::Moved(moved) => {
                let traces = &self.settings.traces;
                let span = traces.operation(TracedOperation::Move, &moved.peer, None);
                let _within = span.as_deref().map(Span::enter);
                self.sessions.let_go(&moved.peer, moved.epoch, from);
            }
        }
    }

    fn receive_step(&self, step: RosterChange) {
        if let Change::Left { peer, .. } = &step.change
            && let Some(away) = self.sessions.away(peer)
        {
            away.forget_place(&step.room);
        }
        if let Some(room) = self.rooms.get(step.room.as_str()) {
            self.in_room(&room, |room| ((), room.step(step)));
        }
    }

    fn receive_signal(&self, from: &NodeId, signal: &SignalEnvelope<'_>) {
        let holds_any_back = self.signals.hold_any_back();
        self.on_arrival(from, signal, |arrived| {
            for receiver in &signal.receivers {
                let behind = match holds_any_back {
                    true => self.held_back_behind(receiver, signal),
                    false => None,
                };
                let verdict = match behind {
                    Some(local) => Verdict::TooEarly(local),
                    None => self.verdict(arrived, receiver),
                };
                match verdict {
                    Verdict::Pending => {}
                    Verdict::Answer(answer) => self.send_answer(from, signal, *receiver, answer),
                    Verdict::TooEarly(local) => self.hold_back(from, &local, signal),
                }
            }
        });
    }

    /// The same for one that was held back, for one receiver. False: it comes too early still.
    pub(super) fn receive_held_back(&self, from: &NodeId, signal: &SignalEnvelope<'_>) -> bool {
        self.on_arrival(from, signal, |arrived| {
            signal.receivers.iter().all(|receiver| {
                match self.verdict(arrived, receiver) {
                    Verdict::Pending => {}
                    Verdict::Answer(answer) => self.send_answer(from, signal, *receiver, answer),
                    Verdict::TooEarly(_) => return false,
                }
                true
            })
        })
    }

    /// Asks the room of a signal for its sender. It stays locked while the receivers get their verdicts; if it has missed a
    /// step, its roster is read again. So it is while the directory may lack members that their nodes have yet to write.
    fn on_arrival<T>(
        &self,
        from: &NodeId,
        signal: &SignalEnvelope<'_>,
        judge: impl FnOnce(&ArrivedSignal<'_>) -> T,
    ) -> T {
        let shared = self.rooms.get(signal.room);
        let mut room = shared.as_ref().map(|shared| shared.lock());
        let sender = match &mut room {
            Some(room) => match room.knows(&signal.sender, signal.revision) {
                SenderKnown::No if self.repairs.doubt.lasts() => SenderKnown::Perhaps,
                known => known,
            },
            None => SenderKnown::No,
        };
        if let Some(shared) = shared.as_ref().filter(|_| sender == SenderKnown::Perhaps) {
            self.rooms.note_behind(shared);
        }
        judge(&ArrivedSignal {
            from,
            signal,
            room: room.as_deref(),
            sender,
            traced: self.settings.traces.traced(signal.traceparent),
            message: OnceCell::new(),
        })
    }

    /// The receiver, if earlier signals of the same sender are held back for it.
    fn held_back_behind(
        &self,
        receiver: &(PeerId, Epoch),
        signal: &SignalEnvelope<'_>,
    ) -> Option<Arc<LocalSession>> {
        let local = self.sessions.live_in(receiver)?;
        let waits = self.signals.holds_back(&local, &signal.sender);
        waits.then_some(local)
    }

    /// A signal waits for this receiver; where too much does already, it is refused.
    fn hold_back(&self, from: &NodeId, local: &Arc<LocalSession>, signal: &SignalEnvelope<'_>) {
        let receiver = (local.peer, local.epoch);
        let held = HeldSignal::new(from, signal, receiver);
        if !self
            .signals
            .hold_back(local, |held_back| held_back.push(held))
        {
            let answer = Answer::Refused(Reason::Overloaded);
            self.send_answer(from, signal, receiver, answer);
        }
    }

    fn verdict(&self, arrived: &ArrivedSignal<'_>, receiver: &(PeerId, Epoch)) -> Verdict {
        let (peer, epoch) = receiver;
        let signal = arrived.signal;
        let Some(room) = arrived.room else {
            return Verdict::of(self.answer_for_absent(None, *receiver, signal));
        };
        let comes_early = match arrived.sender {
            SenderKnown::Yes => room.is_joining(peer),
            SenderKnown::Perhaps => true,
            SenderKnown::No => return Verdict::of(self.answer_to_stranger(*receiver, signal)),
        };
        if comes_early && let Some(local) = self.sessions.live_in(receiver) {
            return Verdict::TooEarly(local);
        }
        let local = room.local(peer);
        match local.filter(|local| local.epoch == *epoch || is_out(Guard::ReceiverEpoch)) {
            Some(local) => Verdict::of(self.hand_on(local, arrived, room)),
            None => Verdict::of(self.answer_for_absent(Some(room), *receiver, signal)),
        }
    }

    /// Into the receiver's outbox, if it is next in its stream. Returns the answer if there is one already.
    fn hand_on(
        &self,
        local: &LocalSession,
        arrived: &ArrivedSignal<'_>,
        room: &Room,
    ) -> Option<Answer> {
        let signal = arrived.signal;
        let mut inbound = local.streams.inbound.lock();
        let judgement = inbound.judge(signal.sender, signal.sender_epoch, arrived.from, signal.id);
        match judgement {
            Judgement::Pending => None,
            Judgement::Stale => {
                self.observe.observe(Observation::Refused);
                None
            }
            Judgement::Answer(answer) => {
                self.observe.observe(Observation::Refused);
                Some(answer)
            }
            Judgement::HandOn => {
                let traces = &self.settings.traces;
                let traced =
                    traces.process_signal(arrived.traced.as_ref(), about(signal), &local.peer);
                let _within = traced.as_deref().map(Span::enter);
                let message = arrived.message.get_or_init(|| message(room, signal));
                if local.recipient.push(message.clone().into()).is_err() {
                    inbound.refuse(&signal.sender, signal.id, Reason::Overloaded);
                    return Some(Answer::Refused(Reason::Overloaded));
                }
                if let Some(writing) = traced.and_then(|traced| traces.write_signal(&traced)) {
                    inbound.begin_writing(signal.sender, signal.id, writing);
                }
                self.observe.observe(Observation::HandedOn);
                None
            }
        }
    }
}

impl Verdict {
    /// Of one whose answer, if there is one, comes now.
    fn of(answer: Option<Answer>) -> Self {
        answer.map_or(Self::Pending, Self::Answer)
    }
}

/// A release before this one hands on whatever its client says.
fn traceparent(signal: &SignalEnvelope<'_>) -> Option<Arc<str>> {
    let valid = signal.traceparent.filter(|text| is_valid(text));
    valid.map(Into::into)
}

fn message(room: &Room, signal: &SignalEnvelope<'_>) -> Signal {
    Signal {
        room: room.id().clone(),
        from: signal.sender,
        id: signal.id,
        kind: signal.kind.into(),
        payload: Payload {
            encoding: signal.encoding,
            bytes: Bytes::copy_from_slice(signal.payload),
        },
        traceparent: traceparent(signal),
    }
}
