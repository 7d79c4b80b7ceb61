//! Chance, by a seed: the same seed gives the same faults at the same moments.

use std::ops::Range;
use std::sync::Arc;

use parking_lot::Mutex;
use switchboard_protocol::PeerId;
use tokio::time::Duration;

/// A source of chance for one subject. Clones share it.
///
/// Each subject has its own, so that one more draw for the network does not change what the clients want to do.
#[derive(Clone)]
pub(crate) struct Random(Arc<Mutex<fastrand::Rng>>);

impl Random {
    /// The source of a subject, of which the same seed has the same.
    pub(crate) fn of(seed: u64, subject: &str) -> Self {
        // FNV-1a; any mixing would do.
        let mixed = subject.bytes().fold(0xCBF2_9CE4_8422_2325, |hash, byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01B3)
        });
        let mixed = mixed ^ seed.wrapping_mul(0x9E37_79B9_7F4A_7C15);
        Self(Arc::new(Mutex::new(fastrand::Rng::with_seed(mixed))))
    }

    /// True so many times in a thousand.
    pub(crate) fn chance(&self, permille: u32) -> bool {
        permille > 0 && self.0.lock().u32(0..1000) < permille
    }

    pub(crate) fn below(&self, most: usize) -> usize {
        self.0.lock().usize(0..most)
    }

    pub(crate) fn number(&self, range: Range<u64>) -> u64 {
        self.0.lock().u64(range)
    }

    pub(crate) fn millis(&self, range: Range<u64>) -> Duration {
        Duration::from_millis(self.number(range))
    }

    pub(crate) fn pick<'a, T>(&self, from: &'a [T]) -> &'a T {
        &from[self.below(from.len())]
    }

    /// A peer id such as a gateway would give.
    pub(crate) fn peer(&self) -> PeerId {
        let mut random = self.0.lock();
        let text: String = (0..20).map(|_| random.alphanumeric()).collect();
        text.parse().expect("twenty letters are a peer id")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_gives_each_subject_the_same_again_and_others_something_else() {
        let draw = |seed, subject| {
            let random = Random::of(seed, subject);
            [0; 4].map(|_: i32| random.number(0..1 << 40))
        };
        assert_eq!(draw(7, "network"), draw(7, "network"));
        assert_ne!(draw(7, "network"), draw(7, "clients"));
        assert_ne!(draw(7, "network"), draw(8, "network"));
    }
}
