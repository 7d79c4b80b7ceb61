//! The lines that are not written yet, bounded in bytes. Adding a line never waits.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use parking_lot::{Condvar, Mutex};

use crate::metrics::PROCESS;

/// The most bytes in the queue. As many again may be with the writing thread.
const BYTES_MAX: usize = 1 << 20;
/// What a line costs beside its bytes.
const LINE_COST: usize = size_of::<usize>();

/// The queue.
#[derive(Default)]
pub(super) struct Queue {
    waiting: Mutex<Waiting>,
    /// There is something to write.
    more: Condvar,
    /// There is nothing to write any more.
    done: Condvar,
    /// Lines that were dropped since the last report of dropped lines.
    unsaid: AtomicU64,
}

#[derive(Default)]
struct Waiting {
    lines: Lines,
    is_writing: bool,
}

/// Lines one behind another.
#[derive(Debug, Default)]
pub(super) struct Lines {
    bytes: Vec<u8>,
    /// Where each ends.
    ends: Vec<usize>,
}

impl Queue {
    /// Adds a line, or drops it.
    pub(super) fn push(&self, line: &[u8]) {
        let mut waiting = self.waiting.lock();
        if waiting.lines.cost() + line.len() + LINE_COST > BYTES_MAX {
            drop(waiting);
            return self.note_dropped(1);
        }
        waiting.lines.push(line);
        drop(waiting);
        self.more.notify_one();
    }

    /// Waits for lines and takes all. The lines taken before count as written.
    pub(super) fn take(&self, lines: &mut Lines) {
        lines.clear();
        let mut waiting = self.waiting.lock();
        waiting.is_writing = false;
        while waiting.lines.is_empty() {
            self.done.notify_all();
            self.more.wait(&mut waiting);
        }
        waiting.is_writing = true;
        std::mem::swap(&mut waiting.lines, lines);
    }

    /// Whether all lines are taken.
    pub(super) fn is_empty(&self) -> bool {
        self.waiting.lock().lines.is_empty()
    }

    /// Waits until all lines are written, but no longer than `patience`.
    pub(super) fn wait_until_written(&self, patience: Duration) {
        let has_more = |waiting: &mut Waiting| waiting.is_writing || !waiting.lines.is_empty();
        let mut waiting = self.waiting.lock();
        self.done.wait_while_for(&mut waiting, has_more, patience);
    }

    /// Counts lost lines.
    pub(super) fn note_dropped(&self, lines: u64) {
        PROCESS.log_lines_dropped_total.inc_by(lines);
        self.unsaid.fetch_add(lines, Ordering::Relaxed);
    }

    /// Lines lost since the last report.
    pub(super) fn unsaid(&self) -> u64 {
        self.unsaid.load(Ordering::Relaxed)
    }

    /// So many lost lines were reported.
    pub(super) fn note_said(&self, lines: u64) {
        self.unsaid.fetch_sub(lines, Ordering::Relaxed);
    }
}

impl Lines {
    pub(super) fn push(&mut self, line: &[u8]) {
        self.bytes.extend_from_slice(line);
        self.ends.push(self.bytes.len());
    }

    pub(super) fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// How many of them are not within the first `written` bytes.
    pub(super) fn behind(&self, written: usize) -> u64 {
        let whole = self.ends.partition_point(|end| *end <= written);
        (self.ends.len() - whole) as u64
    }

    fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    fn cost(&self) -> usize {
        self.bytes.len() + self.ends.len() * LINE_COST
    }

    fn clear(&mut self) {
        self.bytes.clear();
        self.ends.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_exceeds_the_bound_is_dropped_and_counted_and_nobody_waits() {
        let queue = Queue::default();
        let line = [b'x'; 1000];
        for _ in 0..2000 {
            queue.push(&line);
        }
        let mut lines = Lines::default();
        queue.take(&mut lines);
        let kept = lines.behind(0);
        assert!(lines.bytes().len() <= BYTES_MAX, "{kept}");
        assert_eq!(kept + queue.unsaid(), 2000);
        assert!(kept > 1000, "{kept}");
        assert!(queue.is_empty());
        queue.push(&line);
        assert!(!queue.is_empty(), "there is room again");
    }

    #[test]
    fn waiting_for_a_writer_that_is_stuck_ends_in_time() {
        let queue = Queue::default();
        queue.push(b"line\n");
        queue.wait_until_written(Duration::from_millis(1));
        assert!(!queue.is_empty());
    }
}
