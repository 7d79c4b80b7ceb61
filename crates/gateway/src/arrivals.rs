//! How fast new sessions may come: to this node, and from one address.
//!
//! Sessions that are resumed go first. They count for the rate of the node, so that new ones wait for them, but are never
//! refused: their people are in the middle of a call, and their windows end.

use std::time::Instant;

use parking_lot::Mutex;
use switchboard_protocol::CloseCode;
use switchboard_session::{Closing, Rule};

use crate::config::LimitsConfig;
use crate::rate_by::{Paced, RateBy};
use crate::source::Source;

/// What may come to the node at once after a pause, in seconds of the rate.
const BURST: u32 = 1;

/// The rates of new sessions.
pub(crate) struct Arrivals {
    node: Option<Mutex<Paced>>,
    addresses: RateBy<Source>,
}

impl Arrivals {
    pub(crate) fn from_config(limits: &LimitsConfig, now: Instant) -> Self {
        let node = limits.connects_per_second;
        Self {
            node: node.map(|rate| Mutex::new(Paced::new(rate, BURST, now))),
            addresses: RateBy::new(limits.connects_per_second_per_address, now),
        }
    }

    /// Counts a new session, or says how its connection ends. One that is refused for the node counts for its address neither.
    pub(crate) fn begin(&self, source: Source, now: Instant) -> Result<(), Closing> {
        let of_address = |pause| {
            let words =
                "too many new sessions from this address (limits.connects_per_second_per_address)";
            Closing::because(CloseCode::Limit, words)
                .retry_after(pause)
                .by(Rule::ConnectsPerSecondPerAddress)
        };
        let mut node = self.node.as_ref().map(Mutex::lock);
        let is_node_full = node.as_ref().is_some_and(|node| !node.has_one(now));
        if is_node_full {
            let may_take = self.addresses.may_take(source, now);
            may_take.map_err(of_address)?;
        } else {
            self.addresses.take(source, now).map_err(of_address)?;
        }
        let Some(node) = &mut node else {
            return Ok(());
        };
        node.take(now).map_err(|pause| {
            let words = "too many new sessions on this node (limits.connects_per_second)";
            Closing::because(CloseCode::Unavailable, words)
                .retry_after(pause)
                .by(Rule::ConnectsPerSecond)
        })
    }

    /// Counts a session that is to be resumed.
    pub(crate) fn resume(&self, now: Instant) {
        if let Some(node) = &self.node {
            node.lock().take_if_any(now);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::num::NonZeroU32;

    use super::*;

    fn limits(of_node: u32, of_address: u32) -> LimitsConfig {
        LimitsConfig {
            connects_per_second: NonZeroU32::new(of_node),
            connects_per_second_per_address: NonZeroU32::new(of_address),
            ..LimitsConfig::default()
        }
    }

    fn arrivals(of_node: u32, of_address: u32, now: Instant) -> Arrivals {
        Arrivals::from_config(&limits(of_node, of_address), now)
    }

    fn source(last: u8) -> Source {
        Source::of([192, 0, 2, last].into())
    }

    #[test]
    fn the_node_and_each_address_have_rates_and_the_refusal_names_the_one_that_is_reached() {
        let now = Instant::now();
        let arrivals = arrivals(15, 1, now);
        let rule = |last| {
            arrivals
                .begin(source(last), now)
                .err()
                .and_then(|end| end.rule)
        };
        for _ in 0..10 {
            assert_eq!(rule(1), None);
        }
        assert_eq!(rule(1), Some(Rule::ConnectsPerSecondPerAddress));
        for _ in 0..5 {
            assert_eq!(
                rule(2),
                None,
                "one that is refused for its address costs the node nothing"
            );
        }
        assert_eq!(rule(2), Some(Rule::ConnectsPerSecond));
        let end = arrivals.begin(source(3), now).expect_err("too many");
        assert_eq!(end.code, CloseCode::Unavailable);
    }

    #[test]
    fn one_that_is_refused_for_the_node_costs_its_address_nothing() {
        let mut now = Instant::now();
        let arrivals = arrivals(20, 1, now);
        for _ in 0..20 {
            arrivals.resume(now);
        }
        for _ in 0..100 {
            let end = arrivals.begin(source(1), now).expect_err("too many");
            assert_eq!(end.rule, Some(Rule::ConnectsPerSecond));
        }
        now += std::time::Duration::from_secs(1);
        for _ in 0..10 {
            assert!(arrivals.begin(source(1), now).is_ok());
        }
    }

    #[test]
    fn new_sessions_wait_for_those_that_are_resumed() {
        let mut now = Instant::now();
        let arrivals = arrivals(5, 0, now);
        for _ in 0..100 {
            arrivals.resume(now);
        }
        assert!(arrivals.begin(source(1), now).is_err());
        now += std::time::Duration::from_millis(200);
        assert!(
            arrivals.begin(source(1), now).is_ok(),
            "but not for all of them"
        );
    }
}
