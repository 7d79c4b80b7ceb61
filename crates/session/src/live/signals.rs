//! Which signals a session may send, and which of them may be repeats.

use std::time::{Duration, Instant};

use switchboard_protocol::ErrorCode;
use switchboard_protocol::client_message::Signal;

use super::rooms::not_a_member;
use super::{Live, Repetition};
use crate::Rules;
use crate::grants::Ability;
use crate::operation::Refused;

/// After a resume, a signal counts as a repeat for so long at most.
pub(super) const REPEATS_WITHIN: Duration = Duration::from_secs(10);

impl Live {
    /// Whether a signal may be relayed.
    pub(super) fn signal(
        &mut self,
        signal: &Signal<'_>,
        now: Instant,
    ) -> Result<Repetition, Refused> {
        self.signal_ids.take(signal, now)?;
        if !self.rooms.has(&signal.room) {
            return Err(not_a_member(&signal.room));
        }
        if self.grants.hidden || !self.grants.can.has(Ability::Signal) {
            return Err(Refused::new(
                ErrorCode::Forbidden,
                "your token does not allow you to signal",
            ));
        }
        if let Some(origin) = self.signal_ids.take_repeat(now) {
            return Ok(origin);
        }
        self.rates.signal(&self.rules, now)?;
        Ok(Repetition::New)
    }
}

/// Ids of signals rise, except right after a resume.
#[derive(Debug)]
pub(super) struct SignalIds {
    last: u64,
    /// After a resume, so many signals are free of the rate, and may have the id of the one before if each has a receiver of
    /// its own.
    repeats_left: u32,
    /// As they are free of the rate of bytes, up to so many.
    repeated_bytes_left: u64,
    /// Repeats come at once.
    repeats_until: Instant,
}

impl SignalIds {
    pub(super) fn new(now: Instant) -> Self {
        Self {
            last: 0,
            repeats_left: 0,
            repeated_bytes_left: 0,
            repeats_until: now,
        }
    }

    pub(super) fn resumed(rules: &Rules, now: Instant) -> Self {
        Self {
            last: 0,
            repeats_left: rules.limits.in_flight,
            repeated_bytes_left: rules.limits.in_flight_bytes,
            repeats_until: now + REPEATS_WITHIN,
        }
    }

    fn take(&mut self, signal: &Signal<'_>, now: Instant) -> Result<(), Refused> {
        let may_be_same = self.repeats_left > 0 || now < self.repeats_until;
        let is_same = may_be_same && signal.id == self.last && signal.to.is_some();
        if signal.id <= self.last && !is_same {
            let message = format!(
                "id {} is not above {}, the one before: ids rise",
                signal.id, self.last
            );
            return Err(Refused::new(ErrorCode::BadMessage, message));
        }
        self.last = signal.id;
        Ok(())
    }

    /// Counts a frame as one with signals that are free of the rate, while there are such.
    pub(super) fn take_repeated_bytes(&mut self, bytes: usize) -> bool {
        let left = self.repeated_bytes_left.checked_sub(bytes as u64);
        match left.filter(|_| self.repeats_left > 0) {
            Some(left) => {
                self.repeated_bytes_left = left;
                true
            }
            None => false,
        }
    }

    /// Counts a signal as one of those that are free of the rate, while there are such.
    fn take_repeat(&mut self, now: Instant) -> Option<Repetition> {
        self.repeats_left = self.repeats_left.checked_sub(1)?;
        Some(if now < self.repeats_until {
            Repetition::PerhapsRepeated
        } else {
            Repetition::New
        })
    }
}
