//! A counter by kind and outcome of a signal, looked up without hashing: it is on the path of a signal.

use std::iter::once;

use prometheus::{IntCounter, IntCounterVec};
use switchboard_cluster::KindClass;
use switchboard_protocol::server_message::Reason;

pub(super) type Outcome = Result<(), Reason>;

pub(super) const KINDS: [(KindClass, &str); 4] = [
    (KindClass::Offer, "offer"),
    (KindClass::Answer, "answer"),
    (KindClass::Candidate, "candidate"),
    (KindClass::Other, "other"),
];

/// All of them.
pub(super) fn outcomes() -> impl Iterator<Item = Outcome> {
    once(Ok(())).chain(Reason::ALL.map(Err))
}

pub(super) fn outcome_word(outcome: Outcome) -> &'static str {
    outcome.err().map_or("delivered", Reason::as_str)
}

/// By kind in the order of [`KINDS`], in each by outcome in the order of [`outcomes`].
pub(super) struct OutcomeCounters(Vec<IntCounter>);

impl OutcomeCounters {
    pub(super) fn of(counters: &IntCounterVec) -> Self {
        let of_kind = |(_, kind)| {
            outcomes()
                .map(move |outcome| counters.with_label_values(&[kind, outcome_word(outcome)]))
        };
        Self(KINDS.into_iter().flat_map(of_kind).collect())
    }

    pub(super) fn count(&self, kind: KindClass, outcome: Outcome) {
        let index = KINDS
            .iter()
            .position(|(known, _)| *known == kind)
            .zip(outcomes().position(|known| known == outcome))
            .map(|(kind, outcome)| kind * (1 + Reason::ALL.len()) + outcome);
        if let Some(counter) = index.and_then(|index| self.0.get(index)) {
            counter.inc();
        }
    }
}
