//! The thread that writes. While it waits for a reader, or fails, lines are lost.

use std::cell::RefCell;
use std::io::{self, Write};
use std::thread;
use std::time::{Duration, Instant};

use super::queue::{Lines, Queue};

/// While lines are lost, it reports that at most this often.
const SAY_LOST_EVERY: Duration = Duration::from_secs(10);
/// Time between two tries on a pipe that does not block.
const RETRY: Duration = Duration::from_millis(10);

thread_local! {
    /// A line that the writing thread itself logs: it writes the line at once and does not queue it.
    static CAPTURED: RefCell<Option<Lines>> = const { RefCell::new(None) };
}

/// Takes a line of the writing thread. False if the line is another thread's.
pub(super) fn capture(line: &[u8]) -> bool {
    CAPTURED.with_borrow_mut(|captured| captured.as_mut().map(|lines| lines.push(line)).is_some())
}

/// The output of the lines.
pub(super) struct Out<W> {
    to: W,
    /// The last line is written only in part.
    is_torn: bool,
    said_lost_at: Option<Instant>,
}

impl<W: Write> Out<W> {
    pub(super) fn new(to: W) -> Self {
        Self {
            to,
            is_torn: false,
            said_lost_at: None,
        }
    }

    /// Writes the lines of the queue. Does not end.
    pub(super) fn write_all_of(mut self, queue: &Queue) {
        let mut lines = Lines::default();
        loop {
            queue.take(&mut lines);
            self.write_lines(queue, &lines);
        }
    }

    /// Writes these lines, and then how many were lost before.
    fn write_lines(&mut self, queue: &Queue, lines: &Lines) {
        let lost = self.write(lines);
        if lost > 0 {
            return queue.note_dropped(lost);
        }
        let unsaid = queue.unsaid();
        let was_silent = |at: Instant| at.elapsed() >= SAY_LOST_EVERY;
        if unsaid == 0 || !(queue.is_empty() || self.said_lost_at.is_none_or(was_silent)) {
            return;
        }
        self.said_lost_at = Some(Instant::now());
        if self.write(&lost_in_words(unsaid)) == 0 {
            queue.note_said(unsaid);
        }
    }

    /// How many of the lines are not written.
    fn write(&mut self, lines: &Lines) -> u64 {
        if self.is_torn {
            match self.write_bytes(b"\n") {
                Ok(()) => self.is_torn = false,
                Err(_) => return lines.behind(0),
            }
        }
        match self.write_bytes(lines.bytes()) {
            Ok(()) => 0,
            Err(written) => {
                self.is_torn |= written > 0;
                lines.behind(written)
            }
        }
    }

    /// The error is the number of bytes that were written before it.
    fn write_bytes(&mut self, bytes: &[u8]) -> Result<(), usize> {
        let mut written = 0;
        while written < bytes.len() {
            match self.to.write(&bytes[written..]) {
                Ok(0) => return Err(written),
                Ok(more) => written += more,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => thread::sleep(RETRY),
                Err(_) => return Err(written),
            }
        }
        Ok(())
    }
}

/// In the format of the other lines; nothing if the filter leaves warnings out.
fn lost_in_words(lines: u64) -> Lines {
    CAPTURED.set(Some(Lines::default()));
    tracing::warn!(
        lines,
        "{lines} lines of this log were dropped: standard error did not take them"
    );
    CAPTURED.take().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Takes `room` bytes, then fails until there is more.
    #[derive(Default)]
    struct Disk {
        text: String,
        room: usize,
    }

    impl Write for Disk {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            let taken = bytes.len().min(self.room);
            if taken == 0 {
                return Err(io::ErrorKind::StorageFull.into());
            }
            self.room -= taken;
            self.text += std::str::from_utf8(&bytes[..taken]).expect("text");
            Ok(taken)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn push(out: &mut Out<Disk>, queue: &Queue, lines: &[&str]) {
        for line in lines {
            queue.push(line.as_bytes());
        }
        let mut taken = Lines::default();
        queue.take(&mut taken);
        out.write_lines(queue, &taken);
    }

    #[test]
    fn lines_that_find_no_room_are_counted_and_said_once_there_is_room() {
        let subscriber = tracing_subscriber::fmt()
            .with_ansi(false)
            .without_time()
            .with_target(false)
            .with_writer(|| super::super::LogWriter(std::sync::Arc::default()))
            .finish();
        let _default = tracing::subscriber::set_default(subscriber);
        let (mut out, queue) = (Out::new(Disk::default()), Queue::default());
        out.to.room = 8;
        push(&mut out, &queue, &["one\n", "two, cut\n", "three\n"]);
        assert_eq!(queue.unsaid(), 2);
        push(&mut out, &queue, &["four\n"]);
        assert_eq!(queue.unsaid(), 3);
        out.to.room = usize::MAX;
        push(&mut out, &queue, &["five\n"]);
        assert_eq!(queue.unsaid(), 0);
        assert_eq!(
            out.to.text,
            "one\ntwo,\nfive\n WARN 3 lines of this log were dropped: standard error did not take them lines=3\n"
        );
        push(&mut out, &queue, &["six\n"]);
        assert!(out.to.text.ends_with("lines=3\nsix\n"), "{}", out.to.text);
    }
}
