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

    /// Takes one, or says how long until there is one.
    pub fn take(&mut self, now: Instant) -> Result<(), Duration> {
        let full_at = self.full_at.max(now) + self.interval;
        let room = self.interval * self.burst;
        match full_at.saturating_duration_since(now).checked_sub(room) {
            Some(over) if !over.is_zero() => Err(over),
            _ => {
                self.full_at = full_at;
                Ok(())
            }
        }
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
}
