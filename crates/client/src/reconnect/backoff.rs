//! Full-jitter exponential back-off: a random pause below a ceiling that doubles with each failure. (Marc Brooker,
//! "Exponential Backoff And Jitter", AWS Architecture Blog, 2015.)

use std::time::Duration;

const BASE: Duration = Duration::from_millis(500);
const CAP: Duration = Duration::from_secs(15);

/// Gives a pause between zero and the bound.
pub type Jitter = Box<dyn FnMut(Duration) -> Duration + Send>;

/// A random pause, evenly spread between zero and `bound`.
pub fn full_jitter(bound: Duration) -> Duration {
    let random = getrandom::u32().expect("the operating system gives random bytes");
    bound.mul_f64(f64::from(random) / f64::from(u32::MAX))
}

/// How long to wait, after how many failures: below 500 ms at first, below 15 s in the end.
pub(super) struct Backoff {
    failures: u32,
    jitter: Jitter,
}

impl std::fmt::Debug for Backoff {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Backoff")
            .field("failures", &self.failures)
            .finish_non_exhaustive()
    }
}

impl Backoff {
    pub(super) fn new(jitter: Jitter) -> Self {
        Self {
            failures: 0,
            jitter,
        }
    }

    /// The pause after one more failure.
    pub(super) fn pause(&mut self) -> Duration {
        let ceiling = BASE.saturating_mul(1 << self.failures.min(16)).min(CAP);
        self.failures = self.failures.saturating_add(1);
        (self.jitter)(ceiling)
    }

    /// All went well since.
    pub(super) fn reset(&mut self) {
        self.failures = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ceilings_double_from_half_a_second_to_fifteen() {
        let mut backoff = Backoff::new(Box::new(|ceiling| ceiling));
        let ceilings = [(); 7].map(|()| backoff.pause().as_millis());
        assert_eq!(ceilings, [500, 1000, 2000, 4000, 8000, 15_000, 15_000]);
        backoff.reset();
        assert_eq!(backoff.pause(), BASE);
    }

    #[test]
    fn full_jitter_stays_below_its_bound() {
        let pauses = [(); 64].map(|()| full_jitter(CAP));
        assert!(pauses.iter().all(|pause| *pause <= CAP));
        assert!(pauses.iter().any(|pause| *pause != pauses[0]));
    }
}
