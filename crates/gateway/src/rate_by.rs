//! Rates that are counted for each address or each user, and when those come again that were too many.

use std::hash::Hash;
use std::num::NonZeroU32;
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use switchboard_session::RateLimit;

use crate::recent::Recent;

/// Of so many at most a rate is kept. Beyond that, those that were not heard of for longest begin with a full burst again.
const KEPT: usize = 65_536;
/// What may come at once after a pause, in seconds of the rate.
const BURST: u32 = 10;
/// In this time a rate that nobody used is full again: there is no need to keep it.
const KEPT_FOR: Duration = Duration::from_secs(60);
/// Nobody comes again sooner: a connection costs more than the answer that it is too early.
const AGAIN_AT_LEAST: Duration = Duration::from_secs(1);
/// Nobody is sent away for longer.
const AGAIN_AT_MOST: Duration = Duration::from_secs(60);

/// A rate for each `K`.
#[derive(Debug)]
pub(crate) struct RateBy<K>(Option<Counted<K>>);

#[derive(Debug)]
struct Counted<K> {
    per_second: NonZeroU32,
    rates: Mutex<Recent<K, Paced>>,
}

impl<K: Eq + Hash> RateBy<K> {
    /// `None`: nothing is counted, and nobody is too many.
    pub(crate) fn new(per_second: Option<NonZeroU32>, now: Instant) -> Self {
        Self(per_second.map(|per_second| Counted {
            per_second,
            rates: Mutex::new(Recent::new(KEPT, KEPT_FOR, now)),
        }))
    }

    /// Counts one more, or says when to come again.
    pub(crate) fn take(&self, key: K, now: Instant) -> Result<(), Duration> {
        self.with(key, now, |paced| paced.take(now))
    }

    /// Whether there may be one more, or when there may be. Counts nothing, and nobody who asks waits for others who ask.
    pub(crate) fn may_take(&self, key: K, now: Instant) -> Result<(), Duration> {
        self.with(key, now, |paced| paced.may_take(now))
    }

    fn with(
        &self,
        key: K,
        now: Instant,
        ask: impl FnOnce(&mut Paced) -> Result<(), Duration>,
    ) -> Result<(), Duration> {
        let Some(counted) = &self.0 else {
            return Ok(());
        };
        let mut rates = counted.rates.lock();
        let per_second = counted.per_second;
        ask(rates.get_or_insert_with(key, now, || Paced::new(per_second, BURST, now)))
    }
}

/// A rate, and when those come again that were too many: one after another, in the order in which they came, as fast as the
/// rate takes them. Told the same time, they would be too many at that time.
#[derive(Debug)]
pub(crate) struct Paced {
    rate: RateLimit,
    interval: Duration,
    /// When the last one comes that was sent away.
    last_comes_at: Instant,
}

impl Paced {
    /// So many in the long run, and as many as come in `burst` seconds at once.
    pub(crate) fn new(per_second: NonZeroU32, burst: u32, now: Instant) -> Self {
        let per_second = per_second.get();
        Self {
            rate: RateLimit::new(per_second, per_second.saturating_mul(burst), now),
            interval: Duration::from_secs(1) / per_second,
            last_comes_at: now,
        }
    }

    /// Counts one more, or says when to come again.
    pub(crate) fn take(&mut self, now: Instant) -> Result<(), Duration> {
        let taken = self.rate.take(now);
        taken.map_err(|pause| self.come_again(pause, now))
    }

    /// Whether there may be one more.
    pub(crate) fn has_one(&self, now: Instant) -> bool {
        self.rate.pause(now).is_none()
    }

    /// Counts one more if there may be one.
    pub(crate) fn take_if_any(&mut self, now: Instant) {
        let _ = self.rate.take(now);
    }

    /// Whether there may be one more, or when there may be. Counts nothing, and nobody who asks waits for others who ask.
    pub(crate) fn may_take(&mut self, now: Instant) -> Result<(), Duration> {
        match self.rate.pause(now) {
            Some(pause) => Err(pause.clamp(AGAIN_AT_LEAST, AGAIN_AT_MOST)),
            None => Ok(()),
        }
    }

    fn come_again(&mut self, pause: Duration, now: Instant) -> Duration {
        let soonest = now + pause.max(AGAIN_AT_LEAST);
        let latest = now + AGAIN_AT_MOST;
        if self.last_comes_at >= latest {
            // The queue is as long as one is told: the rest comes spread over its second half.
            return AGAIN_AT_MOST.mul_f64(0.5 + 0.5 * fastrand::f64());
        }
        self.last_comes_at = self.last_comes_at.max(soonest) + self.interval;
        self.last_comes_at.min(latest) - now
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rate(per_second: u32) -> Option<NonZeroU32> {
        NonZeroU32::new(per_second)
    }

    #[test]
    fn each_has_a_rate_of_its_own() {
        let mut now = Instant::now();
        let rates = RateBy::new(rate(2), now);
        for _ in 0..20 {
            assert_eq!(rates.take("ada", now), Ok(()));
        }
        assert!(rates.take("ada", now).is_err());
        assert_eq!(rates.take("ben", now), Ok(()));
        now += Duration::from_millis(500);
        assert_eq!(rates.take("ada", now), Ok(()));
        assert!(rates.take("ada", now).is_err());
    }

    #[test]
    fn to_ask_counts_nothing_and_no_rate_is_no_limit() {
        let now = Instant::now();
        let rates = RateBy::new(rate(1), now);
        for _ in 0..100 {
            assert_eq!(rates.may_take("ada", now), Ok(()));
        }
        for _ in 0..10 {
            assert_eq!(rates.take("ada", now), Ok(()));
        }
        for _ in 0..100 {
            assert_eq!(rates.may_take("ada", now), Err(AGAIN_AT_LEAST));
        }
        assert_eq!(
            rates.take("ada", now),
            Err(AGAIN_AT_LEAST * 2),
            "nobody is before it"
        );
        let off = RateBy::new(None, now);
        assert!((0..1000).all(|_| off.take("ada", now).is_ok()));
    }

    #[test]
    fn those_that_are_sent_away_come_again_one_after_another() {
        let now = Instant::now();
        let mut paced = Paced::new(NonZeroU32::MIN.saturating_add(9), 1, now);
        for _ in 0..10 {
            assert_eq!(paced.take(now), Ok(()));
        }
        let told: Vec<_> = (0..50)
            .map(|_| paced.take(now).expect_err("too many").as_millis())
            .collect();
        let expected: Vec<_> = (0..50).map(|n| 1100 + 100 * n).collect();
        assert_eq!(told, expected);
        // By then, those who were told so find room.
        let mut later = now;
        for pause in told {
            later = now + Duration::from_millis(u64::try_from(pause).expect("it is short"));
            assert_eq!(paced.take(later), Ok(()));
        }
        assert!(paced.take(later + Duration::from_secs(60)).is_ok());
    }

    #[test]
    fn however_many_come_nobody_is_sent_away_for_longer_than_a_minute() {
        let now = Instant::now();
        let mut paced = Paced::new(NonZeroU32::MIN, 1, now);
        assert_eq!(paced.take(now), Ok(()));
        let told: Vec<_> = (0..1000)
            .map(|_| paced.take(now).expect_err("too many"))
            .collect();
        let minute = Duration::from_secs(60);
        assert!(told.iter().all(|pause| *pause <= minute));
        let late: Vec<_> = told[60..].iter().filter(|pause| **pause < minute).collect();
        assert!(late.len() > 900, "they are spread");
        assert!(late.iter().all(|pause| **pause >= minute / 2));
    }
}
