//! Where a node's spans go.

use std::sync::Arc;

use opentelemetry::Context;
use opentelemetry::trace::{SpanBuilder, Tracer as _};
use opentelemetry_sdk::trace::SdkTracer;

use crate::sampling::Sampling;
use crate::span::Span;

/// Where a node's spans go, if anywhere. Clones are the same.
#[derive(Clone, Default)]
pub struct Traces(Option<Arc<Tracing>>);

pub(crate) struct Tracing {
    tracer: SdkTracer,
    pub(crate) sampling: Sampling,
}

impl Traces {
    /// Nothing is traced.
    pub fn off() -> Self {
        Self(None)
    }

    /// Spans are made by `tracer`, which has to record all that it is asked for: what is traced is decided here.
    pub fn to(tracer: SdkTracer, sampling: Sampling) -> Self {
        Self(Some(Arc::new(Tracing { tracer, sampling })))
    }

    /// Whether anything may be traced.
    pub fn is_on(&self) -> bool {
        self.0.is_some()
    }

    pub(crate) fn on(&self) -> Option<&Tracing> {
        self.0.as_deref()
    }
}

impl Tracing {
    pub(crate) fn span(&self, builder: SpanBuilder, parent: &Context) -> Span {
        Span::of(self.tracer.build_with_context(builder, parent))
    }
}
