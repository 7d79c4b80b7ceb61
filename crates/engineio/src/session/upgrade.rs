//! From polling to a WebSocket. Only packet `5` of a probed candidate moves the session.

use std::time::{Duration, Instant};

use super::{Session, Transport};
use crate::outbox::Frame;
use crate::packet::Packet;

/// A client that has been told `3probe` stops polling once its last GET is answered. It may have begun another one before
/// it was told, so a GET is let go again after this time, and then after twice as long each: a client whose WebSocket is
/// lost without a word goes on polling, and should not do so in a circle.
const RELEASE_AGAIN: Duration = Duration::from_millis(100);

/// What follows from a frame of a candidate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Candidate {
    /// It is told this.
    Reply(Frame),
    /// It carries the session from here on.
    Switch,
    /// It is of no use and to be closed.
    Drop,
}

/// A WebSocket that is to take over.
#[derive(Debug)]
pub(super) struct Upgrade {
    until: Instant,
    probed: Option<Probed>,
}

#[derive(Debug)]
struct Probed {
    /// The next GET that waits is answered even if there is nothing to say.
    releases: bool,
    again_at: Instant,
    pause: Duration,
}

impl Upgrade {
    pub(super) fn wake_at(&self, waiting: bool) -> Instant {
        match &self.probed {
            Some(probed) if waiting && !probed.releases => probed.again_at.min(self.until),
            _ => self.until,
        }
    }

    pub(super) fn releases(&self) -> bool {
        self.probed.as_ref().is_some_and(|probed| probed.releases)
    }

    /// A GET was answered.
    pub(super) fn on_release(&mut self, now: Instant) {
        if let Some(probed) = &mut self.probed
            && std::mem::take(&mut probed.releases)
        {
            probed.again_at = now + probed.pause;
            probed.pause *= 2;
        }
    }

    /// True: it has had its time.
    pub(super) fn on_time(&mut self, now: Instant) -> bool {
        if let Some(probed) = &mut self.probed
            && probed.again_at <= now
        {
            probed.releases = true;
        }
        self.until <= now
    }
}

impl Session {
    /// A WebSocket was opened to take over; it stands for all that came before. False: there is nothing to take over, and
    /// it is to be closed.
    pub fn on_candidate(&mut self, now: Instant) -> bool {
        self.on_time(now);
        let is_wanted = self.ending.is_none() && self.transport == Transport::Polling;
        if is_wanted {
            self.upgrade = Some(Upgrade {
                until: now + self.settings.upgrade_timeout,
                probed: None,
            });
        }
        is_wanted
    }

    /// A text frame of the candidate came.
    pub fn on_candidate_text(&mut self, text: &str, now: Instant) -> Candidate {
        let Some(upgrade) = &mut self.upgrade else {
            return Candidate::Drop;
        };
        match (Packet::decode(text), &upgrade.probed) {
            (Ok(Packet::Ping("probe")), None) => {
                upgrade.probed = Some(Probed {
                    releases: true,
                    again_at: now,
                    pause: RELEASE_AGAIN,
                });
                Candidate::Reply(Frame::Text("3probe".into()))
            }
            (Ok(Packet::Upgrade), Some(_)) => {
                self.upgrade = None;
                self.transport = Transport::WebSocket;
                Candidate::Switch
            }
            _ => {
                self.upgrade = None;
                Candidate::Drop
            }
        }
    }

    /// The candidate is gone, or said what is no text.
    pub fn on_candidate_gone(&mut self) {
        self.upgrade = None;
    }

    /// Whether there is a candidate that may still take over.
    pub fn has_candidate(&self) -> bool {
        self.upgrade.is_some()
    }
}
