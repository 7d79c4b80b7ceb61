//! When to connect again: a plain state machine without socket, task or clock.
//!
//! ```text
//!               Opened                     Ended: advice of the close code
//! Connecting ──────────► Up ──────────────────┬──────────► Waiting(until) ──Woken──► Connecting
//!     │                                       ├──────────► NeedsToken ──NewToken──► Connecting
//!     └──Ended: as from Up, or of the status──┴──────────► Away (for good)
//! ```

mod backoff;
mod cause;

use std::time::{Duration, Instant};

use backoff::Backoff;
pub use backoff::{Jitter, full_jitter};
pub use cause::Cause;

use switchboard_protocol::close_code::Advice;

/// A connection that lasted this long was a good one: the next failure counts as the first.
const GOOD_AFTER: Duration = Duration::from_secs(15);

/// What happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Input {
    /// The connection was welcomed.
    Opened,
    /// There is no connection, or no longer.
    Ended(Cause),
    /// The moment of [`Next::Wait`] has come; earlier calls are answered by the same again.
    Woken,
    /// A token that was not tried yet.
    NewToken,
    /// The application wants no connection any more.
    Stop,
}

/// What to do now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Next {
    /// Open a connection, then say [`Input::Opened`] or [`Input::Ended`].
    Open,
    /// Use the connection.
    Stay,
    /// Say [`Input::Woken`] at that moment.
    Wait {
        /// Then.
        until: Instant,
    },
    /// Get a token, then say [`Input::NewToken`].
    GetToken,
    /// Give up.
    GiveUp,
}

/// Decides, for one client, when it connects again.
pub struct Reconnect {
    phase: Phase,
    backoff: Backoff,
}

#[derive(Debug, Clone, Copy)]
enum Phase {
    Connecting,
    Up { since: Instant },
    Waiting { until: Instant },
    NeedsToken,
    Away,
}

impl Reconnect {
    /// For a client that is about to open its first connection. `jitter` is asked for a random pause up to a bound:
    /// [`full_jitter`], outside of tests.
    pub fn new(jitter: Jitter) -> Self {
        Self {
            phase: Phase::Connecting,
            backoff: Backoff::new(jitter),
        }
    }

    /// Takes what happened and says what to do. An input that means nothing in the present phase changes nothing.
    pub fn on(&mut self, input: Input, now: Instant) -> Next {
        self.phase = match (self.phase, input) {
            (_, Input::Stop) => Phase::Away,
            (Phase::Connecting, Input::Opened) => Phase::Up { since: now },
            (Phase::Connecting, Input::Ended(cause)) => self.after(cause, now),
            (Phase::Up { since }, Input::Ended(cause)) => {
                if now.saturating_duration_since(since) >= GOOD_AFTER {
                    self.backoff.reset();
                }
                self.after(cause, now)
            }
            (Phase::Waiting { until }, Input::Woken) if now >= until => Phase::Connecting,
            (Phase::NeedsToken, Input::NewToken) => Phase::Connecting,
            (phase, _) => phase,
        };
        match self.phase {
            Phase::Connecting => Next::Open,
            Phase::Up { .. } => Next::Stay,
            Phase::Waiting { until } => Next::Wait { until },
            Phase::NeedsToken => Next::GetToken,
            Phase::Away => Next::GiveUp,
        }
    }

    fn after(&mut self, cause: Cause, now: Instant) -> Phase {
        match cause.advice {
            Advice::StayAway => Phase::Away,
            Advice::NewToken => Phase::NeedsToken,
            Advice::Resume => Phase::Waiting {
                until: now + self.backoff.pause(),
            },
            // The pause on top keeps all those who were told the same from coming back together.
            Advice::RetryAfter => Phase::Waiting {
                until: now + cause.retry_after.unwrap_or_default() + self.backoff.pause(),
            },
        }
    }
}

#[cfg(test)]
mod tests;
