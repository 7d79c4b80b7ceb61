//! What became of one pair's numbered signals.

use std::collections::BTreeSet;
use std::ops::AddAssign;

/// Follows the numbers as they arrive. Each signal of the run carries one; they rise by one.
#[derive(Debug)]
pub(crate) struct Tally {
    /// The lowest number that nothing at or above has arrived of.
    next: u64,
    /// Below `next`, and not arrived.
    missing: BTreeSet<u64>,
    counts: Counts,
}

/// How many signals had which fate.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Counts {
    /// Arrived, each counted once.
    pub(crate) arrived: u64,
    /// Arrived after one that was sent later.
    pub(crate) out_of_order: u64,
    /// Arrived once more.
    pub(crate) repeated: u64,
    /// Never arrived.
    pub(crate) lost: u64,
}

impl Tally {
    /// For signals from this number on.
    pub(crate) fn starting_at(first: u64) -> Self {
        Self {
            next: first,
            missing: BTreeSet::new(),
            counts: Counts::default(),
        }
    }

    /// Takes note of one that arrived. False: it had arrived before.
    pub(crate) fn enter(&mut self, number: u64) -> bool {
        if number >= self.next {
            self.missing.extend(self.next..number);
            self.next = number + 1;
        } else if self.missing.remove(&number) {
            self.counts.out_of_order += 1;
        } else {
            self.counts.repeated += 1;
            return false;
        }
        self.counts.arrived += 1;
        true
    }

    /// Whether all below this number have arrived.
    pub(crate) fn is_complete(&self, end: u64) -> bool {
        self.next >= end && self.missing.is_empty()
    }

    /// The account, when all below this number had been sent and nothing comes any more.
    pub(crate) fn close(self, end: u64) -> Counts {
        Counts {
            lost: self.missing.len() as u64 + end.saturating_sub(self.next),
            ..self.counts
        }
    }
}

impl AddAssign for Counts {
    fn add_assign(&mut self, other: Self) {
        self.arrived += other.arrived;
        self.out_of_order += other.out_of_order;
        self.repeated += other.repeated;
        self.lost += other.lost;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Of five signals, 10 to 14.
    fn account(arriving: &[u64]) -> Counts {
        let mut tally = Tally::starting_at(10);
        for number in arriving {
            tally.enter(*number);
        }
        let complete = tally.is_complete(15);
        let counts = tally.close(15);
        assert_eq!(complete, counts.lost == 0);
        counts
    }

    #[test]
    fn what_comes_in_turn_is_neither_lost_nor_out_of_order() {
        let all = Counts {
            arrived: 5,
            ..Counts::default()
        };
        assert_eq!(account(&[10, 11, 12, 13, 14]), all);
    }

    #[test]
    fn what_is_overtaken_is_out_of_order_and_not_lost() {
        let counts = account(&[10, 12, 13, 11, 14]);
        assert_eq!(
            (counts.arrived, counts.out_of_order, counts.lost),
            (5, 1, 0)
        );
    }

    #[test]
    fn gaps_and_a_missing_end_are_lost() {
        let counts = account(&[11, 13]);
        assert_eq!((counts.arrived, counts.lost), (2, 3));
    }

    #[test]
    fn a_repeat_does_not_stand_for_one_that_is_lost() {
        let counts = account(&[10, 11, 11, 13, 14]);
        assert_eq!((counts.arrived, counts.repeated, counts.lost), (4, 1, 1));
    }
}
