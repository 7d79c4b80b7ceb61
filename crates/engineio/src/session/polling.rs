//! The requests of polling: one GET that waits, and one POST, at a time.

use std::time::Instant;

use super::{Session, Transport, Upgrade};
use crate::ending::Ending;
use crate::packet::{CLOSE, NOOP};
use crate::payload::packets;
use crate::refused::Refused;

/// The answer to a GET that is on its way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Answering {
    /// There is none.
    Nothing,
    /// It says nothing.
    Noop,
    /// It has packets: the session is nothing without them.
    Packets,
}

impl Session {
    /// A GET came; it waits for an [`answer`](Self::answer).
    ///
    /// # Errors
    /// When there is one already, which ends the session, or the session does not poll.
    pub fn on_poll(&mut self, now: Instant) -> Result<(), Refused> {
        self.check_polling(now)?;
        // Whoever polls again while an answer is on its way waits for that first: a client can have all of an answer a
        // moment before this side knows.
        if self.waiting {
            self.end(Ending::Overlap);
            return Err(Refused::BadRequest);
        }
        self.waiting = true;
        Ok(())
    }

    /// What the GET that waits is answered with, once there is something. It counts as being on its way until
    /// [`on_answer_taken`](Self::on_answer_taken) or [`on_answer_lost`](Self::on_answer_lost).
    pub fn answer(&mut self, now: Instant) -> Option<String> {
        if !self.has_answer() {
            return None;
        }
        self.waiting = false;
        self.answering = Answering::Noop;
        if let Some(ending) = self.ending {
            let is_the_clients = ending == Ending::ClosedByClient;
            return Some(if is_the_clients { NOOP } else { CLOSE }.into());
        }
        if let Some(upgrade) = &mut self.upgrade {
            upgrade.on_release(now);
        }
        if self.transport == Transport::WebSocket || self.outbox.is_empty() {
            return Some(NOOP.into());
        }
        self.answering = Answering::Packets;
        Some(self.outbox.take_payload(self.settings.max_payload))
    }

    /// Whether a GET waits and can be answered.
    pub fn has_answer(&self) -> bool {
        let is_released = || self.upgrade.as_ref().is_some_and(Upgrade::releases);
        let has_words = || {
            self.ending.is_some()
                || self.transport == Transport::WebSocket
                || !self.outbox.is_empty()
                || is_released()
        };
        self.waiting && self.answering == Answering::Nothing && has_words()
    }

    /// The answer was taken by whatever sends it.
    pub fn on_answer_taken(&mut self) {
        self.answering = Answering::Nothing;
        if self.closing && self.outbox.is_empty() && self.transport == Transport::Polling {
            self.end(Ending::ClosedHere);
        }
    }

    /// The answer was not sent.
    pub fn on_answer_lost(&mut self) {
        let answering = std::mem::replace(&mut self.answering, Answering::Nothing);
        if answering == Answering::Packets || self.transport == Transport::Polling {
            self.end(Ending::BrokenOff);
        }
    }

    /// The GET that waits was given up by its client.
    pub fn on_poll_lost(&mut self) {
        self.waiting = false;
        if self.transport == Transport::Polling {
            self.end(Ending::BrokenOff);
        }
    }

    /// A POST came; its body is to be read.
    ///
    /// # Errors
    /// When another one is being read, which ends the session, or the session does not poll.
    pub fn on_post(&mut self, now: Instant) -> Result<(), Refused> {
        self.check_polling(now)?;
        if self.posting {
            self.end(Ending::Overlap);
            return Err(Refused::BadRequest);
        }
        self.posting = true;
        Ok(())
    }

    /// The body of the POST is there.
    ///
    /// # Errors
    /// When it cannot be read, or is too large, which ends the session. What came before the mistake counts.
    pub fn on_body(&mut self, body: &[u8], now: Instant) -> Result<(), Refused> {
        self.posting = false;
        self.check_polling(now)?;
        if body.len() > self.settings.max_payload {
            self.end(Ending::TooMuch);
            return Err(Refused::TooLarge);
        }
        if !self.hears {
            return Ok(());
        }
        let Ok(body) = std::str::from_utf8(body) else {
            self.end(Ending::BadPacket);
            return Err(Refused::BadRequest);
        };
        for packet in packets(body) {
            match packet {
                Ok(packet) => {
                    if let Some(message) = self.on_packet(packet, now)
                        && !self.inbox.push(message, self.settings.inbox_bytes_max)
                    {
                        self.end(Ending::TooMuch);
                    }
                }
                Err(_) => self.end(Ending::BadPacket),
            }
            match self.ending {
                None => {}
                Some(Ending::ClosedByClient) => return Ok(()),
                Some(Ending::TooMuch) => return Err(Refused::TooLarge),
                Some(_) => return Err(Refused::BadRequest),
            }
        }
        Ok(())
    }

    /// The body of the POST did not come, not in time, or is too large.
    pub fn on_post_lost(&mut self, ending: Ending) {
        self.posting = false;
        self.end(ending);
    }

    /// A request of polling is for a session that lives and polls.
    fn check_polling(&mut self, now: Instant) -> Result<(), Refused> {
        self.on_time(now);
        match (self.ending, self.transport) {
            (Some(_), _) => Err(Refused::UnknownSid),
            (None, Transport::WebSocket) => Err(Refused::BadRequest),
            (None, Transport::Polling) => Ok(()),
        }
    }
}
