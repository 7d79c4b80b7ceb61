//! One gateway process.

use std::fmt::Display;
use std::fs::{self, File};
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Resource, Rlimit, Signal, prlimit};
use switchboard_local::Program;
use tempfile::TempDir;

use crate::frozen::until_frozen;
use crate::listening::listening_on;

/// The name of its log.
const NAME: &str = "gateway";
/// A test does not wait longer than this.
const PATIENCE: Duration = Duration::from_secs(30);

/// A gateway of its own on a free port of the loopback address. Killed when dropped.
pub struct GatewayProcess {
    program: Program,
    address: SocketAddr,
    ops: SocketAddr,
    directory: TempDir,
}

impl GatewayProcess {
    /// Starts `binary` on a port that it chooses, and waits until it listens. Each setting is
    /// `key=value`, as for `--set`.
    pub fn start(binary: impl AsRef<Path>, settings: &[&str]) -> Self {
        Self::start_by(Command::new(binary.as_ref()), settings)
    }

    /// The same with limits on its open files, as `ulimit` sets them: the soft one, and the hard one.
    pub fn start_with_files(
        binary: impl AsRef<Path>,
        (soft, hard): (u32, u32),
        settings: &[&str],
    ) -> Self {
        let script = format!("ulimit -Sn {soft} && ulimit -Hn {hard} && exec \"$0\" \"$@\"");
        let mut command = Command::new("/bin/sh");
        command.args(["-c", &script]).arg(binary.as_ref());
        Self::start_by(command, settings)
    }

    /// The same with these environment variables; it has no others.
    pub fn start_with_environment(
        binary: impl AsRef<Path>,
        variables: &[(&str, &str)],
        settings: &[&str],
    ) -> Self {
        let variables = variables
            .iter()
            .map(|(name, value)| format!("{name}={value}"));
        let mut command = Command::new("/usr/bin/env");
        command.args(variables).arg(binary.as_ref());
        Self::start_by(command, settings)
    }

    fn start_by(command: Command, settings: &[&str]) -> Self {
        let directory = tempfile::tempdir().expect("a temporary directory can be made");
        let command = prepared(command, settings, &directory);
        let program = Program::start(NAME, command, directory.path());
        let log = log_of(&directory);
        // From its log, because the gateway chose the port.
        Self::listening(program, directory, |_| {
            let log = fs::read_to_string(&log).ok()?;
            let listen = said(&log, "listen")?;
            // v0.2.0 does not say it. Where `ops_listen` is not set, they are there too.
            Some([listen, said(&log, "ops_listen").unwrap_or(listen)])
        })
    }

    /// The same with another standard error, such as one end of a pipe: what goes there is not in [`log`](Self::log).
    pub fn start_logging_to(
        binary: impl AsRef<Path>,
        settings: &[&str],
        stderr: impl Into<Stdio>,
    ) -> Self {
        let directory = tempfile::tempdir().expect("a temporary directory can be made");
        let log = log_of(&directory);
        File::create(&log).expect("a log can be written");
        let mut command = prepared(Command::new(binary.as_ref()), settings, &directory);
        command.stdout(Stdio::null()).stderr(stderr);
        let program = Program::start_logging_to(NAME, command, log);
        Self::listening(program, directory, |pid| Some([listening_on(pid)?; 2]))
    }

    /// Waits until `find` returns the addresses at which the process with that id listens: clients', and that of the ops
    /// routes.
    fn listening<E: Display>(
        program: Result<Program, E>,
        directory: TempDir,
        find: impl Fn(u32) -> Option<[SocketAddr; 2]>,
    ) -> Self {
        let mut program = program.unwrap_or_else(|error| panic!("{error:#}"));
        let (pid, mut found) = (program.pid(), None);
        let started = program.wait_until("listening", || {
            found = find(pid);
            found.is_some()
        });
        match (started, found) {
            (Ok(()), Some([address, ops])) => Self {
                program,
                address,
                ops,
                directory,
            },
            (started, _) => panic!("the gateway does not start: {started:?}"),
        }
    }

    /// The same, and waits until it is ready.
    pub fn start_ready(binary: impl AsRef<Path>, settings: &[&str]) -> Self {
        let gateway = Self::start(binary, settings);
        gateway.wait_until("ready", |gateway| gateway.ops_get("/readyz").0 == 200);
        gateway
    }

    /// `ws://127.0.0.1:<port>`.
    pub fn url(&self) -> String {
        format!("ws://{}", self.address)
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Where its ops routes are: there too, unless `ops_listen` is set.
    pub fn ops_address(&self) -> SocketAddr {
        self.ops
    }

    /// Its process id.
    pub fn pid(&self) -> u32 {
        self.program.pid()
    }

    /// What it has logged, JSON lines.
    pub fn log(&self) -> String {
        fs::read_to_string(log_of(&self.directory)).expect("the log can be read")
    }

    /// Status and body of `GET path`.
    pub fn get(&self, path: &str) -> (u16, String) {
        self.request(&get(path, self.address))
    }

    /// The same of one of the ops routes.
    pub fn ops_get(&self, path: &str) -> (u16, String) {
        request(self.ops, &get(path, self.ops))
    }

    /// Sends a whole request as it is, and reads the answer to its end.
    pub fn request(&self, text: &str) -> (u16, String) {
        request(self.address, text)
    }

    /// The value of a metric line, as `switchboard_rooms` or `switchboard_closes_total{code="4413"}`; 0 if it is not
    /// there.
    pub fn metric(&self, name: &str) -> f64 {
        let (_, text) = self.ops_get("/metrics");
        let line = text
            .lines()
            .find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
        line.map_or(0.0, |value| {
            value.trim().parse().expect("a metric is a number")
        })
    }

    /// Waits until `condition` holds; panics with the log if it does not.
    pub fn wait_until(&self, what: &str, condition: impl Fn(&Self) -> bool) {
        let deadline = Instant::now() + PATIENCE;
        while !condition(self) {
            assert!(
                Instant::now() < deadline,
                "the gateway never was {what}:\n{}",
                self.log()
            );
            sleep(Duration::from_millis(20));
        }
    }

    /// Limits how many files it may have open from now on.
    pub fn limit_files(&self, files: u64) {
        let limit = Rlimit {
            current: Some(files),
            maximum: Some(files),
        };
        let pid = i32::try_from(self.pid()).ok().and_then(Pid::from_raw);
        prlimit(pid, Resource::Nofile, limit).expect("a child's limits can be lowered");
    }

    /// Ends it at once (SIGKILL).
    pub fn kill(&mut self) {
        self.program.kill();
    }

    /// Asks it to stop (SIGTERM).
    pub fn terminate(&self) {
        self.program.terminate();
    }

    /// Asks it to stop as Ctrl-C does (SIGINT).
    pub fn interrupt(&self) {
        self.program.signal(Signal::INT);
    }

    /// Hangs up (SIGHUP).
    pub fn hang_up(&self) {
        self.program.signal(Signal::HUP);
    }

    /// Freezes it (SIGSTOP), and waits until it is.
    pub fn pause(&self) {
        self.program.signal(Signal::STOP);
        until_frozen(self.pid());
    }

    /// Continues it (SIGCONT).
    pub fn resume(&self) {
        self.program.signal(Signal::CONT);
    }

    /// Waits until it has ended by itself.
    pub fn wait(&mut self) -> ExitStatus {
        let ended = self.program.wait(PATIENCE);
        ended.unwrap_or_else(|| panic!("the gateway does not end:\n{}", self.log()))
    }
}

/// With its arguments, in an empty environment.
fn prepared(mut command: Command, settings: &[&str], directory: &TempDir) -> Command {
    command
        .args(["--listen", "127.0.0.1:0", "--log-format", "json"])
        .args(settings.iter().flat_map(|setting| ["--set", setting]))
        .current_dir(directory.path())
        .env_clear();
    command
}

fn log_of(directory: &TempDir) -> PathBuf {
    directory.path().join(format!("{NAME}.log"))
}

fn get(path: &str, address: SocketAddr) -> String {
    format!("GET {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n")
}

/// Status and body of the answer at `address`.
fn request(address: SocketAddr, text: &str) -> (u16, String) {
    let mut stream = TcpStream::connect(address).expect("the gateway listens");
    stream
        .set_read_timeout(Some(PATIENCE))
        .expect("a time-out can be set");
    stream
        .write_all(text.as_bytes())
        .expect("the gateway reads");
    let mut answer = String::new();
    stream
        .read_to_string(&mut answer)
        .expect("the gateway answers in text");
    let status = answer
        .split_whitespace()
        .nth(1)
        .and_then(|status| status.parse().ok());
    let body = answer.split_once("\r\n\r\n").map_or("", |(_, body)| body);
    (
        status.unwrap_or_else(|| panic!("not HTTP: {answer}")),
        body.to_owned(),
    )
}

/// From the line that says where the demo page is.
fn said(log: &str, field: &str) -> Option<SocketAddr> {
    let (_, rest) = log.split_once(&format!("\"{field}\":\""))?;
    rest.split_once('"')?.0.parse().ok()
}
