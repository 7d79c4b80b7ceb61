//! When to connect again: a plain state machine without socket, task or clock.
//!
//! ```text
//!               Opened                     Ended: advice of the close code
//! Connecting ──────────► Up ──────────────────┬──────────► Waiting(until) ──Woken──► Connecting
//!     │                                       ├──────────► NeedsToken ──NewToken──► Connecting
//!     └──Ended: as from Up, or of the status──┴──────────► Away (for good)
//! ```
//!
//! A node that drains asks its clients to move: the next connection is opened while this one goes on serving.
//!
//! ```text
//!      Drain             Woken                Opened
//! Up ────────► Up, at ────────► Up, opening ────────► Up on the next one
//!                ▲───── Failed ─────┘   └── Ended (this one) ──► Connecting: the attempt goes on
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
    /// The connection in use is to be replaced by another, which is to be opened then.
    Drain {
        /// Then.
        at: Instant,
    },
    /// Nothing came of the connection that was to replace the one in use.
    Failed(Cause),
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
    /// Open a connection, then say [`Input::Opened`], or [`Input::Ended`] ([`Input::Failed`] where one is in use). Said
    /// again while one is being opened, it means that one.
    Open,
    /// Use the connection.
    Stay,
    /// Say [`Input::Woken`] at that moment, and use the connection if there is one.
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
#[derive(Debug)]
pub struct Reconnect {
    phase: Phase,
    backoff: Backoff,
}

#[derive(Debug, Clone, Copy)]
enum Phase {
    Connecting,
    Up { since: Instant, moving: Moving },
    Waiting { until: Instant },
    NeedsToken,
    Away,
}

/// How far the connection after this one has come.
#[derive(Debug, Clone, Copy)]
enum Moving {
    No,
    At(Instant),
    Opening,
    NeedsToken,
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
            (Phase::Connecting, Input::Opened) => up(now),
            (Phase::Connecting, Input::Ended(cause)) => self.after(cause, now),
            (Phase::Up { since, moving }, input) => self.while_up(since, moving, input, now),
            (Phase::Waiting { until }, Input::Woken) if now >= until => Phase::Connecting,
            (Phase::NeedsToken, Input::NewToken) => Phase::Connecting,
            (phase, _) => phase,
        };
        match self.phase {
            Phase::Connecting => Next::Open,
            Phase::Waiting { until } => Next::Wait { until },
            Phase::NeedsToken => Next::GetToken,
            Phase::Away => Next::GiveUp,
            Phase::Up { moving, .. } => match moving {
                Moving::No => Next::Stay,
                Moving::At(until) => Next::Wait { until },
                Moving::Opening => Next::Open,
                Moving::NeedsToken => Next::GetToken,
            },
        }
    }

    /// When to say [`Input::Woken`].
    pub fn wake_at(&self) -> Option<Instant> {
        match self.phase {
            Phase::Waiting { until } => Some(until),
            Phase::Up {
                moving: Moving::At(at),
                ..
            } => Some(at),
            _ => None,
        }
    }

    fn while_up(&mut self, since: Instant, moving: Moving, input: Input, now: Instant) -> Phase {
        if let Input::Ended(_) | Input::Opened = input
            && now.saturating_duration_since(since) >= GOOD_AFTER
        {
            self.backoff.reset();
        }
        let moving = match (moving, input) {
            (_, Input::Ended(cause)) => return self.after_up(moving, cause, now),
            (Moving::Opening, Input::Opened) => return up(now),
            (Moving::No | Moving::At(_), Input::Drain { at }) => Moving::At(at),
            (Moving::At(at), Input::Woken) if now >= at => Moving::Opening,
            (Moving::NeedsToken, Input::NewToken) => Moving::Opening,
            (Moving::Opening, Input::Failed(cause)) => match self.after(cause, now) {
                Phase::Waiting { until } => Moving::At(until),
                Phase::NeedsToken => Moving::NeedsToken,
                // It would happen again. The connection in use says what to do when it ends.
                _ => Moving::No,
            },
            (moving, _) => moving,
        };
        Phase::Up { since, moving }
    }

    /// An attempt under way is better than what the end of the connection in use advises, unless that is to stay away.
    fn after_up(&mut self, moving: Moving, cause: Cause, now: Instant) -> Phase {
        match (moving, cause.advice) {
            (_, Advice::StayAway) => Phase::Away,
            (Moving::Opening, _) => Phase::Connecting,
            (Moving::NeedsToken, _) => Phase::NeedsToken,
            (Moving::No | Moving::At(_), _) => self.after(cause, now),
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

fn up(since: Instant) -> Phase {
    Phase::Up {
        since,
        moving: Moving::No,
    }
}

#[cfg(test)]
mod tests;
