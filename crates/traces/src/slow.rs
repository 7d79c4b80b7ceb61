//! A signal that took long is reported although it was not sampled: its span is built afterwards.

use opentelemetry::trace::SpanKind;
use opentelemetry::{Context, KeyValue};
use tokio::time::{Duration, Instant};

use crate::names::{IS_SLOW, SEND_SIGNAL};
use crate::signal::{SignalAbout, of_signal};
use crate::span::{below, time_of};
use crate::traceparent::parse;
use crate::traces::Traces;

/// A signal that took this long, from the moment it was taken until the last receiver was answered for, is slow.
pub const SLOW: Duration = Duration::from_secs(1);

/// That a slow signal was reported.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Slow {
    /// Under which its span can be found: 32 hexadecimal digits.
    pub trace_id: String,
    /// From the moment it was taken until the last receiver was answered for.
    pub took: Duration,
}

impl Traces {
    /// A signal that is not traced was taken at `since` and is answered for now. `None`: it was quick, or enough are reported.
    pub fn slow_signal(
        &self,
        asked: Option<&str>,
        about: SignalAbout<'_>,
        since: Instant,
    ) -> Option<Slow> {
        let tracing = self.on()?;
        let took = since.elapsed();
        if took < SLOW || !tracing.sampling.takes_slow() {
            return None;
        }
        let parent = asked.and_then(parse).map_or_else(Context::new, below);
        let builder = of_signal(SEND_SIGNAL, SpanKind::Producer, "send", about)
            .with_start_time(time_of(since));
        let mut span = tracing.span(builder, &parent);
        span.set(KeyValue::new(IS_SLOW, true));
        let trace_id = span.trace_id();
        span.end_at(time_of(Instant::now()));
        Some(Slow { trace_id, took })
    }
}
