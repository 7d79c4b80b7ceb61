//! A map that forgets: what was not looked at for a while, and what is too much.

use std::collections::HashMap;
use std::hash::Hash;
use std::mem;
use std::time::{Duration, Instant};

/// Has at most so many entries, each for as long as it is looked at again within `lasts`; forgotten after twice that at the
/// latest, or sooner where many others come.
///
/// Entries are in two halves. When the younger one is full or old, the older one is dropped and the younger takes its place;
/// what is looked at moves to the younger one. So nothing is ever searched for what to drop.
#[derive(Debug)]
pub(crate) struct Recent<K, V> {
    younger: HashMap<K, V>,
    older: HashMap<K, V>,
    turned_at: Instant,
    lasts: Duration,
    half: usize,
}

impl<K: Eq + Hash, V> Recent<K, V> {
    pub(crate) fn new(most: usize, lasts: Duration, now: Instant) -> Self {
        Self {
            younger: HashMap::new(),
            older: HashMap::new(),
            turned_at: now,
            lasts,
            half: (most / 2).max(1),
        }
    }

    /// The entry, if it is still there.
    pub(crate) fn get(&mut self, key: K, now: Instant) -> Option<&mut V> {
        self.turn(now);
        if let Some(value) = self.older.remove(&key) {
            return Some(self.younger.entry(key).or_insert(value));
        }
        self.younger.get_mut(&key)
    }

    /// The entry, or a new one.
    pub(crate) fn get_or_insert_with(
        &mut self,
        key: K,
        now: Instant,
        new: impl FnOnce() -> V,
    ) -> &mut V {
        self.turn(now);
        let older = self.older.remove(&key);
        self.younger
            .entry(key)
            .or_insert_with(|| older.unwrap_or_else(new))
    }

    fn turn(&mut self, now: Instant) {
        let age = now.saturating_duration_since(self.turned_at);
        if age < self.lasts && self.younger.len() < self.half {
            return;
        }
        self.older = mem::take(&mut self.younger);
        if age >= 2 * self.lasts {
            self.older = HashMap::new();
        }
        self.turned_at = now;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LASTS: Duration = Duration::from_secs(60);

    #[test]
    fn what_is_looked_at_is_kept_and_what_is_not_is_forgotten() {
        let mut now = Instant::now();
        let mut recent = Recent::new(100, LASTS, now);
        for key in ["used", "unused"] {
            recent.get_or_insert_with(key, now, || key);
        }
        for _ in 0..4 {
            now += LASTS;
            assert!(recent.get("used", now).is_some());
        }
        assert!(recent.get("unused", now).is_none());
        now += 2 * LASTS;
        assert!(recent.get("used", now).is_none());
    }

    #[test]
    fn however_many_come_there_are_never_more_than_the_bound() {
        let now = Instant::now();
        let mut recent = Recent::new(100, LASTS, now);
        for key in 0..10_000 {
            recent.get_or_insert_with(key, now, || ());
            recent.get(key / 2, now);
            assert!(recent.younger.len() + recent.older.len() <= 100);
        }
        assert!(recent.get(9_999, now).is_some());
        assert!(recent.get(0, now).is_none());
    }
}
