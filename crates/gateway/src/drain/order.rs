//! What an operator asks of a drain.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::Share;
use crate::config::DrainConfig;

/// The body of `POST /v1/nodes/{id}/drain`. An unknown field is refused: `{"shares": 0.2}` must not stop a node.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Request {
    /// Move this part of the sessions and continue to serve. If missing: move all and stop.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) share: Option<Share>,
    /// In place of `drain.window_ms`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) window_ms: Option<u64>,
    /// In place of `drain.deadline_ms`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) deadline_ms: Option<u64>,
}

/// When a drain does what, counted from its beginning.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Order {
    /// The time that the load balancer gets to notice.
    pub(crate) grace: Duration,
    /// The time after that over which the clients are told to move.
    pub(crate) window: Duration,
    /// When the clients that are left are closed; in the drain of a share, when the node stops watching.
    pub(crate) deadline: Duration,
}

/// A time that makes no sense.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum BadOrder {
    #[error("{0} is at most a day, 86400000")]
    TooLong(&'static str),
    #[error("deadline_ms ({deadline}) may not be below grace and window together ({least})")]
    TooSoon { deadline: u128, least: u128 },
}

const DAY: Duration = Duration::from_secs(86_400);

impl Order {
    /// As configured, for a node that stops.
    pub(crate) fn configured(config: &DrainConfig) -> Self {
        Self {
            grace: config.grace,
            window: config.window,
            deadline: config.deadline,
        }
    }

    /// As requested. A share needs no grace because the node stays ready. If only the window is given, the deadline is
    /// at least its end.
    pub(crate) fn asked(config: &DrainConfig, request: &Request) -> Result<Self, BadOrder> {
        let said = |name, ms: Option<u64>| match ms.map(Duration::from_millis) {
            Some(time) if time > DAY => Err(BadOrder::TooLong(name)),
            time => Ok(time),
        };
        let grace = match request.share {
            Some(_) => Duration::ZERO,
            None => config.grace,
        };
        let window = said("window_ms", request.window_ms)?.unwrap_or(config.window);
        let least = grace + window;
        let deadline = match said("deadline_ms", request.deadline_ms)? {
            Some(deadline) if deadline < least => {
                return Err(BadOrder::TooSoon {
                    deadline: deadline.as_millis(),
                    least: least.as_millis(),
                });
            }
            Some(deadline) => deadline,
            None => config.deadline.max(least),
        };
        Ok(Self {
            grace,
            window,
            deadline,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(body: &str) -> Result<(u128, u128, u128), String> {
        let request: Request = serde_json::from_str(body).map_err(|error| error.to_string())?;
        let order = Order::asked(&DrainConfig::default(), &request);
        let order = order.map_err(|error| error.to_string())?;
        Ok((
            order.grace.as_millis(),
            order.window.as_millis(),
            order.deadline.as_millis(),
        ))
    }

    #[test]
    fn what_is_not_said_is_as_configured() {
        assert_eq!(asked("{}"), Ok((5000, 30_000, 60_000)));
        assert_eq!(asked(r#"{"share": 0.2}"#), Ok((0, 30_000, 60_000)));
        assert_eq!(
            asked(r#"{"window_ms": 120000}"#),
            Ok((5000, 120_000, 125_000))
        );
        assert_eq!(
            asked(r#"{"window_ms": 0, "deadline_ms": 5000}"#),
            Ok((5000, 0, 5000))
        );
    }

    #[test]
    fn a_deadline_before_the_window_ends_and_words_nobody_knows_are_refused() {
        for (body, words) in [
            (
                r#"{"deadline_ms": 34999}"#,
                "may not be below grace and window together (35000)",
            ),
            (r#"{"window_ms": 86400001}"#, "window_ms is at most a day"),
            (
                r#"{"window_ms": 18446744073709551615}"#,
                "window_ms is at most a day",
            ),
            (r#"{"shares": 0.2}"#, "unknown field `shares`"),
            (r#"{"share": 20}"#, "a share is above 0"),
            (r#"{"share": null, "window_ms": -1}"#, "invalid value"),
        ] {
            let told = asked(body).expect_err(body);
            assert!(told.contains(words), "{body}: {told}");
        }
    }
}
