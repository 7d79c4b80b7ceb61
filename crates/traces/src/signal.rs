//! The spans of a signal, from the client that sends it to the receipt that comes back.

use opentelemetry::trace::{Link, SpanBuilder, SpanContext, SpanKind, TraceFlags, TraceState};
use opentelemetry::{Context, KeyValue};
use switchboard_protocol::{NodeId, PeerId};

use crate::names::{
    BATCH_MESSAGE_COUNT, BODY_BYTES, DESTINATION_TEMPLATE, MESSAGE_ID, MESSAGING_SYSTEM,
    OPERATION_NAME, OPERATION_TYPE, PEER_NODE_ID, PROCESS_SIGNAL, PUBLISH_FRAME, ROOM_ID,
    ROOM_TEMPLATE, SEND_SIGNAL, SESSION_ID, SETTLE_SIGNAL, SIGNAL_KIND, SIGNAL_RECEIVER,
    SWITCHBOARD, WRITE_SIGNAL,
};
use crate::span::{Span, below};
use crate::traceparent::{self, parse};
use crate::traces::Traces;

/// Which signal it is.
#[derive(Debug, Clone, Copy)]
pub struct SignalAbout<'a> {
    /// Whose it is.
    pub sender: &'a PeerId,
    /// The sender's number for it.
    pub id: u64,
    /// The room that it is said in.
    pub room: &'a str,
    /// `offer`, `answer`, `candidate` or another word.
    pub kind: &'a str,
    /// Of its payload.
    pub bytes: usize,
}

/// Which frame it is.
#[derive(Debug, Clone, Copy)]
pub struct FrameAbout<'a> {
    /// The node that it is for.
    pub to: &'a NodeId,
    /// Of any kind, traced or not.
    pub envelopes: usize,
    /// As published.
    pub bytes: usize,
}

impl Traces {
    /// A client sends a signal, in the context that it names, if any. `None`: it is not traced. The span lasts until every
    /// receiver is answered for.
    pub fn send_signal(&self, asked: Option<&str>, about: SignalAbout<'_>) -> Option<Box<Span>> {
        let tracing = self.on()?;
        let asked = asked.and_then(parse);
        if !tracing.sampling.takes(asked.as_ref()) {
            return None;
        }
        let parent = asked.map_or_else(Context::new, below);
        let builder = of_signal(SEND_SIGNAL, SpanKind::Producer, "send", about);
        Some(Box::new(tracing.span(builder, &parent)))
    }

    /// What goes with a signal that a client sends in a context of its own and that is not traced here. `None`: it names none.
    /// Where this node traces, it has decided, and others go by that; where it does not, the context passes as it came.
    pub fn untraced(&self, asked: &str) -> Option<Box<str>> {
        let context = parse(asked)?;
        match self.on() {
            Some(_) => Some(traceparent::format(&SpanContext::new(
                context.trace_id(),
                context.span_id(),
                TraceFlags::NOT_SAMPLED,
                true,
                TraceState::NONE,
            ))),
            None => Some(asked.into()),
        }
    }

    /// A frame is published, in the trace of the first signal in it that is `traced`, and linked to all that are.
    pub fn publish_frame(
        &self,
        traced: Vec<SpanContext>,
        about: FrameAbout<'_>,
    ) -> Option<Box<Span>> {
        let tracing = self.on()?;
        let parent = below(traced.first()?.clone());
        let links = traced.into_iter().map(Link::with_context).collect();
        let builder = SpanBuilder::from_name(PUBLISH_FRAME)
            .with_kind(SpanKind::Client)
            .with_links(links)
            .with_attributes([
                KeyValue::new(MESSAGING_SYSTEM, SWITCHBOARD),
                KeyValue::new(OPERATION_NAME, "publish"),
                KeyValue::new(OPERATION_TYPE, "send"),
                KeyValue::new(PEER_NODE_ID, about.to.to_string()),
                KeyValue::new(BATCH_MESSAGE_COUNT, whole(about.envelopes)),
                KeyValue::new(BODY_BYTES, whole(about.bytes)),
            ]);
        Some(Box::new(tracing.span(builder, &parent)))
    }

    /// The receiver's node takes a signal out of a frame, until it is in the receiver's outbox or refused.
    pub fn process_signal(
        &self,
        traced: Option<&SpanContext>,
        about: SignalAbout<'_>,
        to: &PeerId,
    ) -> Option<Box<Span>> {
        let tracing = self.on()?;
        let parent = traced?.clone();
        if !tracing.sampling.takes_receiver() {
            return None;
        }
        let builder = of_signal(PROCESS_SIGNAL, SpanKind::Consumer, "process", about);
        let mut span = tracing.span(builder, &below(parent));
        span.set(KeyValue::new(SIGNAL_RECEIVER, to.to_string()));
        Some(Box::new(span))
    }

    /// The context that travels with a signal, if its sender's node has chosen to trace it and this one does so.
    pub fn traced(&self, traceparent: Option<&str>) -> Option<SpanContext> {
        self.on()?;
        let context = traceparent.and_then(parse)?;
        context.is_sampled().then_some(context)
    }

    /// A signal is in the receiver's outbox, and waits for the kernel.
    pub fn write_signal(&self, processed: &Span) -> Option<Box<Span>> {
        let tracing = self.on()?;
        let builder = SpanBuilder::from_name(WRITE_SIGNAL).with_kind(SpanKind::Internal);
        Some(Box::new(tracing.span(builder, &below(processed.context()))))
    }

    /// The sender's node learns what became of a signal for one receiver; `sent` is the context of its first span.
    pub fn settle_signal(&self, sent: SpanContext, to: &str, outcome: &'static str) {
        let Some(tracing) = self
            .on()
            .filter(|tracing| tracing.sampling.takes_receiver())
        else {
            return;
        };
        let builder = SpanBuilder::from_name(SETTLE_SIGNAL)
            .with_kind(SpanKind::Consumer)
            .with_attributes([
                KeyValue::new(MESSAGING_SYSTEM, SWITCHBOARD),
                KeyValue::new(OPERATION_NAME, "settle"),
                KeyValue::new(OPERATION_TYPE, "settle"),
                KeyValue::new(SIGNAL_RECEIVER, to.to_owned()),
            ]);
        let mut span = tracing.span(builder, &below(sent));
        span.outcome(outcome, outcome != "delivered");
    }
}

pub(crate) fn of_signal(
    name: &'static str,
    kind: SpanKind,
    operation: &'static str,
    about: SignalAbout<'_>,
) -> SpanBuilder {
    SpanBuilder::from_name(name)
        .with_kind(kind)
        .with_attributes([
            KeyValue::new(MESSAGING_SYSTEM, SWITCHBOARD),
            KeyValue::new(OPERATION_NAME, operation),
            KeyValue::new(OPERATION_TYPE, operation),
            KeyValue::new(DESTINATION_TEMPLATE, ROOM_TEMPLATE),
            KeyValue::new(ROOM_ID, about.room.to_owned()),
            KeyValue::new(SESSION_ID, about.sender.to_string()),
            KeyValue::new(MESSAGE_ID, about.id.to_string()),
            KeyValue::new(SIGNAL_KIND, about.kind.to_owned()),
            KeyValue::new(BODY_BYTES, whole(about.bytes)),
        ])
}

fn whole(number: usize) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}
