//! Connections that went to make room for others.

use prometheus::{IntCounter, IntCounterVec, Opts, Registry};

/// Why one had to go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Shed {
    /// Too many had not said hello.
    NoHello,
    /// Too many connections had no session, and it had no whole request under way.
    Http,
    /// The system had no file left for another one.
    OpenFiles,
}

const REASONS: [(Shed, &str); 3] = [
    (Shed::NoHello, "no-hello"),
    (Shed::Http, "http"),
    (Shed::OpenFiles, "open-files"),
];

/// Counters by reason. Clones count together.
#[derive(Clone)]
pub(crate) struct ShedCounters([IntCounter; REASONS.len()]);

impl ShedCounters {
    pub(super) fn new(registry: &Registry) -> Self {
        let shed = super::registered(
            registry,
            IntCounterVec::new(
                Opts::new(
                    "connections_shed_total",
                    "Connections without a session that were closed to make room for others, by what there was too little of",
                ),
                &["reason"],
            ),
        );
        Self(REASONS.map(|(_, reason)| shed.with_label_values(&[reason])))
    }

    /// One went.
    pub(crate) fn count(&self, shed: Shed) {
        let known = REASONS.iter().position(|(reason, _)| *reason == shed);
        if let Some(counter) = known.and_then(|known| self.0.get(known)) {
            counter.inc();
        }
    }
}
