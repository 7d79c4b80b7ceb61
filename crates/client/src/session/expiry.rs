//! A token that runs out on a live connection: another one is asked for and said. Where it is refused, once more, as long as
//! there is time.

use std::time::{Duration, Instant};

use super::{ConnectionId, Output, RequestError, Say, Session, Token};

/// Between two tries, at least.
const PAUSE_MIN: Duration = Duration::from_secs(1);

/// The token of the connection in use runs out.
#[derive(Debug)]
pub(super) struct Expiry {
    ends_at: Instant,
    /// The request that says another one, until it is answered.
    said: Option<u64>,
    /// The last one was refused: then another is asked for.
    again_at: Option<Instant>,
}

impl Expiry {
    pub(super) fn wake_at(&self) -> Option<Instant> {
        self.again_at
    }
}

impl Session {
    /// The gateway says that the token of the connection in use runs out.
    pub(super) fn expiring(&mut self, left: Duration, now: Instant) {
        if let Some(current) = &mut self.current {
            current.expiry = Some(Expiry {
                ends_at: now + left,
                said: None,
                again_at: None,
            });
            self.get_token();
        }
    }

    /// There is another one: says it where it is wanted.
    pub(super) fn refresh(&mut self, token: Token) {
        let Some((connection, expiry)) = self.expiry() else {
            return;
        };
        if expiry.said.is_some() {
            return;
        }
        let id = self.last_id + 1;
        if let Some((_, expiry)) = self.expiry() {
            (expiry.said, expiry.again_at) = (Some(id), None);
        }
        self.last_id = id;
        let message = Say::Refresh { id, token };
        self.out.push(Output::Say {
            connection,
            message,
        });
    }

    /// Whether that was the answer to it.
    pub(super) fn refreshed(&mut self, re: u64) -> bool {
        let is_it = self.is_refresh(re);
        if is_it && let Some(current) = &mut self.current {
            current.expiry = None;
        }
        is_it
    }

    /// Whether that was what was refused.
    pub(super) fn not_refreshed(&mut self, re: u64, error: &RequestError, now: Instant) -> bool {
        let is_it = self.is_refresh(re);
        if is_it && let Some((_, expiry)) = self.expiry() {
            let left = expiry.ends_at.saturating_duration_since(now);
            let pause = match error {
                RequestError::Refused {
                    retry_after: Some(pause),
                    ..
                } => *pause,
                _ => Duration::ZERO,
            };
            expiry.said = None;
            expiry.again_at = (left >= PAUSE_MIN).then(|| now + pause.max(left / 2).max(PAUSE_MIN));
        }
        is_it
    }

    /// Asks for another token where the time for that has come.
    pub(super) fn refresh_again(&mut self, now: Instant) {
        let Some((_, expiry)) = self.expiry() else {
            return;
        };
        if expiry.again_at.take_if(|at| *at <= now).is_some() {
            self.get_token();
        }
    }

    fn is_refresh(&mut self, re: u64) -> bool {
        self.expiry()
            .is_some_and(|(_, expiry)| expiry.said == Some(re))
    }

    fn expiry(&mut self) -> Option<(ConnectionId, &mut Expiry)> {
        let current = self.current.as_mut()?;
        Some((current.connection, current.expiry.as_mut()?))
    }
}
