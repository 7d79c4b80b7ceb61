//! The receiving half of a link: which frames are taken, and what is to be confirmed.

use tokio::time::{Duration, Instant};

use crate::link::frame::Header;
use crate::sabotage::{Guard, is_out};

/// A confirmation waits this long for a frame that goes the same way; well below [`super::outgoing::RETRY_MIN`].
const CONFIRM_AFTER: Duration = Duration::from_millis(10);
/// So many unconfirmed frames are confirmed at once: half of what the other side may have.
const CONFIRM_FRAMES: u64 = 32;

/// Where a frame stands among those of the other side.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Order {
    /// It is the next one.
    Next,
    /// It is the first of a new generation: the other side has forgotten what was not confirmed.
    Restarted,
    /// It was taken before, or one before it is missing (go-back-N holds nothing back), or it only confirms: its envelopes are
    /// not for now.
    Other,
}

/// What arrived from the other side.
#[derive(Debug, Default)]
pub(crate) struct Incoming {
    generation: u64,
    taken: u64,
    confirmed: u64,
    confirm_at: Option<Instant>,
    /// Before anything was taken, a frame of this generation came that was not its first.
    missed: Option<u64>,
}

impl Incoming {
    /// Judges a frame by its header.
    pub(crate) fn judge(&mut self, header: &Header, now: Instant) -> Order {
        let blind = is_out(Guard::LinkGeneration) && self.generation > 0;
        if header.number == 0 || (header.generation < self.generation && !blind) {
            return Order::Other;
        }
        let reset = header.generation > self.generation && !blind;
        if reset {
            if header.number != 1 {
                // Where nothing was seen before, a confirmation of nothing makes the other side start a new generation.
                self.confirm_at.get_or_insert(now + CONFIRM_AFTER);
                self.missed.get_or_insert(header.generation);
                return Order::Other;
            }
            // What was missed is forgotten on the other side by then.
            let missed = self
                .missed
                .is_some_and(|missed| missed != header.generation);
            let first = self.generation == 0 && !missed;
            *self = Self {
                generation: header.generation,
                taken: 1,
                confirmed: 0,
                confirm_at: Some(now + CONFIRM_AFTER),
                missed: None,
            };
            return if first { Order::Next } else { Order::Restarted };
        }
        if header.number != self.taken + 1 {
            // A repeat means that the confirmation was lost or late; a gap, that something else was. Both times the other
            // side wants to hear how far we are.
            self.confirm_at.get_or_insert(now + CONFIRM_AFTER);
            return Order::Other;
        }
        self.taken = header.number;
        self.confirm_at.get_or_insert(now + CONFIRM_AFTER);
        if self.taken - self.confirmed >= CONFIRM_FRAMES {
            self.confirm_at = Some(now);
        }
        Order::Next
    }

    /// What the next frame to the other side confirms: generation and number.
    pub(crate) fn confirm(&mut self) -> (u64, u64) {
        self.confirmed = self.taken;
        self.confirm_at = None;
        (self.generation, self.taken)
    }

    /// When a frame without envelopes must confirm, if none with envelopes does before.
    pub(crate) fn confirm_at(&self) -> Option<Instant> {
        self.confirm_at
    }
}

#[cfg(test)]
mod tests {
    use switchboard_protocol::NodeId;

    use super::*;

    fn frame(generation: u64, number: u64) -> Header {
        Header {
            from: NodeId::start("a"),
            generation,
            number,
            seen_generation: 0,
            seen: 0,
        }
    }

    #[test]
    fn only_the_next_frame_is_taken() {
        let (mut incoming, now) = (Incoming::default(), Instant::now());
        assert_eq!(incoming.judge(&frame(4, 1), now), Order::Next);
        assert_eq!(incoming.judge(&frame(4, 3), now), Order::Other);
        assert_eq!(incoming.judge(&frame(4, 1), now), Order::Other);
        assert_eq!(incoming.judge(&frame(4, 2), now), Order::Next);
        assert_eq!(incoming.confirm(), (4, 2));
    }

    #[test]
    fn a_new_generation_starts_at_one_and_ends_the_old_one() {
        let (mut incoming, now) = (Incoming::default(), Instant::now());
        incoming.judge(&frame(4, 1), now);
        assert_eq!(incoming.judge(&frame(5, 2), now), Order::Other);
        assert_eq!(incoming.judge(&frame(5, 1), now), Order::Restarted);
        assert_eq!(incoming.judge(&frame(4, 2), now), Order::Other);
        assert_eq!(incoming.confirm(), (5, 1));
    }

    #[test]
    fn a_side_that_starts_again_for_one_that_has_received_nothing_yet_has_forgotten_something_too()
    {
        let (mut incoming, now) = (Incoming::default(), Instant::now());
        assert_eq!(incoming.judge(&frame(4, 9), now), Order::Other);
        assert_eq!(incoming.confirm(), (0, 0));
        assert_eq!(incoming.judge(&frame(6, 1), now), Order::Restarted);
    }

    #[test]
    fn a_first_frame_that_others_have_overtaken_is_the_first_all_the_same() {
        let (mut incoming, now) = (Incoming::default(), Instant::now());
        assert_eq!(incoming.judge(&frame(4, 2), now), Order::Other);
        assert_eq!(incoming.judge(&frame(4, 1), now), Order::Next);
    }

    #[test]
    fn a_repeat_is_confirmed_again() {
        let (mut incoming, now) = (Incoming::default(), Instant::now());
        incoming.judge(&frame(1, 1), now);
        incoming.confirm();
        assert_eq!(incoming.confirm_at(), None);
        incoming.judge(&frame(1, 1), now);
        assert!(incoming.confirm_at().is_some());
    }
}
