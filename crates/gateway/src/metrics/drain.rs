//! What drains count. Others read it back, to say how far one has come.

use prometheus::{IntCounter, IntCounterVec, Opts, Registry};

/// Counters of drains. Clones count together.
#[derive(Clone)]
pub(crate) struct DrainCounters {
    told: IntCounter,
    moved: IntCounter,
    closed: IntCounter,
    left: IntCounter,
}

/// How a connection ended that was part of a drain.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum DrainOutcome {
    /// Its session goes on through another connection.
    Moved,
    /// The node closed it.
    Closed,
    /// By itself.
    Left,
}

/// Since the node's start.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct DrainCounts {
    pub(crate) told: u64,
    pub(crate) moved: u64,
    pub(crate) closed: u64,
    pub(crate) left: u64,
}

impl DrainCounters {
    pub(super) fn new(registry: &Registry) -> Self {
        let ended = super::registered(
            registry,
            IntCounterVec::new(
                Opts::new(
                    "drain_ended_total",
                    "Connections that ended in a drain: moved to another node, closed by this one, or left by themselves",
                ),
                &["outcome"],
            ),
        );
        Self {
            told: super::registered(
                registry,
                IntCounter::new(
                    "drain_told_total",
                    "Sessions that were told to resume at another node",
                ),
            ),
            moved: ended.with_label_values(&["moved"]),
            closed: ended.with_label_values(&["closed"]),
            left: ended.with_label_values(&["left"]),
        }
    }

    /// A session was told to go.
    pub(crate) fn told(&self) {
        self.told.inc();
    }

    /// A connection ended.
    pub(crate) fn ended(&self, outcome: DrainOutcome) {
        match outcome {
            DrainOutcome::Moved => self.moved.inc(),
            DrainOutcome::Closed => self.closed.inc(),
            DrainOutcome::Left => self.left.inc(),
        }
    }

    /// All of them.
    pub(crate) fn now(&self) -> DrainCounts {
        DrainCounts {
            told: self.told.get(),
            moved: self.moved.get(),
            closed: self.closed.get(),
            left: self.left.get(),
        }
    }
}
