//! Running a test runner with its output both shown as it comes and counted.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};

use super::totals::{Counter, Totals};

/// How long output may stay open after the runner itself has ended.
const LINGER: Duration = Duration::from_secs(2);
/// How often to look whether the runner has ended while it prints nothing.
const GLANCE: Duration = Duration::from_millis(100);

/// Runs the command; every line of its standard output goes to `out` unchanged. Standard error is left to itself, so
/// that cargo still draws its progress on a terminal.
///
/// The end of the output is not waited for without bound: a server that a failed test left behind inherits the pipe
/// and would hold it open for ever.
pub(crate) fn run(mut command: Command, out: &mut impl Write) -> Result<(ExitStatus, Totals)> {
    let mut child = command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()
        .with_context(|| super::cannot_start(&command))?;
    let output = child.stdout.take().expect("standard output was piped");
    let mut counter = Counter::default();
    copy(&lines_of(output), &mut child, &mut counter, out)?;
    let status = child.wait().context("cannot wait for the runner")?;
    Ok((status, counter.totals()))
}

fn copy(
    lines: &Receiver<Vec<u8>>,
    child: &mut Child,
    counter: &mut Counter,
    out: &mut impl Write,
) -> Result<()> {
    let mut ended = None;
    loop {
        match lines.recv_timeout(GLANCE) {
            Ok(line) => {
                out.write_all(&line).and_then(|()| out.flush())?;
                counter.read(&String::from_utf8_lossy(&line));
            }
            Err(RecvTimeoutError::Disconnected) => return Ok(()),
            Err(RecvTimeoutError::Timeout) => {
                if ended.is_none() && child.try_wait()?.is_some() {
                    ended = Some(Instant::now());
                }
            }
        }
        if ended.is_some_and(|since: Instant| since.elapsed() > LINGER) {
            writeln!(
                out,
                "warning: a process started by these tests outlives them"
            )?;
            return Ok(());
        }
    }
}

/// The stream's lines, line ends included, read by a thread of its own.
fn lines_of(stream: impl Read + Send + 'static) -> Receiver<Vec<u8>> {
    let (sender, receiver) = mpsc::channel();
    thread::spawn(move || {
        let mut stream = BufReader::new(stream);
        while let Ok(Some(line)) = next_line(&mut stream) {
            if sender.send(line).is_err() {
                return;
            }
        }
    });
    receiver
}

fn next_line(stream: &mut impl BufRead) -> io::Result<Option<Vec<u8>>> {
    let mut line = Vec::new();
    let length = stream.read_until(b'\n', &mut line)?;
    Ok((length > 0).then_some(line))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shell(script: &str) -> (ExitStatus, Totals, String) {
        let mut command = Command::new("sh");
        command.args(["-c", script]);
        let mut out = Vec::new();
        let (status, totals) = run(command, &mut out).expect("sh runs");
        (status, totals, String::from_utf8_lossy(&out).into_owned())
    }

    #[test]
    fn output_passes_through_unchanged_and_is_counted() {
        let script = "printf 'a\\n\\ntest result: ok. 2 passed; 0 failed; 0 ignored; 0 measured\\nend'; exit 3";
        let (status, totals, out) = shell(script);
        assert_eq!(status.code(), Some(3));
        assert_eq!(totals.passed, 2);
        assert_eq!(
            out,
            "a\n\ntest result: ok. 2 passed; 0 failed; 0 ignored; 0 measured\nend"
        );
    }

    #[test]
    fn a_process_left_behind_does_not_hold_the_run() {
        let began = Instant::now();
        let (status, _, out) = shell("echo started; sleep 30 2>/dev/null & exit 0");
        assert!(status.success());
        assert!(out.starts_with("started\nwarning: "));
        assert!(began.elapsed() < Duration::from_secs(20));
    }

    #[test]
    fn a_program_that_is_missing_is_named() {
        let error = run(Command::new("no-such-runner"), &mut Vec::new()).expect_err("not there");
        assert!(error.to_string().contains("no-such-runner"));
    }
}
