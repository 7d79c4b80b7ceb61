//! Two people in a call, in real browsers: `e2e/upgrade.js`, which answers each line with what they saw since the last one.

use std::fs::{self, File};
use std::io::{BufRead, BufReader, Write};
use std::net::SocketAddr;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use serde::Deserialize;
use tokio_util::sync::CancellationToken;

/// Browsers start in seconds; a loaded machine may take its time.
const PATIENCE: Duration = Duration::from_secs(90);
const LOOK_EVERY: Duration = Duration::from_millis(100);

/// What is needed to have browsers.
#[derive(Debug, Clone)]
pub struct BrowserPrograms {
    /// Node, which drives them.
    pub node: PathBuf,
    /// A Chromium or Chrome.
    pub chromium: PathBuf,
}

/// One of the two, and what this one saw during an upgrade.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Person {
    /// Who.
    pub name: String,
    /// Milliseconds: the longest time without a newly decoded frame of the other's picture.
    pub longest_without_frame_ms: f64,
    /// Frames of it that were decoded.
    pub frames: u64,
    /// Connections to gateways beyond those there were.
    pub moves: u64,
    /// What went wrong, each in a sentence.
    pub complaints: Vec<String>,
}

/// The two, in their call. They leave when this is dropped.
pub(crate) struct Browsers {
    process: Child,
    ask: ChildStdin,
    answers: Receiver<String>,
    log: PathBuf,
    stop: CancellationToken,
}

impl Browsers {
    /// Starts them, and waits until each sees the other's picture move. Blocks, as all of this does.
    pub(crate) fn start(
        programs: &BrowserPrograms,
        public: SocketAddr,
        folder: &Path,
        stop: &CancellationToken,
    ) -> Result<Self> {
        let log = folder.join("browsers.log");
        let file = File::create(&log).with_context(|| format!("cannot write {}", log.display()))?;
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../e2e/upgrade.js");
        let mut process = Command::new(&programs.node)
            .arg(script)
            .arg(format!("http://{public}/"))
            .env("CHROMIUM", &programs.chromium)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(file)
            // Ctrl-C is for the one that started it, with which its standard input ends, and so it.
            .process_group(0)
            .spawn()
            .context("node cannot be started")?;
        let pipes = process.stdin.take().zip(process.stdout.take());
        let (ask, output) = pipes.expect("both were piped");
        let mut browsers = Self {
            process,
            ask,
            answers: lines_of(BufReader::new(output)),
            log,
            stop: stop.clone(),
        };
        let said = browsers.answer()?;
        ensure!(said == "in a call", "the browsers said «{said}»");
        Ok(browsers)
    }

    /// What they saw since they were last asked.
    pub(crate) fn report(&mut self) -> Result<Vec<Person>> {
        self.ask.write_all(b"report\n")?;
        let said = self.answer()?;
        serde_json::from_str(&said).with_context(|| format!("the browsers said «{said}»"))
    }

    /// Closes them, and waits until they are gone.
    pub(crate) fn end(self) -> Result<()> {
        let Self {
            mut process,
            ask,
            stop,
            ..
        } = self;
        drop(ask);
        let deadline = Instant::now() + PATIENCE;
        let status = loop {
            if let Some(status) = process.try_wait()? {
                break status;
            }
            ensure!(!stop.is_cancelled(), "told to stop");
            if Instant::now() > deadline {
                process.kill()?;
                bail!("the browsers did not end within {PATIENCE:?}");
            }
            thread::sleep(LOOK_EVERY);
        };
        ensure!(status.success(), "the browsers ended with {status}");
        Ok(())
    }

    fn answer(&mut self) -> Result<String> {
        let deadline = Instant::now() + PATIENCE;
        while Instant::now() < deadline {
            match self.answers.recv_timeout(LOOK_EVERY) {
                Ok(said) => return Ok(said),
                Err(RecvTimeoutError::Disconnected) => break,
                Err(RecvTimeoutError::Timeout) => {
                    ensure!(!self.stop.is_cancelled(), "told to stop");
                }
            }
        }
        let log = fs::read_to_string(&self.log).unwrap_or_default();
        let running = self.process.try_wait()?.is_none();
        let why = if running { "say nothing" } else { "have ended" };
        bail!(
            "the browsers {why}; they wrote ({}):\n{log}",
            self.log.display()
        )
    }
}

/// Read by a thread of its own, so that one can wait for a line for a while only.
fn lines_of(output: impl BufRead + Send + 'static) -> Receiver<String> {
    let (sender, receiver) = mpsc::channel();
    thread::spawn(move || {
        for line in output.lines().map_while(Result::ok) {
            if sender.send(line).is_err() {
                return;
            }
        }
    });
    receiver
}
