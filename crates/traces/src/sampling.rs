//! Which signals are traced. Decided once, at the node of the sender: every other node goes by the flag in the envelope.

use std::hash::{BuildHasher, RandomState};

use opentelemetry::trace::{SpanContext, TraceId};
use parking_lot::Mutex;
use switchboard_session::RateLimit;
use tokio::time::Instant;

/// Traces a second that clients may ask for at one node, with the flag «sampled» in their `traceparent`.
const ASKED_PER_SECOND: u32 = 10;
/// Traces a second that clients may have begun at one node without that flag: they choose the trace's id, and with it
/// whether the ratio takes it.
const BEGUN_PER_SECOND: u32 = 100;
/// Receivers a second of traced signals that get spans of their own at one node, unless all signals are traced: a broadcast
/// has many, and a node that traces nothing, or one of an earlier release, lets its clients decide.
const RECEIVERS_PER_SECOND: u32 = 1000;
/// Slow signals a second that are reported.
const SLOW_PER_SECOND: u32 = 10;

/// How a node chooses.
#[derive(Debug)]
pub struct Sampling {
    /// From 0 (none) to 1 (all).
    ratio: f64,
    /// Whether the flag of a client counts.
    heeds_clients: bool,
    asked: Bound,
    begun: Bound,
    receivers: Bound,
    slow: Bound,
    /// Of the process: no client can find ids that are always taken.
    hasher: RandomState,
}

impl Sampling {
    /// Takes this share of all traces, and, within a bound, those that clients ask for unless `heeds_clients` is false.
    pub fn new(ratio: f64, heeds_clients: bool) -> Self {
        Self {
            ratio: ratio.clamp(0.0, 1.0),
            heeds_clients,
            asked: Bound::new(ASKED_PER_SECOND),
            begun: Bound::new(BEGUN_PER_SECOND),
            receivers: Bound::new(RECEIVERS_PER_SECOND),
            slow: Bound::new(SLOW_PER_SECOND),
            hasher: RandomState::new(),
        }
    }

    /// Whether a signal is traced that a client sends in this context.
    pub(crate) fn takes(&self, asked: Option<&SpanContext>) -> bool {
        let Some(context) = asked else {
            return self.draws();
        };
        if self.heeds_clients && context.is_sampled() && self.asked.take() {
            return true;
        }
        self.covers(context.trace_id()) && (self.begun.take() || self.draws())
    }

    /// Whether what becomes of a traced signal for one more receiver is a span.
    pub(crate) fn takes_receiver(&self) -> bool {
        self.ratio >= 1.0 || self.receivers.take()
    }

    /// Whether one more slow signal is reported.
    pub(crate) fn takes_slow(&self) -> bool {
        self.slow.take()
    }

    fn draws(&self) -> bool {
        self.ratio > 0.0 && fastrand::f64() < self.ratio
    }

    /// The same for all signals of one trace.
    fn covers(&self, trace: TraceId) -> bool {
        let hash = self.hasher.hash_one(trace.to_bytes());
        (hash as f64) < self.ratio * u64::MAX as f64 || self.ratio >= 1.0
    }
}

/// So many a second, and as many at once.
#[derive(Debug)]
struct Bound(Mutex<RateLimit>);

impl Bound {
    fn new(per_second: u32) -> Self {
        Self(Mutex::new(RateLimit::new(per_second, per_second, now())))
    }

    fn take(&self) -> bool {
        self.0.lock().take(now()).is_ok()
    }
}

/// By tokio's clock, which a test can stop.
fn now() -> std::time::Instant {
    Instant::now().into_std()
}

#[cfg(test)]
mod tests {
    use opentelemetry::trace::{SpanId, TraceFlags, TraceState};
    use tokio::time::{Duration, advance};

    use super::*;

    fn context(trace: u128, is_sampled: bool) -> SpanContext {
        SpanContext::new(
            TraceId::from_bytes(trace.to_be_bytes()),
            SpanId::from_bytes([7; 8]),
            TraceFlags::default().with_sampled(is_sampled),
            true,
            TraceState::NONE,
        )
    }

    fn taken(
        sampling: &Sampling,
        count: u128,
        asked: impl Fn(u128) -> Option<SpanContext>,
    ) -> usize {
        let asked = (1..=count).filter(|n| sampling.takes(asked(*n).as_ref()));
        asked.count()
    }

    #[tokio::test(start_paused = true)]
    async fn clients_are_heeded_up_to_a_bound_that_time_refills() {
        let sampling = Sampling::new(0.0, true);
        let asked = |n| Some(context(n, true));
        assert_eq!(taken(&sampling, 50, asked), 10);
        advance(Duration::from_millis(500)).await;
        assert_eq!(taken(&sampling, 50, asked), 5);
        assert_eq!(taken(&Sampling::new(0.0, false), 50, asked), 0);
    }

    #[tokio::test(start_paused = true)]
    async fn a_ratio_takes_about_its_share_and_one_trace_whole_or_not_at_all() {
        let sampling = Sampling::new(0.25, true);
        let roots = taken(&sampling, 10_000, |_| None);
        assert!((2_000..3_000).contains(&roots), "{roots}");
        let mut same = 0;
        for n in 1..=100 {
            let each: Vec<_> = (0..3)
                .map(|_| sampling.covers(context(n, false).trace_id()))
                .collect();
            assert!(each.iter().all(|covers| *covers == each[0]));
            same += usize::from(each[0]);
        }
        assert!((5..50).contains(&same), "{same}");
    }

    #[tokio::test(start_paused = true)]
    async fn nothing_and_everything_are_that() {
        assert_eq!(taken(&Sampling::new(0.0, true), 1000, |_| None), 0);
        assert_eq!(taken(&Sampling::new(1.0, true), 1000, |_| None), 1000);
        assert_eq!(
            taken(&Sampling::new(1.0, true), 1000, |n| Some(context(n, false))),
            1000
        );
    }

    #[tokio::test(start_paused = true)]
    async fn a_client_that_repeats_an_id_that_the_ratio_takes_does_not_own_the_bill() {
        let sampling = Sampling::new(0.001, true);
        let lucky = (1..).find(|n| sampling.covers(context(*n, false).trace_id()));
        let lucky = context(lucky.expect("there is one"), false);
        let count = (0..10_000).filter(|_| sampling.takes(Some(&lucky))).count();
        assert!((100..200).contains(&count), "{count}");
    }
}
