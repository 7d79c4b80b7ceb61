//! How often a client may speak, and how much it may make the cluster write.

use std::time::{Duration, Instant};

use switchboard_protocol::ErrorCode;

use crate::Rules;
use crate::operation::Refused;
use crate::rate_limit::RateLimit;

/// A message to a room counts by units of so many bytes.
const SPREAD_UNIT: usize = 1024;

/// How much a session may send to rooms at once after a pause, in seconds of the rate.
const SPREAD_BURST: u32 = 4;

/// Each of the three has a rate of its own.
#[derive(Debug)]
pub(super) struct Rates {
    signals: RateLimit,
    requests: RateLimit,
    /// What the session makes the cluster write to whole rooms, in [`SPREAD_UNIT`]s.
    spread: RateLimit,
}

impl Rates {
    pub(super) fn new(rules: &Rules, now: Instant) -> Self {
        let messages = || RateLimit::new(rules.limits.signals_per_second, rules.limits.burst, now);
        let units = rules.fan_out_bytes_per_second / SPREAD_UNIT;
        let units = u32::try_from(units).unwrap_or(u32::MAX);
        Self {
            signals: messages(),
            requests: messages(),
            spread: RateLimit::new(units, units.saturating_mul(SPREAD_BURST), now),
        }
    }

    /// Counts one more signal.
    pub(super) fn signal(&mut self, rules: &Rules, now: Instant) -> Result<(), Refused> {
        let taken = self.signals.take(now);
        taken.map_err(|pause| too_many(rules, pause))
    }

    /// Counts one request that costs as much as `cost` ordinary ones.
    pub(super) fn request(
        &mut self,
        cost: u32,
        rules: &Rules,
        now: Instant,
    ) -> Result<(), Refused> {
        let taken = self.requests.spend(cost, now);
        taken.map_err(|pause| too_many(rules, pause))
    }

    /// Counts `bytes` for each of so many members.
    pub(super) fn spread(
        &mut self,
        bytes: usize,
        members: usize,
        rules: &Rules,
        now: Instant,
    ) -> Result<(), Refused> {
        let units = bytes.saturating_mul(members) / SPREAD_UNIT;
        let units = u32::try_from(units).unwrap_or(u32::MAX);
        self.spread.spend(units, now).map_err(|pause| {
            let message = format!(
                "what you say to rooms is more than {} bytes a second, each counted for all its receivers \
                 (limits.fan_out_bytes_per_second); slow down",
                rules.fan_out_bytes_per_second
            );
            Refused::for_now(ErrorCode::RateLimited, message, pause)
        })
    }
}

fn too_many(rules: &Rules, pause: Duration) -> Refused {
    let message = format!(
        "more than {} messages a second (limits.signals_per_second); slow down",
        rules.limits.signals_per_second
    );
    Refused::for_now(ErrorCode::RateLimited, message, pause)
}
