//! The log, on standard error. A task that logs never waits and never fails because of it. If a pipe is not read, its
//! reader is gone or a disk is full, lines are lost and counted, and nothing else happens.
//!
//! ```text
//! any thread ─► Queue (bounded: lines over the bound are dropped) ─► a thread of its own ─► standard error
//! ```

mod out;
mod panics;
mod queue;
mod traced;

use std::fs::File;
use std::io::{self, IsTerminal, Write};
use std::os::fd::AsFd;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use anyhow::Context;
use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::format;

use self::out::Out;
use self::queue::Queue;
use self::traced::Traced;
use crate::config::{LogConfig, LogFormat};

/// The time that the lines in the queue get to be written when the process ends.
const FLUSH_MAX: Duration = Duration::from_secs(1);

/// The log of this process.
pub struct Log(Arc<Queue>);

impl Log {
    /// From now on events of `tracing` go to standard error, and so do panics.
    ///
    /// # Errors
    /// The filter cannot be parsed, or a thread or file cannot be had.
    pub fn start(config: &LogConfig) -> anyhow::Result<Self> {
        let filter = EnvFilter::builder()
            .parse(&config.filter)
            .context("log.filter")?;
        let queue = Arc::new(Queue::default());
        // Not `io::stderr()`: a writer holds its lock, and every other writer would wait.
        let file = File::from(io::stderr().as_fd().try_clone_to_owned()?);
        let writing = queue.clone();
        thread::Builder::new()
            .name("log".into())
            .spawn(move || Out::new(file).write_all_of(&writing))
            .context("cannot start a thread for the log")?;
        let writer = LogWriter(queue.clone());
        let lines = tracing_subscriber::fmt()
            .with_env_filter(filter)
            .with_writer(move || writer.clone());
        match config.format {
            LogFormat::Pretty => {
                let text = format().with_ansi(io::stderr().is_terminal());
                lines.event_format(Traced::text(text)).init();
            }
            LogFormat::Json => {
                let json = format().json().flatten_event(true);
                lines.json().event_format(Traced::json(json)).init();
            }
        }
        panics::log_panics();
        Ok(Self(queue))
    }

    /// Writes a line as it is.
    pub fn say(&self, line: &str) {
        self.0.push(format!("{line}\n").as_bytes());
    }

    /// Waits until all lines are written, but not for long because the process ends.
    pub fn finish(&self) {
        self.0.wait_until_written(FLUSH_MAX);
    }
}

/// Takes each line as a whole from the formatter.
#[derive(Clone)]
struct LogWriter(Arc<Queue>);

impl Write for LogWriter {
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
