//! Counters of one label, looked up without hashing.

use prometheus::{IntCounter, IntCounterVec};

/// A counter for each value of a closed label. Clones count together.
#[derive(Debug, Clone)]
pub(crate) struct CountersBy<L, const N: usize>([(L, IntCounter); N]);

impl<L: Copy + PartialEq, const N: usize> CountersBy<L, N> {
    /// One for each of these values, which are called so.
    pub(super) fn new(
        counters: &IntCounterVec,
        values: [L; N],
        name: impl Fn(L) -> &'static str,
    ) -> Self {
        let counter = |value| counters.with_label_values(&[name(value)]);
        Self(values.map(|value| (value, counter(value))))
    }

    /// So many more.
    pub(crate) fn count(&self, value: L, more: u64) {
        for (_, counter) in self.0.iter().filter(|(known, _)| *known == value) {
            counter.inc_by(more);
        }
    }
}
