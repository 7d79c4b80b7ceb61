//! Two people in a call, in real browsers: `e2e/upgrade.js`, which answers each line with what they saw since the last one.

use std::fs::File;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use serde::Deserialize;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader, Lines};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};
use tokio::time::timeout;

/// Browsers start in seconds; a loaded machine may take its time.
const PATIENCE: Duration = Duration::from_secs(90);

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

/// The two, in their call.
pub(crate) struct Browsers {
    process: Child,
    ask: ChildStdin,
    answers: Lines<BufReader<ChildStdout>>,
    log: PathBuf,
}

impl Browsers {
    /// Starts them, and waits until each sees the other's picture move.
    pub(crate) async fn start(
        programs: &BrowserPrograms,
        public: SocketAddr,
        folder: &Path,
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
            // Alone, so that Ctrl-C is for the one that started it; it ends once its standard input does.
            .process_group(0)
            .kill_on_drop(true)
            .spawn()
            .context("node cannot be started")?;
        let (ask, answers) = process
            .stdin
            .take()
            .zip(process.stdout.take())
            .context("piped")?;
        let mut browsers = Self {
            process,
            ask,
            answers: BufReader::new(answers).lines(),
            log,
        };
        let said = browsers.answer().await?;
        ensure!(said == "in a call", "the browsers said «{said}»");
        Ok(browsers)
    }

    /// What they saw since they were last asked.
    pub(crate) async fn report(&mut self) -> Result<Vec<Person>> {
        self.ask.write_all(b"report\n").await?;
        let said = self.answer().await?;
        serde_json::from_str(&said).with_context(|| format!("the browsers said «{said}»"))
    }

    /// Closes them.
    pub(crate) async fn end(self) -> Result<()> {
        let Self {
            mut process, ask, ..
        } = self;
        drop(ask);
        let ended = timeout(PATIENCE, process.wait()).await;
        let status = ended.context("the browsers do not end")??;
        ensure!(status.success(), "the browsers ended with {status}");
        Ok(())
    }

    async fn answer(&mut self) -> Result<String> {
        let said = timeout(PATIENCE, self.answers.next_line()).await;
        if let Ok(Ok(Some(said))) = said {
            return Ok(said);
        }
        let log = std::fs::read_to_string(&self.log).unwrap_or_default();
        let running = self.process.try_wait()?.is_none();
        let why = if running { "say nothing" } else { "have ended" };
        bail!(
            "the browsers {why}; they wrote ({}):\n{log}",
            self.log.display()
        )
    }
}
