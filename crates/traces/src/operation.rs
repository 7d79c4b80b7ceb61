//! The spans of what is no signal: a session comes, goes on elsewhere, enters a room.

use opentelemetry::trace::{SpanBuilder, SpanKind};
use opentelemetry::{Context, KeyValue};
use switchboard_protocol::PeerId;

use crate::current::current;
use crate::names::{ROOM_ID, SESSION_ID};
use crate::span::{Span, below};
use crate::traces::Traces;

/// What a session does, or what is done to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TracedOperation {
    /// A new session is entered in the directory.
    Attach,
    /// A session goes on over another connection.
    Resume,
    /// A session went on at another node: this one lets go of it.
    Move,
    /// A session enters a room.
    Join,
    /// A session leaves a room.
    Leave,
}

impl TracedOperation {
    const fn name(self) -> &'static str {
        match self {
            Self::Attach => "attach session",
            Self::Resume => "resume session",
            Self::Move => "move session",
            Self::Join => "join room",
            Self::Leave => "leave room",
        }
    }
}

impl Traces {
    /// An operation begins. `None`: it is not traced.
    pub fn operation(
        &self,
        operation: TracedOperation,
        session: &PeerId,
        room: Option<&str>,
    ) -> Option<Box<Span>> {
        let tracing = self.on()?;
        if !tracing.sampling.takes(None) {
            return None;
        }
        let room = room.map(|room| KeyValue::new(ROOM_ID, room.to_owned()));
        let session = KeyValue::new(SESSION_ID, session.to_string());
        let builder = SpanBuilder::from_name(operation.name())
            .with_kind(SpanKind::Server)
            .with_attributes(room.into_iter().chain([session]));
        Some(Box::new(tracing.span(builder, &Context::new())))
    }

    /// A step of what this task does, if that [is traced](Traces::carry): a call to Redis.
    pub fn step(&self, name: &'static str) -> Option<Box<Span>> {
        let tracing = self.on()?;
        let parent = current()?;
        let builder = SpanBuilder::from_name(name).with_kind(SpanKind::Client);
        Some(Box::new(tracing.span(builder, &below(parent))))
    }
}
