//! A token bucket.

use std::time::{Duration, Instant};

/// Lets `burst` through at once and `per_second` in the long run.
#[derive(Debug, Clone)]
pub struct RateLimit {
    /// When the bucket is full again, if nothing more is taken.
    full_at: Instant,
    interval: Duration,
    burst: u32,
}

impl RateLimit {
    /// A full bucket.
    pub fn new(per_second: u32, burst: u32, now: Instant) -> Self {
        Self {
            full_at: now,
            interval: Duration::from_secs(1) / per_second.max(1),
            burst: burst.max(1),
        }
    }

    /// How long until there is one; `None`: there is.
    pub fn pause(&self, now: Instant) -> Option<Duration> {
        let with_one = self.full_at.max(now) + self.interval;
        let over = with_one.saturating_duration_since(now);
        over.checked_sub(self.interval * self.burst)
            .filter(|over| !over.is_zero())
    }

    /// Takes one, or says how long until there is one.
    pub fn take(&mut self, now: Instant) -> Result<(), Duration> {
        self.spend(1, now)
    }

    /// Takes so many if there is one at least, or says how long until there is. What is taken beyond what there is delays
    /// whatever comes next: so one that costs more than a whole burst passes too, after a pause.
    pub fn spend(&mut self, cost: u32, now: Instant) -> Result<(), Duration> {
        match self.pause(now) {
            Some(pause) => Err(pause),
            None => {
                self.overdraw(cost, now);
                Ok(())
            }
        }
    }

    /// Takes so many, whether there are any or not.
    pub fn overdraw(&mut self, cost: u32, now: Instant) {
        self.full_at = self.full_at.max(now) + self.interval * cost;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_burst_passes_then_the_rate_holds() {
        let mut now = Instant::now();
        let mut limit = RateLimit::new(10, 3, now);
        assert_eq!([(); 3].map(|()| limit.take(now)), [Ok(()); 3]);
        let pause = limit.take(now).expect_err("the burst is used up");
        assert_eq!(pause, Duration::from_millis(100));
        now += pause;
        assert_eq!(limit.take(now), Ok(()));
        assert!(limit.take(now).is_err());
        now += Duration::from_secs(60);
        assert_eq!([(); 3].map(|()| limit.take(now)), [Ok(()); 3]);
        assert!(limit.take(now).is_err());
    }

    #[test]
    fn what_costs_more_than_there_is_passes_and_delays_the_next() {
        let mut now = Instant::now();
        let mut limit = RateLimit::new(10, 3, now);
        assert_eq!(limit.spend(23, now), Ok(()));
        let pause = limit.take(now).expect_err("it is overdrawn");
        assert_eq!(pause, Duration::from_millis(2100));
        now += pause;
        assert_eq!(limit.take(now), Ok(()));
        assert!(limit.take(now).is_err());
    }
}
