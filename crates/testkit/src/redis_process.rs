//! One process of Redis, whatever its role.

use std::fs;
use std::net::{Ipv4Addr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::Command;

use rustix::process::Signal;
use switchboard_local::Program;
use tempfile::TempDir;

use crate::frozen::until_frozen;
use crate::resp::Resp;
use crate::wait::until;

/// The default program.
const PROGRAM: &str = "redis-server";
/// Another process may take the port between the choice and the start.
const ATTEMPTS: u32 = 10;
/// The second port of a Redis Cluster's node, where it talks with the others, is so far above its first.
const CLUSTER_PORT_DISTANCE: u16 = 10_000;

/// The role of a process decides how it is started.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Role {
    Server,
    ClusterNode,
    Sentinel,
}

impl Role {
    /// The words in its log that mean that it answers.
    fn ready(self) -> &'static str {
        match self {
            Self::Server | Self::ClusterNode => "Ready to accept connections",
            Self::Sentinel => "Sentinel ID is",
        }
    }

    fn port(self) -> u16 {
        let port = match self {
            Self::Server | Self::Sentinel => Some(free_port()),
            Self::ClusterNode => (0..1000).map(|_| free_port()).find(|&port| {
                let second = port.checked_add(CLUSTER_PORT_DISTANCE);
                second.is_some_and(|port| TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_ok())
            }),
        };
        port.expect("of a thousand free ports one has a free companion")
    }
}

/// A process on a free port of the loopback address, without persistence unless asked for, in a temporary directory of
/// its own. Killed when dropped.
pub(crate) struct RedisProcess {
    role: Role,
    program: PathBuf,
    port: u16,
    /// In addition to those that every process of its role gets.
    arguments: Vec<String>,
    directory: TempDir,
    process: Option<Program>,
}

impl RedisProcess {
    /// Starts one, and waits until it answers.
    pub(crate) fn start(role: Role, arguments: &[&str]) -> Self {
        Self::start_program(Path::new(PROGRAM), role, arguments)
    }

    /// The same of another program.
    pub(crate) fn start_program(program: &Path, role: Role, arguments: &[&str]) -> Self {
        for _ in 0..ATTEMPTS {
            let mut process = Self::absent(role, arguments);
            process.program = program.into();
            if process.try_launch() {
                return process;
            }
        }
        panic!("redis-server found no free port in {ATTEMPTS} attempts");
    }

    /// Reserves a port for a process that is not started yet.
    pub(crate) fn absent(role: Role, arguments: &[&str]) -> Self {
        Self {
            role,
            program: PROGRAM.into(),
            port: role.port(),
            arguments: arguments.iter().map(ToString::to_string).collect(),
            directory: tempfile::tempdir().expect("a temporary directory can be made"),
            process: None,
        }
    }

    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    pub(crate) fn directory(&self) -> &Path {
        self.directory.path()
    }

    pub(crate) fn pid(&self) -> u32 {
        self.running().pid()
    }

    pub(crate) fn is_running(&self) -> bool {
        self.process.is_some()
    }

    /// A connection to it.
    pub(crate) fn client(&self) -> Resp {
        Resp::connect(self.port)
    }

    /// Waits until `replica` has everything that was written here so far, so that nothing is lost by chance with this
    /// process.
    pub(crate) fn wait_for(&self, replica: &Self) {
        let written = self.offset();
        until("the replica has everything", || replica.offset() >= written);
    }

    /// Bytes of replication that were written to it or reached it.
    fn offset(&self) -> u64 {
        let info = self.client().call(&["INFO", "replication"]);
        let offset = info
            .lines()
            .find_map(|line| line.strip_prefix("master_repl_offset:"));
        offset
            .and_then(|offset| offset.trim().parse().ok())
            .unwrap_or_default()
    }

    /// Ends it at once (SIGKILL).
    pub(crate) fn kill(&mut self) {
        self.process = None;
    }

    /// Starts it (again) on the same port, and waits until it answers.
    pub(crate) fn restart(&mut self) {
        self.kill();
        assert!(
            self.try_launch(),
            "redis-server does not start on port {}: something else is there",
            self.port
        );
    }

    /// Freezes it (SIGSTOP): its connections stay open and nothing answers.
    pub(crate) fn pause(&self) {
        self.signal(Signal::STOP);
        until_frozen(self.running().pid());
    }

    /// Continues it (SIGCONT).
    pub(crate) fn resume(&self) {
        self.signal(Signal::CONT);
    }

    fn signal(&self, signal: Signal) {
        self.running().signal(signal);
    }

    fn running(&self) -> &Program {
        self.process.as_ref().expect("the process runs")
    }

    /// False: the process ended, as it does when its port is taken.
    fn try_launch(&mut self) -> bool {
        let mut process = self.launch();
        let log = process.log().to_owned();
        // By its own log, because another process on the same port would answer too.
        let is_ready = || fs::read_to_string(&log).is_ok_and(|log| log.contains(self.role.ready()));
        match process.wait_until("ready", is_ready) {
            Ok(()) => self.process = Some(process),
            Err(_) if process.ended().is_some() => {}
            Err(error) => panic!("{error}"),
        }
        self.is_running()
    }

    fn launch(&self) -> Program {
        let mut command = Command::new(&self.program);
        match self.role {
            Role::Server => {}
            Role::ClusterNode => {
                command.args(["--cluster-enabled", "yes"]);
            }
            Role::Sentinel => {
                // A Sentinel writes what it learns into its file, so it has to have one.
                let file = self.directory.path().join("sentinel.conf");
                fs::write(&file, self.arguments.join("\n")).expect("a file can be written");
                command.arg(file).arg("--sentinel");
            }
        }
        command.args(["--port", &self.port.to_string(), "--bind", "127.0.0.1"]);
        if self.role != Role::Sentinel {
            command.args(["--save", "", "--appendonly", "no"]);
            command.args(&self.arguments);
        }
        let directory = self.directory.path();
        command.current_dir(directory);
        Program::start("redis", command, directory).unwrap_or_else(|error| {
            panic!("{error:#}; this test needs {PROGRAM} in the PATH (apt install redis-server)")
        })
    }
}

/// A port that the operating system says was free a moment ago.
fn free_port() -> u16 {
    let listener =
        TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("the operating system has a free port");
    listener
        .local_addr()
        .expect("a listener has an address")
        .port()
}
