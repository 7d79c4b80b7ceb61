//! When a session ends because its client's token does, and when the client is told.

use std::time::{Duration, Instant};

use switchboard_protocol::CloseCode;
use switchboard_protocol::server_message::Expiring;

use super::Output;
use crate::Closing;
use crate::authorization::Authorization;

/// A client is told so long before, or at half of what is left, whichever is later.
const NOTICE: Duration = Duration::from_secs(60);

/// The end of a token.
#[derive(Debug)]
pub(super) struct Expiry {
    ends_at: Instant,
    /// `None`: the client was told, or cannot do anything about it.
    tell_at: Option<Instant>,
}

impl Expiry {
    /// `None`: the session does not end by itself.
    pub(super) fn of(authorization: &Authorization, now: Instant) -> Option<Box<Self>> {
        let ends_at = authorization.ends_at?;
        let left = ends_at.saturating_duration_since(now);
        let tell_at = ends_at - NOTICE.min(left / 2);
        Some(Box::new(Self {
            ends_at,
            tell_at: authorization.can_refresh.then_some(tell_at),
        }))
    }

    pub(super) fn wake_at(&self) -> Instant {
        self.tell_at.unwrap_or(self.ends_at)
    }

    pub(super) fn tick(&mut self, now: Instant) -> Option<Output<'static>> {
        if now >= self.ends_at {
            let words = "the token has expired: get a new one";
            return Some(Output::Close(Closing {
                // A client that has another one soon goes on with its session.
                hold: Some(Duration::MAX),
                ..Closing::because(CloseCode::Unauthorized, words)
            }));
        }
        self.tell_at.take_if(|tell_at| *tell_at <= now)?;
        let left = self.ends_at - now;
        let in_ms = u64::try_from(left.as_millis()).unwrap_or(u64::MAX);
        Some(Output::Send(Expiring { in_ms }.into()))
    }
}
