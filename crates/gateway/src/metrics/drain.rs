//! Metrics about drains. The registry counts; a scrape reads the counts.

use std::time::Duration;

use parking_lot::Mutex;
use prometheus::IntCounter;

use super::table::NodeMetrics;
use crate::tally::Tally;

/// Values of `outcome`.
pub(super) const MOVED: &str = "moved";
pub(super) const CLOSED: &str = "closed";
pub(super) const LEFT: &str = "left";

/// The drain under way, and how much all of them have done.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct DrainNow {
    /// Part of the sessions that it moves: 1 where the node stops, 0 where no drain is under way.
    pub(crate) share: f64,
    /// Connections that it waits for.
    pub(crate) remaining: u64,
    /// Time since its window ended.
    pub(crate) overdue: Duration,
    /// Of all drains.
    pub(crate) tally: Tally,
}

/// What the last scrape saw.
#[derive(Default)]
pub(super) struct LastDrain(Mutex<Tally>);

impl LastDrain {
    /// Sets the gauges, and raises the counters by what was counted since the last scrape. Scrapes may overlap.
    pub(super) fn look(&self, metrics: &NodeMetrics, now: &DrainNow) {
        metrics.drain_share.set(now.share);
        metrics
            .drain_remaining
            .set(i64::try_from(now.remaining).unwrap_or(i64::MAX));
        metrics.drain_overdue_seconds.set(now.overdue.as_secs_f64());
        let ended = |outcome| metrics.drain_ended_total.with_label_values(&[outcome]);
        let (mut last, tally) = (self.0.lock(), now.tally);
        raise(&metrics.drain_told_total, &mut last.told, tally.told);
        raise(&ended(MOVED), &mut last.moved, tally.moved);
        raise(&ended(CLOSED), &mut last.closed, tally.closed);
        raise(&ended(LEFT), &mut last.left, tally.left);
    }
}

fn raise(counter: &IntCounter, last: &mut u64, now: u64) {
    counter.inc_by(now.saturating_sub(*last));
    *last = now.max(*last);
}
