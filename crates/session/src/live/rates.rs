//! How often a client may speak, how much, and how much it may make the cluster write.

use std::time::{Duration, Instant};

use switchboard_protocol::CloseCode;

use crate::operation::Refused;
use crate::rate_limit::RateLimit;
use crate::rule::Rule;
use crate::{Closing, Rules};

/// A message to a room counts by units of so many bytes.
const SPREAD_UNIT: usize = 1024;
/// What a client sends counts by units of so many bytes; one more for each frame, which costs something however short it is.
const SENT_UNIT: usize = 64;

/// What may come at once after a pause, in seconds of a rate in bytes.
const BYTES_BURST: u32 = 4;

/// Each has a rate of its own.
#[derive(Debug)]
pub(super) struct Rates {
    signals: RateLimit,
    requests: RateLimit,
    /// What the session makes the cluster write to whole rooms, in [`SPREAD_UNIT`]s.
    spread: RateLimit,
    /// What the client sends, in [`SENT_UNIT`]s.
    sent: RateLimit,
    /// What it sends beyond that: read, and refused. It has the same rate again.
    refused: RateLimit,
    /// What was read last is beyond it, and this is when there is room again.
    is_beyond: Option<Duration>,
}

impl Rates {
    pub(super) fn new(rules: &Rules, now: Instant) -> Self {
        let burst = rules.limits.burst;
        let sent = in_units(rules.bytes_per_second, SENT_UNIT, now);
        Self {
            signals: RateLimit::new(rules.limits.signals_per_second, burst, now),
            requests: RateLimit::new(rules.requests_per_second, burst, now),
            spread: in_units(rules.fan_out_bytes_per_second, SPREAD_UNIT, now),
            refused: sent.clone(),
            sent,
            is_beyond: None,
        }
    }

    /// Counts a frame of so many bytes. What is in one beyond the rate is [refused](Self::signal); a client that goes on all
    /// the same is sent away, since reading it costs too.
    pub(super) fn frame(
        &mut self,
        bytes: usize,
        rules: &Rules,
        now: Instant,
    ) -> Result<(), Closing> {
        let cost = u32::try_from(1 + bytes / SENT_UNIT).unwrap_or(u32::MAX);
        self.is_beyond = self.sent.spend(cost, now).err();
        if self.is_beyond.is_some()
            && let Err(pause) = self.refused.spend(cost, now)
        {
            let words = "far too many bytes a second (limits.bytes_per_second)";
            return Err(Closing {
                hold: Some(rules.resume_window),
                ..Closing::because(CloseCode::Limit, words)
                    .retry_after(pause.max(Duration::from_secs(1)))
                    .by(Rule::BytesPerSecond)
            });
        }
        Ok(())
    }

    /// What comes next is within the rate of bytes.
    pub(super) fn begin(&mut self) {
        self.is_beyond = None;
    }

    /// Counts one more signal.
    pub(super) fn signal(&mut self, rules: &Rules, now: Instant) -> Result<(), Refused> {
        self.within_bytes(rules)?;
        self.signals.take(now).map_err(|pause| {
            let most = rules.limits.signals_per_second;
            let words = format!("more than {most} signals a second (limits.signals_per_second)");
            Refused::limited(Rule::SignalsPerSecond, words, pause)
        })
    }

    /// Counts one request that costs as much as `cost` ordinary ones.
    pub(super) fn request(
        &mut self,
        cost: u32,
        rules: &Rules,
        now: Instant,
    ) -> Result<(), Refused> {
        self.within_bytes(rules)?;
        self.requests.spend(cost, now).map_err(|pause| {
            let most = rules.requests_per_second;
            let words = format!("more than {most} requests a second (limits.requests_per_second)");
            Refused::limited(Rule::RequestsPerSecond, words, pause)
        })
    }

    fn within_bytes(&self, rules: &Rules) -> Result<(), Refused> {
        let Some(pause) = self.is_beyond else {
            return Ok(());
        };
        let most = rules.bytes_per_second;
        let words = format!("more than {most} bytes a second (limits.bytes_per_second)");
        Err(Refused::limited(Rule::BytesPerSecond, words, pause))
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
            let words = format!(
                "what you say to rooms is more than {} bytes a second, each counted for all its receivers \
                 (limits.fan_out_bytes_per_second)",
                rules.fan_out_bytes_per_second
            );
            Refused::limited(Rule::FanOutBytesPerSecond, words, pause)
        })
    }
}

fn in_units(bytes_per_second: usize, unit: usize, now: Instant) -> RateLimit {
    let units = u32::try_from(bytes_per_second / unit).unwrap_or(u32::MAX);
    RateLimit::new(units, units.saturating_mul(BYTES_BURST), now)
}
