//! The sending half of a link: numbers the frames of what is [gathered](super::batches), keeps them until they are
//! confirmed and repeats them.

use std::collections::VecDeque;

use bytes::Bytes;
use switchboard_traces::SpanContext;
use tokio::time::{Duration, Instant};

use super::batches::{Batch, Batches};

/// Gathered and unconfirmed, together. Beyond it the link is full.
pub(crate) const LINK_BYTES_MAX: usize = 32 * 1024 * 1024;
/// Unconfirmed frames at most; while there are so many, what comes is gathered. On a bus that loses much, a repetition
/// is then short, and what waits goes in few large frames.
const WINDOW: usize = 64;
/// First repetition of an unconfirmed frame.
pub(crate) const RETRY_MIN: Duration = Duration::from_millis(50);
/// Further ones double up to this.
const RETRY_MAX: Duration = Duration::from_secs(1);

/// Where an envelope went: the generation and number of its frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Position {
    pub(crate) generation: u64,
    pub(crate) number: u64,
}

impl Position {
    /// In a frame that the other side has confirmed, in whichever generation.
    pub(crate) const CONFIRMED: Self = Self {
        generation: u64::MAX,
        number: 0,
    };

    /// Whether it need not be queued in `generation`.
    pub(crate) fn holds_in(self, generation: u64) -> bool {
        self.generation == generation || self == Self::CONFIRMED
    }
}

/// Whether a link has to start a new generation after a confirmation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Restart {
    /// It goes on.
    No,
    /// It was full, lost what came meanwhile, and has nothing unconfirmed now: it starts again, so that the other side asks.
    Drained,
    /// The other side has forgotten what it had confirmed.
    Forgotten,
}

/// The link takes no more until the other side confirms something.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Full;

/// What to publish next.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Next {
    /// Seal these envelopes as the frame of this number, and [`keep`](Outgoing::keep) it.
    New { number: u64, batch: Batch },
    /// The same frame once more.
    Again { number: u64, frame: Bytes },
}

/// A frame that was published, and what it holds.
#[derive(Debug)]
struct Unconfirmed {
    frame: Bytes,
    envelopes: u32,
    since: Instant,
}

/// Envelopes of one frame that the other side has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Confirmed {
    pub(crate) envelopes: u32,
    /// Since the first of them was gathered.
    pub(crate) after: Duration,
}

#[derive(Debug)]
pub(crate) struct Outgoing {
    generation: u64,
    /// Number of the next new frame.
    next: u64,
    /// What goes with the next new frames.
    batches: Batches,
    /// Frames that were published and not confirmed: numbers `next - unconfirmed.len() .. next`.
    unconfirmed: VecDeque<Unconfirmed>,
    /// Index in `unconfirmed` of the next frame to repeat; its length: none.
    repeat: usize,
    retry_at: Option<Instant>,
    retry_after: Duration,
    /// Nothing is published before: the bus could not be reached.
    pause_until: Option<Instant>,
    /// Highest number that may have been published.
    published: u64,
    /// The number that is being published now; 0: none.
    publishing: u64,
    bytes: usize,
    full: bool,
}

impl Outgoing {
    pub(crate) fn new(generation: u64) -> Self {
        Self {
            generation,
            next: 1,
            batches: Batches::default(),
            unconfirmed: VecDeque::new(),
            repeat: 0,
            retry_at: None,
            retry_after: RETRY_MIN,
            pause_until: None,
            published: 0,
            publishing: 0,
            bytes: 0,
            full: false,
        }
    }

    pub(crate) fn generation(&self) -> u64 {
        self.generation
    }

    /// Adds what `write` appends as one envelope, to go at `due` at the latest.
    pub(crate) fn gather(
        &mut self,
        now: Instant,
        due: Instant,
        write: impl FnOnce(&mut Vec<u8>),
    ) -> Result<Position, Full> {
        if self.full || self.bytes >= LINK_BYTES_MAX {
            self.full = true;
            return Err(Full);
        }
        self.bytes += self.batches.gather(now, due, write);
        Ok(Position {
            generation: self.generation,
            number: self.next + self.batches.len() as u64 - 1,
        })
    }

    /// The envelope that was gathered last is traced.
    pub(crate) fn trace(&mut self, traced: SpanContext) {
        self.batches.trace(traced);
    }

    /// What to publish now, if anything.
    pub(crate) fn take(&mut self, now: Instant) -> Option<Next> {
        if self.pause_until.is_some_and(|until| now < until) {
            return None;
        }
        self.pause_until = None;
        let repeating = self.repeat < self.unconfirmed.len();
        if !repeating && self.retry_at.is_some_and(|at| at <= now) {
            self.repeat = 0;
            self.retry_after = (self.retry_after * 2).min(RETRY_MAX);
        }
        if let Some(unconfirmed) = self.unconfirmed.get(self.repeat) {
            let frame = unconfirmed.frame.clone();
            let number = self.next - self.unconfirmed.len() as u64 + self.repeat as u64;
            self.repeat += 1;
            // The pause counts from the end of a round: a slow bus would begin the next before this one is over.
            self.retry_at = Some(now + self.retry_after);
            self.publishing = number;
            return Some(Next::Again { number, frame });
        }
        if !self.batches.are_due(now) || !self.window_is_open() {
            return None;
        }
        let batch = self.batches.take()?;
        let number = self.next;
        self.next += 1;
        self.publishing = number;
        Some(Next::New { number, batch })
    }

    /// Keeps a new frame, of that batch, until it is confirmed.
    pub(crate) fn keep(&mut self, frame: Bytes, batch: &Batch, now: Instant) {
        self.bytes = self.bytes - batch.envelopes.len() + frame.len();
        self.unconfirmed.push_back(Unconfirmed {
            frame,
            envelopes: batch.count,
            since: batch.since,
        });
        self.repeat = self.unconfirmed.len();
        self.retry_at.get_or_insert(now + self.retry_after);
    }

    /// A publish of this generation ended; `went_out`: it was published, or may have been.
    pub(crate) fn published(&mut self, generation: u64, number: u64, went_out: bool) {
        if generation == self.generation {
            self.publishing = 0;
            if went_out {
                self.published = self.published.max(number);
            }
        }
    }

    /// Whether the next frame will be a new one, which confirms what was heard.
    pub(crate) fn has_new(&self, now: Instant) -> bool {
        let repeats =
            self.repeat < self.unconfirmed.len() || self.retry_at.is_some_and(|at| at <= now);
        self.batches.are_due(now) && !repeats && self.window_is_open()
    }

    /// A publish failed: nothing goes out for a while, then everything unconfirmed is repeated.
    pub(crate) fn pause(&mut self, now: Instant) {
        self.retry_after = (self.retry_after * 2).min(RETRY_MAX);
        let until = now + self.retry_after;
        self.pause_until = Some(until);
        if !self.unconfirmed.is_empty() {
            self.repeat = 0;
            self.retry_at = Some(until + self.retry_after);
        }
    }

    /// The other side has everything of `generation` up to `number`; `each` hears of every frame that was not known to be
    /// there. `now_so`: it is a confirmation by itself, not a repeated
    /// frame that was made earlier.
    pub(crate) fn confirmed(
        &mut self,
        (generation, number): (u64, u64),
        now_so: bool,
        now: Instant,
        mut each: impl FnMut(Confirmed),
    ) -> Restart {
        let first = self.next - self.unconfirmed.len() as u64;
        if generation == 0 && first > 1 && now_so {
            return Restart::Forgotten;
        }
        if generation != self.generation || number >= self.next {
            return Restart::No;
        }
        if number < first {
            // It began again with late repeats, and waits for frames that are gone. No confirmation is late for so long.
            let is_stuck = !self.unconfirmed.is_empty() && self.retry_after == RETRY_MAX;
            let waits_in_vain = number + 1 < first && is_stuck && now_so;
            return if waits_in_vain {
                Restart::Forgotten
            } else {
                Restart::No
            };
        }
        for unconfirmed in self.unconfirmed.drain(..=(number - first) as usize) {
            self.bytes -= unconfirmed.frame.len();
            self.repeat = self.repeat.saturating_sub(1);
            each(Confirmed {
                envelopes: unconfirmed.envelopes,
                after: now.saturating_duration_since(unconfirmed.since),
            });
        }
        self.retry_after = RETRY_MIN;
        self.retry_at = (!self.unconfirmed.is_empty()).then(|| now + RETRY_MIN);
        if self.full && self.unconfirmed.is_empty() && self.batches.is_empty() {
            return Restart::Drained;
        }
        Restart::No
    }

    /// Whether the frame at `position` may have been published. What is known of earlier generations is gone with them:
    /// then it may.
    pub(crate) fn may_be_published(&self, position: Position) -> bool {
        position.generation != self.generation
            || position.number <= self.published
            || position.number == self.publishing
    }

    /// Forgets everything that was not confirmed. A generation that is not higher comes from a reset that was overtaken.
    pub(crate) fn reset(&mut self, generation: u64) {
        if generation <= self.generation {
            return;
        }
        *self = Self {
            pause_until: self.pause_until,
            ..Self::new(generation)
        };
    }

    /// Nothing is published before, see [`pause`](Self::pause).
    pub(crate) fn pause_until(&self) -> Option<Instant> {
        self.pause_until
    }

    /// When [`take`](Self::take) has something, at the latest; `None`: not before something new is gathered.
    pub(crate) fn wake_at(&self) -> Option<Instant> {
        let at = if self.repeat < self.unconfirmed.len() {
            Some(Instant::now())
        } else {
            let new_at = self.batches.due_at().filter(|_| self.window_is_open());
            [new_at, self.retry_at].into_iter().flatten().min()
        };
        at.map(|at| self.pause_until.map_or(at, |until| at.max(until)))
    }

    fn window_is_open(&self) -> bool {
        self.unconfirmed.len() < WINDOW
    }

    /// Bytes gathered and unconfirmed.
    pub(crate) fn bytes(&self) -> usize {
        self.bytes
    }
}

#[cfg(test)]
mod tests;
