//! One process, the file it logs into, and how it ends.

use std::fs::{self, File};
use std::io::ErrorKind;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::sleep;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use rustix::process::{Pid, Signal, kill_process};

/// Time between two checks of a condition.
const LOOK_EVERY: Duration = Duration::from_millis(5);
/// Programs start in a second; a loaded machine may take its time.
const STARTS_WITHIN: Duration = Duration::from_secs(60);
/// The last lines of a log are shown when its program ended.
const LINES_SHOWN: usize = 15;

static IN_GROUPS_OF_THEIR_OWN: AtomicBool = AtomicBool::new(false);

/// From now on each program is started in a process group of its own: a Ctrl-C reaches only this process, which then
/// ends its programs. Only for a process that catches the signals that would end it: otherwise its programs would
/// continue to run. Without this, a signal that ends a test ends its programs too.
pub fn keep_terminal_signals_from_programs() {
    IN_GROUPS_OF_THEIR_OWN.store(true, Ordering::Relaxed);
}

/// A program that runs. Killed when dropped.
pub struct Program {
    name: String,
    process: Child,
    log: PathBuf,
}

impl Program {
    /// Starts it; what it writes goes to `<folder>/<name>.log`.
    ///
    /// # Errors
    ///
    /// It cannot be started.
    pub fn start(name: &str, mut command: Command, folder: &Path) -> Result<Self> {
        let log = folder.join(format!("{name}.log"));
        let file = File::create(&log).with_context(|| format!("cannot write {}", log.display()))?;
        command.stdout(file.try_clone()?).stderr(file);
        Self::start_logging_to(name, command, log)
    }

    /// Starts it with the standard output and error that `command` has. Its log is taken to be in that file.
    ///
    /// # Errors
    ///
    /// It cannot be started.
    pub fn start_logging_to(name: &str, mut command: Command, log: PathBuf) -> Result<Self> {
        if IN_GROUPS_OF_THEIR_OWN.load(Ordering::Relaxed) {
            command.process_group(0);
        }
        let process = command.stdin(Stdio::null()).spawn();
        let process = process.map_err(|error| match error.kind() {
            ErrorKind::NotFound => {
                anyhow::anyhow!("{} is not there", command.get_program().display())
            }
            _ => anyhow::Error::from(error).context(format!("cannot start {name}")),
        })?;
        Ok(Self {
            name: name.to_owned(),
            process,
            log,
        })
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Its process id.
    pub fn pid(&self) -> u32 {
        self.process.id()
    }

    /// Where it logs.
    pub fn log(&self) -> &Path {
        &self.log
    }

    /// How it ended, if it has.
    pub fn ended(&mut self) -> Option<ExitStatus> {
        self.process.try_wait().expect("a child can be asked")
    }

    /// Sends it a signal. If it has ended, nothing happens.
    pub fn signal(&self, signal: Signal) {
        // Fails if it has ended. Its id cannot belong to another process before it was waited for.
        let _ = kill_process(Pid::from_child(&self.process), signal);
    }

    /// Ends it at once (SIGKILL), and waits until it has ended.
    pub fn kill(&mut self) {
        // Fails where it has ended by itself, and then `wait` returns at once.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }

    /// Asks it to stop (SIGTERM).
    pub fn terminate(&self) {
        self.signal(Signal::TERM);
    }

    /// Waits until it has ended by itself. `None` if it has not ended within that time.
    pub fn wait(&mut self, within: Duration) -> Option<ExitStatus> {
        let deadline = Instant::now() + within;
        loop {
            let ended = self.ended();
            if ended.is_some() || Instant::now() > deadline {
                return ended;
            }
            sleep(LOOK_EVERY);
        }
    }

    /// Waits until it is `what`.
    ///
    /// # Errors
    ///
    /// It ended before, or it never was; with its last lines.
    pub fn wait_until(&mut self, what: &str, mut is_so: impl FnMut() -> bool) -> Result<()> {
        let deadline = Instant::now() + STARTS_WITHIN;
        loop {
            let is_so = is_so();
            // Asked after the condition: if another program has its port, the condition was about that one, and this
            // one has ended.
            if let Some(status) = self.ended() {
                bail!("{}", self.obituary(status));
            }
            if is_so {
                return Ok(());
            }
            if Instant::now() > deadline {
                let (name, tail) = (&self.name, self.last_lines());
                bail!("{name} is not {what} after {STARTS_WITHIN:?}; it wrote last\n{tail}");
            }
            sleep(LOOK_EVERY);
        }
    }

    /// How it ended and its last lines, for an error message.
    pub fn obituary(&self, status: ExitStatus) -> String {
        let Self { name, log, .. } = self;
        let tail = self.last_lines();
        format!(
            "{name} ended ({status}); it wrote last ({}):\n{tail}",
            log.display()
        )
    }

    /// The end of its log, indented.
    pub fn last_lines(&self) -> String {
        let log = fs::read(&self.log).unwrap_or_default();
        let log = String::from_utf8_lossy(&log);
        let lines: Vec<_> = log.lines().collect();
        let last = &lines[lines.len().saturating_sub(LINES_SHOWN)..];
        let last: Vec<_> = last.iter().map(|line| format!("    {line}")).collect();
        last.join("\n")
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        self.kill();
    }
}

#[cfg(test)]
mod tests {
    use tempfile::TempDir;

    use super::*;

    fn shell(script: &str) -> (TempDir, Program) {
        let folder = TempDir::new().expect("a temporary folder");
        let mut command = Command::new("sh");
        command.args(["-c", script]);
        let program = Program::start("shell", command, folder.path()).expect("sh runs");
        (folder, program)
    }

    #[test]
    fn a_program_that_ends_is_named_with_its_last_lines() {
        let script = "seq 1 100; echo 'port taken' >&2; exit 3";
        let (_folder, mut program) = shell(script);
        let error = program.wait_until("ready", || false).expect_err("it ends");
        let error = error.to_string();
        assert!(error.starts_with("shell ended (exit status: 3)"), "{error}");
        assert!(error.ends_with("    100\n    port taken"), "{error}");
        assert!(!error.contains("    50\n"), "{error}");
    }

    #[test]
    fn what_another_program_does_is_not_taken_for_ones_own() {
        let (_folder, mut program) = shell("exit 3");
        program.wait(STARTS_WITHIN).expect("it ends");
        let error = program.wait_until("ready", || true).expect_err("it ended");
        assert!(error.to_string().starts_with("shell ended"), "{error}");
    }

    #[test]
    fn a_program_that_is_asked_to_stop_is_waited_for() {
        let (_folder, mut program) =
            shell("trap 'exit 0' TERM; echo ready; while :; do sleep 0.01; done");
        let log = program.log().to_owned();
        let is_ready = || fs::read_to_string(&log).is_ok_and(|log| log.contains("ready"));
        program.wait_until("ready", is_ready).expect("it is");
        assert!(program.ended().is_none());
        program.terminate();
        let status = program.wait(STARTS_WITHIN).expect("it ends");
        assert!(status.success());
    }

    #[test]
    fn a_program_that_is_missing_is_named() {
        let folder = TempDir::new().expect("a temporary folder");
        let started = Program::start("it", Command::new("no-such-program"), folder.path());
        let error = started.err().expect("not there").to_string();
        assert_eq!(error, "no-such-program is not there");
    }
}
