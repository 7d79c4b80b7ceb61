//! The log, on standard error. Whoever logs never waits for it and never fails by it: a pipe that nobody reads, one whose
//! reader is gone, or a full disk costs lines, which are counted, and nothing else.
//!
//! ```text
//! any thread ─► Queue (bounded; over it, lines are dropped) ─► a thread of its own ─► standard error
//! ```

mod out;
mod panics;
mod queue;

use std::fs::File;
use std::io::{self, IsTerminal, Write};
use std::os::fd::AsFd;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use anyhow::Context;
use tracing_subscriber::EnvFilter;

use self::out::Out;
use self::queue::Queue;
use crate::config::{LogConfig, LogFormat};

/// What waits when the process ends gets so long to be written.
const FLUSH_MAX: Duration = Duration::from_secs(1);

/// The log of this process.
pub struct Log(Arc<Queue>);

impl Log {
    /// From now on what is traced goes to standard error, panics too.
    ///
    /// # Errors
    /// When the filter cannot be read, or there is no thread or file to be had.
    pub fn start(config: &LogConfig) -> anyhow::Result<Self> {
        let filter = EnvFilter::builder()
            .parse(&config.filter)
            .context("log.filter")?;
        let queue = Arc::new(Queue::default());
        // Not `io::stderr()`: it is locked while it is written to, and others who write there would wait for it.
        let file = File::from(io::stderr().as_fd().try_clone_to_owned()?);
        let writing = queue.clone();
        thread::Builder::new()
            .name("log".into())
            .spawn(move || Out::new(file).write_all_of(&writing))
            .context("cannot start a thread for the log")?;
        let entrance = Entrance(queue.clone());
        let lines = tracing_subscriber::fmt()
            .with_env_filter(filter)
            .with_writer(move || entrance.clone());
        match config.format {
            LogFormat::Pretty => lines.with_ansi(io::stderr().is_terminal()).init(),
            LogFormat::Json => lines
                .json()
                .flatten_event(true)
                .with_current_span(true)
                .init(),
        }
        panics::log_panics();
        Ok(Self(queue))
    }

    /// Writes a line as it is.
    pub fn say(&self, line: &str) {
        self.0.push(format!("{line}\n").as_bytes());
    }

    /// Waits until all is written, but not for long: the process ends.
    pub fn finish(&self) {
        self.0.wait_until_written(FLUSH_MAX);
    }
}

/// Where the formatter of lines writes each as a whole.
#[derive(Clone)]
struct Entrance(Arc<Queue>);

impl Write for Entrance {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        if !out::capture(line) {
            self.0.push(line);
        }
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
