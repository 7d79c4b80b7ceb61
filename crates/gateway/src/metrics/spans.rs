//! What becomes of spans.

use prometheus::{IntCounter, IntCounterVec};

/// What became of a span.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum SpanOutcome {
    /// The OTLP receiver took it.
    Exported,
    /// It did not.
    Failed,
    /// Too many waited for it.
    Dropped,
}

impl SpanOutcome {
    pub(super) const ALL: [Self; 3] = [Self::Exported, Self::Failed, Self::Dropped];

    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Exported => "exported",
            Self::Failed => "failed",
            Self::Dropped => "dropped",
        }
    }
}

/// Counters by outcome. Clones count together.
#[derive(Debug, Clone)]
pub(crate) struct SpanCounters([(SpanOutcome, IntCounter); SpanOutcome::ALL.len()]);

impl SpanCounters {
    pub(super) fn of(counters: &IntCounterVec) -> Self {
        let counter = |outcome: SpanOutcome| counters.with_label_values(&[outcome.as_str()]);
        Self(SpanOutcome::ALL.map(|outcome| (outcome, counter(outcome))))
    }

    /// So many came out this way.
    pub(crate) fn count(&self, outcome: SpanOutcome, spans: usize) {
        for (_, counter) in self.0.iter().filter(|(known, _)| *known == outcome) {
            counter.inc_by(spans as u64);
        }
    }
}
