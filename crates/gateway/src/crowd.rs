//! Those who are in and have not said who they are: how many of each source, and in what order they came.
//!
//! When there are too many, the oldest of the largest source goes. No source has a fixed share, since an office or a school
//! is one source; but whoever comes in numbers pushes out his own, and an honest client that says hello at once is never
//! the oldest.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet, HashMap};

use crate::source::Source;

/// What is there, by its source and its number: lower numbers came first.
pub(crate) struct Crowd<T> {
    sources: HashMap<Source, BTreeMap<u64, T>>,
    /// The largest source is last; of several the one that has the oldest.
    by_size: BTreeSet<(usize, Reverse<u64>, Source)>,
    len: usize,
}

impl<T> Default for Crowd<T> {
    fn default() -> Self {
        Self {
            sources: HashMap::new(),
            by_size: BTreeSet::new(),
            len: 0,
        }
    }
}

impl<T> Crowd<T> {
    pub(crate) fn len(&self) -> usize {
        self.len
    }

    /// Takes one in. Its number is its own.
    pub(crate) fn enter(&mut self, source: Source, number: u64, one: T) {
        self.change(source, |those| those.insert(number, one));
        self.len += 1;
    }

    /// `None`: it is not there any more.
    pub(crate) fn leave(&mut self, source: Source, number: u64) -> Option<T> {
        let one = self.change(source, |those| those.remove(&number))?;
        self.len -= 1;
        Some(one)
    }

    /// Takes out the oldest of the source that has the most.
    pub(crate) fn take_oldest_of_largest(&mut self) -> Option<T> {
        let &(_, Reverse(number), source) = self.by_size.last()?;
        self.leave(source, number)
    }

    fn change<R>(&mut self, source: Source, change: impl FnOnce(&mut BTreeMap<u64, T>) -> R) -> R {
        let those = self.sources.entry(source).or_default();
        if let Some(place) = place(source, those) {
            self.by_size.remove(&place);
        }
        let result = change(those);
        match place(source, those) {
            Some(place) => drop(self.by_size.insert(place)),
            None => drop(self.sources.remove(&source)),
        }
        result
    }
}

fn place<T>(source: Source, those: &BTreeMap<u64, T>) -> Option<(usize, Reverse<u64>, Source)> {
    let (&oldest, _) = those.first_key_value()?;
    Some((those.len(), Reverse(oldest), source))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn source(last: u8) -> Source {
        Source::of([192, 0, 2, last].into())
    }

    fn crowd(members: &[(u8, u64)]) -> Crowd<u64> {
        let mut crowd = Crowd::default();
        for &(from, number) in members {
            crowd.enter(source(from), number, number);
        }
        crowd
    }

    #[test]
    fn the_oldest_of_the_largest_source_goes_first() {
        let mut crowd = crowd(&[(1, 1), (2, 2), (2, 3), (3, 4), (2, 5)]);
        let mut gone = Vec::new();
        while let Some(number) = crowd.take_oldest_of_largest() {
            gone.push(number);
        }
        // Of sources with one each, the oldest of all.
        assert_eq!(gone, [2, 3, 1, 4, 5]);
        assert!(crowd.len() == 0 && crowd.sources.is_empty() && crowd.by_size.is_empty());
    }

    #[test]
    fn who_has_left_is_not_counted() {
        let mut crowd = crowd(&[(1, 1), (1, 2), (2, 3)]);
        assert_eq!(crowd.leave(source(1), 1), Some(1));
        assert_eq!(crowd.leave(source(1), 1), None);
        assert_eq!(crowd.leave(source(9), 1), None);
        assert_eq!(crowd.len(), 2);
        assert_eq!(crowd.take_oldest_of_largest(), Some(2));
        assert_eq!(crowd.sources.len(), 1);
    }
}
