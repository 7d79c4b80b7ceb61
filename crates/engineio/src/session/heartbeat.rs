//! Whether the client is still there: this side pings, the client answers.

use std::time::Instant;

use crate::settings::Settings;

#[derive(Debug)]
pub(super) struct Heartbeat {
    /// The next ping, or by when the last one has to be answered.
    at: Instant,
    pinged: bool,
}

impl Heartbeat {
    /// The first ping comes after one interval.
    pub(super) fn new(settings: &Settings, now: Instant) -> Self {
        Self {
            at: now + settings.ping_interval,
            pinged: false,
        }
    }

    pub(super) fn wake_at(&self) -> Instant {
        self.at
    }

    /// Whether a ping was not answered in time.
    pub(super) fn is_missed(&self, now: Instant) -> bool {
        self.pinged && self.at <= now
    }

    /// Whether a ping is to go out now; it counts as sent.
    pub(super) fn is_due(&mut self, settings: &Settings, now: Instant) -> bool {
        let is_due = !self.pinged && self.at <= now;
        if is_due {
            // However late the ping is, for this process may have been frozen, half of the time is left to answer it.
            let timeout = settings.ping_timeout;
            self.at = (self.at + timeout).max(now + timeout / 2);
            self.pinged = true;
        }
        is_due
    }

    pub(super) fn on_pong(&mut self, settings: &Settings, now: Instant) {
        if self.pinged {
            *self = Self::new(settings, now);
        }
    }
}
