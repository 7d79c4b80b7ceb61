//! What becomes of spans.

use super::by_label::CountersBy;

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

/// Counters by outcome.
pub(crate) type SpanCounters = CountersBy<SpanOutcome, { SpanOutcome::ALL.len() }>;
