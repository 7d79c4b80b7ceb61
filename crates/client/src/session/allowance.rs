//! How much a client may say at present: signals in flight, their bytes, and their rate.

use std::time::{Duration, Instant};

use switchboard_protocol::limits::Limits;

/// What has to come before more may be sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Wait {
    /// An answer to something that is in flight.
    Answer,
    /// That moment: the rate is used up.
    Until(Instant),
}

/// Keeps a client within the limits of its `welcome`.
#[derive(Debug)]
pub(super) struct Allowance {
    limits: Limits,
    /// Signals that do not count for the rate: what was in flight when a session was resumed.
    free: u32,
    signals: u32,
    bytes: u64,
    /// When the whole burst is there again.
    full_at: Instant,
    interval: Duration,
    burst: Duration,
}

impl Allowance {
    /// The gateway counts arrivals, which a network may push together: an eighth is left for that.
    pub(super) fn new(limits: Limits, now: Instant) -> Self {
        let interval = Duration::from_secs(8) / limits.signals_per_second.saturating_mul(7).max(7);
        let burst = (u64::from(limits.burst) * 7 / 8).max(1);
        Self {
            limits,
            free: 0,
            signals: 0,
            bytes: 0,
            full_at: now,
            interval,
            burst: interval.saturating_mul(u32::try_from(burst).expect("less than it was")),
        }
    }

    /// For a session that was resumed: the first `limits.in_flight` signals are free of the rate.
    pub(super) fn resumed(limits: Limits, now: Instant) -> Self {
        Self {
            free: limits.in_flight,
            ..Self::new(limits, now)
        }
    }

    pub(super) fn limits(&self) -> &Limits {
        &self.limits
    }

    /// Whether a signal of so many payload bytes may go now. One that alone is too big may go alone: the gateway says
    /// what is wrong with it.
    pub(super) fn check(&self, bytes: usize, now: Instant) -> Result<(), Wait> {
        let too_many = self.signals >= self.limits.in_flight;
        let too_big = self.bytes + bytes as u64 > self.limits.in_flight_bytes;
        if self.signals > 0 && (too_many || too_big) {
            return Err(Wait::Answer);
        }
        if self.free > 0 {
            return Ok(());
        }
        let used = (self.full_at.max(now) + self.interval).saturating_duration_since(now);
        match used.checked_sub(self.burst) {
            Some(over) if !over.is_zero() => Err(Wait::Until(now + over)),
            _ => Ok(()),
        }
    }

    /// It went.
    pub(super) fn take(&mut self, bytes: usize, now: Instant) {
        self.signals += 1;
        self.bytes += bytes as u64;
        match self.free.checked_sub(1) {
            Some(left) => self.free = left,
            None => self.full_at = self.full_at.max(now) + self.interval,
        }
    }

    /// It was answered.
    pub(super) fn answered(&mut self, bytes: usize) {
        self.signals -= 1;
        self.bytes -= bytes as u64;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMITS: Limits = Limits {
        in_flight: 3,
        in_flight_bytes: 1000,
        max_message_bytes: 4096,
        signals_per_second: 8,
        burst: 16,
    };

    #[test]
    fn signals_in_flight_are_bounded_in_number_and_bytes() {
        let now = Instant::now();
        let mut allowance = Allowance::new(LIMITS, now);
        allowance.take(400, now);
        assert_eq!(allowance.check(601, now), Err(Wait::Answer));
        assert_eq!(allowance.check(600, now), Ok(()));
        allowance.take(0, now);
        allowance.take(0, now);
        assert_eq!(allowance.check(0, now), Err(Wait::Answer));
        allowance.answered(400);
        assert_eq!(allowance.check(1000, now), Ok(()));
    }

    #[test]
    fn one_that_alone_is_too_big_goes_alone() {
        let now = Instant::now();
        assert_eq!(Allowance::new(LIMITS, now).check(5000, now), Ok(()));
    }

    #[test]
    fn the_burst_and_then_the_rate_are_kept_with_an_eighth_to_spare() {
        let now = Instant::now();
        let mut allowance = Allowance::new(LIMITS, now);
        let mut sent = 0;
        let wait = loop {
            match allowance.check(0, now) {
                Ok(()) => allowance.take(0, now),
                Err(wait) => break wait,
            }
            allowance.answered(0);
            sent += 1;
        };
        let later = now + Duration::from_secs(1) / 7;
        assert_eq!(sent, 14);
        assert_eq!(wait, Wait::Until(later));
        assert_eq!(allowance.check(0, later), Ok(()));
    }

    #[test]
    fn after_a_resume_as_many_as_may_be_in_flight_are_free_of_the_rate() {
        let now = Instant::now();
        let mut allowance = Allowance::resumed(LIMITS, now);
        let mut sent = 0;
        while allowance.check(0, now).is_ok() {
            allowance.take(0, now);
            allowance.answered(0);
            sent += 1;
        }
        assert_eq!(sent, 3 + 14);
    }
}
