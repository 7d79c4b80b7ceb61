//! Time: when the node pings its client, and when a silent client counts as lost.

use std::time::Instant;

use switchboard_protocol::CloseCode;

use super::Output;
use crate::{Closing, Rules};

/// When the client was heard last, and when it is pinged next.
#[derive(Debug)]
pub(super) struct Heartbeat {
    heard_at: Instant,
    ping_at: Instant,
}

impl Heartbeat {
    pub(super) fn new(rules: &Rules, now: Instant) -> Self {
        Self {
            heard_at: now,
            ping_at: now + rules.heartbeat,
        }
    }

    /// A sign of life, whatever it was.
    pub(super) fn heard(&mut self, now: Instant) {
        self.heard_at = now;
    }

    pub(super) fn wake_at(&self, rules: &Rules) -> Instant {
        self.ping_at.min(self.heard_at + rules.heartbeat_timeout)
    }

    pub(super) fn tick(&mut self, rules: &Rules, now: Instant) -> Option<Output<'static>> {
        if now >= self.heard_at + rules.heartbeat_timeout {
            let closing = Closing::because(CloseCode::Timeout, "nothing heard for too long");
            return Some(Output::Close(closing));
        }
        if now < self.ping_at {
            return None;
        }
        self.ping_at = now + rules.heartbeat;
        Some(Output::Ping)
    }
}
