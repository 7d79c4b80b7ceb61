//! Envelopes that are gathered for the next frames of a link.

use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};

use switchboard_traces::SpanContext;
use tokio::time::Instant;

/// A frame holds so many bytes of envelopes at most, or one envelope.
const FRAME_BYTES_MAX: usize = 256 * 1024;
/// The span of a frame links to no more signals.
const TRACED_MAX: usize = 128;

/// The envelopes of one frame.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Batch {
    pub(super) envelopes: Vec<u8>,
    pub(super) count: u32,
    /// When the first of them was gathered.
    pub(super) since: Instant,
    /// Those that are traced.
    pub(super) traced: Vec<SpanContext>,
}

/// What is gathered; only the last batch still grows.
#[derive(Debug, Default)]
pub(super) struct Batches {
    batches: VecDeque<Batch>,
    /// When the first batch must go.
    due: Option<Instant>,
}

impl Batches {
    pub(super) fn len(&self) -> usize {
        self.batches.len()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.batches.is_empty()
    }

    /// Adds what `write` appends as one envelope, to go at `due` at the latest. Returns how many bytes that is.
    pub(super) fn gather(
        &mut self,
        now: Instant,
        due: Instant,
        write: impl FnOnce(&mut Vec<u8>),
    ) -> usize {
        let last = self.batches.back();
        if last.is_none_or(|batch| batch.envelopes.len() >= FRAME_BYTES_MAX) {
            self.batches.push_back(Batch {
                envelopes: Vec::new(),
                count: 0,
                since: now,
                traced: Vec::new(),
            });
        }
        let batch = self.batches.back_mut().expect("there is one now");
        let start = batch.envelopes.len();
        if let Err(panic) = catch_unwind(AssertUnwindSafe(|| write(&mut batch.envelopes))) {
            // Half an envelope would make those behind it unreadable.
            batch.envelopes.truncate(start);
            resume_unwind(panic);
        }
        let bytes = batch.envelopes.len() - start;
        batch.count += 1;
        if start > 0 && batch.envelopes.len() > FRAME_BYTES_MAX {
            let envelopes = batch.envelopes.split_off(start);
            batch.count -= 1;
            self.batches.push_back(Batch {
                envelopes,
                count: 1,
                since: now,
                traced: Vec::new(),
            });
        }
        self.due = Some(self.due.map_or(due, |known| known.min(due)));
        bytes
    }

    /// The envelope that was gathered last is traced.
    pub(super) fn trace(&mut self, traced: SpanContext) {
        let last = self.batches.back_mut();
        if let Some(batch) = last.filter(|batch| batch.traced.len() < TRACED_MAX) {
            batch.traced.push(traced);
        }
    }

    /// Whether a batch must go: it has waited as long as it may, or is full.
    pub(super) fn are_due(&self, now: Instant) -> bool {
        self.batches.len() > 1 || self.due.is_some_and(|due| due <= now)
    }

    /// When the first batch must go.
    pub(super) fn due_at(&self) -> Option<Instant> {
        match self.batches.len() {
            0 | 1 => self.due,
            _ => Some(Instant::now()),
        }
    }

    pub(super) fn take(&mut self) -> Option<Batch> {
        let batch = self.batches.pop_front();
        if self.batches.is_empty() {
            self.due = None;
        }
        batch
    }
}
