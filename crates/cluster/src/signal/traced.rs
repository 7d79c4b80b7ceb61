//! A signal that is traced: its spans at the sender's node and at the receiver's, and what the sender's node says of one that
//! took long.

use switchboard_protocol::client_message;
use switchboard_protocol::server_message::{Reason, Receiver};
use switchboard_protocol::{PeerId, RoomId};
use switchboard_traces::{SignalAbout, Slow, Span, SpanContext, Traces};

use crate::link::envelope::SignalEnvelope;

/// Signals to one session that are traced and wait for the kernel. Of more, the span of the oldest ends.
const WRITING_MAX: usize = 64;

/// What goes with a signal that this node or its client traces.
#[derive(Debug)]
pub(crate) struct Trace {
    /// Of `span`, else as the client says it.
    pub(super) traceparent: Box<str>,
    /// It ends with the last answer.
    span: Option<Box<Span>>,
}

impl Trace {
    /// Of a signal that is taken. `None`: neither traces it.
    pub(super) fn begin(
        traces: &Traces,
        signal: &client_message::Signal<'_>,
        sender: &PeerId,
    ) -> Option<Box<Self>> {
        let asked = signal.traceparent.as_deref();
        let about = SignalAbout {
            sender,
            id: signal.id,
            room: &signal.room,
            kind: &signal.kind,
            bytes: signal.payload.bytes.len(),
        };
        let span = traces.send_signal(asked, about);
        let traceparent = match &span {
            Some(span) => span.traceparent(),
            None => traces.untraced(asked?)?,
        };
        Some(Box::new(Self { traceparent, span }))
    }

    /// One of its receivers is answered for; `is_last`: none is left.
    pub(super) fn answered(&mut self, is_last: bool) -> Option<Answered> {
        let sent = self.span.as_ref()?.context();
        let last = if is_last { self.span.take() } else { None };
        Some(Answered::Traced { sent, last })
    }
}

/// What an answer adds to a trace.
#[derive(Debug)]
pub(crate) enum Answered {
    /// The signal is traced.
    Traced {
        sent: SpanContext,
        /// It was the last answer.
        last: Option<Box<Span>>,
    },
    /// It is not, and it took long.
    Slow { slow: Slow, room: RoomId },
}

impl Answered {
    /// The sender is told of this outcome for that receiver.
    pub(super) fn tell(
        self,
        traces: &Traces,
        (sender, to): (&PeerId, &Receiver),
        outcome: Result<(), Reason>,
    ) {
        let outcome = match outcome {
            Ok(()) => "delivered",
            Err(reason) => reason.as_str(),
        };
        match self {
            Self::Traced { sent, last } => {
                let to = match to {
                    Receiver::Peer(peer) => peer.as_str(),
                    // What was looked up in vain may be a name.
                    Receiver::Nobody(_) => "nobody",
                };
                traces.settle_signal(sent, to, outcome);
                if let Some(mut span) = last {
                    span.outcome(outcome, outcome != "delivered");
                }
            }
            Self::Slow { slow, room } => {
                let took_ms = slow.took.as_millis();
                tracing::info!(session.id = %sender, room.id = %room, trace_id = slow.trace_id, took_ms, outcome, "a signal took long until it was answered");
            }
        }
    }
}

/// What a signal from another node is, for its spans here.
pub(super) fn about<'a>(signal: &'a SignalEnvelope<'a>) -> SignalAbout<'a> {
    SignalAbout {
        sender: &signal.sender,
        id: signal.id,
        room: signal.room,
        kind: signal.kind,
        bytes: signal.payload.len(),
    }
}

/// Signals to one session that are traced and that the kernel does not have yet.
#[derive(Debug, Default)]
pub(super) struct Writing(Vec<(PeerId, u64, Box<Span>)>);

impl Writing {
    pub(super) fn begin(&mut self, sender: PeerId, id: u64, span: Box<Span>) {
        if self.0.len() == WRITING_MAX {
            self.0.remove(0);
        }
        self.0.push((sender, id, span));
    }

    /// The kernel has everything from `sender` up to `id`. True: nothing waits any more.
    pub(super) fn written(&mut self, sender: &PeerId, id: u64) -> bool {
        self.0
            .retain(|(from, waiting, _)| from != sender || *waiting > id);
        self.0.is_empty()
    }
}
