//! What an ended connection, or one that did not come about, advises.

use std::time::Duration;

use switchboard_protocol::close_code::Advice;

use crate::connection::{Closed, ConnectError, Disconnected};
use crate::span::millis;

/// Why there is no connection, as far as it matters for the next one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cause {
    /// What a client does that was not asked.
    pub advice: Advice,
    /// What the gateway said about the time, with [`Advice::RetryAfter`].
    pub retry_after: Option<Duration>,
}

impl Cause {
    /// The connection ended without a word.
    pub const LOST: Self = Self::of(Advice::Resume);

    const fn of(advice: Advice) -> Self {
        Self {
            advice,
            retry_after: None,
        }
    }

    fn retry_after(ms: Option<u64>) -> Self {
        Self {
            advice: Advice::RetryAfter,
            retry_after: ms.map(millis),
        }
    }
}

impl From<&Closed> for Cause {
    /// By the table of close codes; numbers that are not in it come from something between the two ends.
    fn from(closed: &Closed) -> Self {
        match closed.row().map(|row| row.advice()) {
            Some(Advice::RetryAfter) => Self::retry_after(closed.retry_after_ms),
            Some(advice) => Self::of(advice),
            None => Self::LOST,
        }
    }
}

impl From<&Disconnected> for Cause {
    fn from(ended: &Disconnected) -> Self {
        match ended {
            Disconnected::Closed(closed) => closed.into(),
            Disconnected::Lost(_) => Self::LOST,
            // It would happen again.
            Disconnected::Frame(_) | Disconnected::Message(_) => Self::of(Advice::StayAway),
        }
    }
}

impl From<&ConnectError> for Cause {
    fn from(error: &ConnectError) -> Self {
        match error {
            ConnectError::Options(_) => Self::of(Advice::StayAway),
            ConnectError::Closed(closed) => closed.into(),
            ConnectError::Ended(ended) => ended.into(),
            ConnectError::Refused {
                status: 401 | 403, ..
            } => Self::of(Advice::NewToken),
            ConnectError::Refused {
                status: 429 | 503,
                retry_after_ms,
            } => Self::retry_after(*retry_after_ms),
            // A load balancer in the middle of a change may answer anything.
            ConnectError::Refused { .. }
            | ConnectError::Handshake(_)
            | ConnectError::Unreachable { .. }
            | ConnectError::TimedOut => Self::LOST,
        }
    }
}
