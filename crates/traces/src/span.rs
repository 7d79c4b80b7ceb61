//! A span that is under way.

use std::time::SystemTime;

use opentelemetry::trace::{Span as _, SpanContext, Status, TraceContextExt as _};
use opentelemetry::{Context, KeyValue};
use opentelemetry_sdk::trace;
use tokio::time::Instant;

use crate::names::OUTCOME;
use crate::traceparent;

/// A span that is under way, and ends when it is dropped at the latest. Only what is traced has one.
#[derive(Debug)]
pub struct Span(trace::Span);

impl Span {
    pub(crate) fn of(span: trace::Span) -> Self {
        Self(span)
    }

    /// What names this span to others.
    pub fn traceparent(&self) -> Box<str> {
        traceparent::format(self.0.span_context())
    }

    /// For log lines: the id of the trace, 32 hexadecimal digits.
    pub fn trace_id(&self) -> String {
        self.0.span_context().trace_id().to_string()
    }

    /// What another span can be a child of, or be linked to.
    pub fn context(&self) -> SpanContext {
        self.0.span_context().clone()
    }

    /// How it came out. What is `failed` is shown as an error.
    pub fn outcome(&mut self, outcome: &'static str, failed: bool) {
        self.0.set_attribute(KeyValue::new(OUTCOME, outcome));
        if failed {
            self.0.set_status(Status::error(outcome));
        }
    }

    pub(crate) fn set(&mut self, attribute: KeyValue) {
        self.0.set_attribute(attribute);
    }

    pub(crate) fn end_at(mut self, at: SystemTime) {
        self.0.end_with_timestamp(at);
    }
}

/// The context in which a child of `parent` is made.
pub(crate) fn below(parent: SpanContext) -> Context {
    Context::new().with_remote_span_context(parent)
}

/// The time of day at which a moment of the monotonic clock was.
pub(crate) fn time_of(moment: Instant) -> SystemTime {
    let now = SystemTime::now();
    now.checked_sub(moment.elapsed()).unwrap_or(now)
}
