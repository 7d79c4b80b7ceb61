//! The spans of frames: one for each new frame in which signals are traced.

use switchboard_traces::{FrameAbout, Span, SpanContext, Traces};

use crate::backend::bus::BusError;

/// The span of a frame does not link to further signals.
const TRACED_MAX: usize = 128;

/// Signals that are gathered and traced, each with the number of its frame.
#[derive(Default)]
pub(super) struct Traced(Vec<(u64, SpanContext)>);

impl Traced {
    pub(super) fn gather(&mut self, number: u64, traced: SpanContext) {
        if self.0.len() < TRACED_MAX {
            self.0.push((number, traced));
        }
    }

    /// The span of the frame of this number, if it is published for the first time and signals in it are traced.
    pub(super) fn publish(
        &mut self,
        traces: &Traces,
        number: u64,
        about: FrameAbout<'_>,
    ) -> Option<Box<Span>> {
        if self.0.is_empty() {
            return None;
        }
        let in_frame = self.0.extract_if(.., |(of, _)| *of <= number);
        let traced = in_frame.map(|(_, traced)| traced).collect();
        traces.publish_frame(traced, about)
    }
}

/// The publish of a frame has ended.
pub(super) fn end_publishing(span: Option<Box<Span>>, result: &Result<u64, BusError>) {
    if let Some(mut span) = span {
        match result {
            Ok(_) => span.outcome("published", false),
            Err(_) => span.outcome("to be repeated", true),
        }
    }
}
