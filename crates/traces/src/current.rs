//! What a thread does at the moment, if that is traced: for the lines of the log that it writes meanwhile, and for
//! [steps](Traces::step).
//!
//! Only what has a span sets it, so what is not traced costs nothing.

use opentelemetry::trace::{FutureExt as _, SpanContext, TraceContextExt as _};
use opentelemetry::{Context, ContextGuard};

use crate::span::{Span, below};
use crate::traces::Traces;

/// While this lives, its thread does what the span is about.
#[must_use = "it ends when it is dropped"]
pub struct Current {
    _guard: ContextGuard,
}

/// The span of what this thread does. `None`: that is not traced.
pub fn current() -> Option<SpanContext> {
    let context = Context::map_current(|context| context.span().span_context().clone());
    context.is_sampled().then_some(context)
}

impl Span {
    /// Does something within the span, up to the end of what is returned. Not to be held over an await:
    /// [`Traces::carry`] is for that.
    pub fn enter(&self) -> Current {
        Current {
            _guard: below(self.context()).attach(),
        }
    }
}

impl Traces {
    /// Does something within a span, if there is one: at each poll, its thread is in the span.
    pub async fn carry<T>(span: Option<&Span>, work: impl Future<Output = T>) -> T {
        match span {
            Some(span) => work.with_context(below(span.context())).await,
            None => work.await,
        }
    }
}
