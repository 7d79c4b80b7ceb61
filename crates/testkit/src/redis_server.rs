//! One `redis-server` process.

use std::fs;
use std::io::ErrorKind;
use std::net::{Ipv4Addr, TcpListener};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;

/// A Redis starts in 20 ms; a loaded machine may take its time.
const START_TIMEOUT: Duration = Duration::from_secs(20);
/// Ports that another process may snatch between the choice and the start.
const ATTEMPTS: u32 = 10;

/// A Redis of its own on a free port of the loopback address, without persistence, in a temporary directory. Killed when
/// dropped.
pub struct RedisServer {
    port: u16,
    /// Beyond the ones every server gets.
    arguments: Vec<String>,
    directory: TempDir,
    process: Option<Child>,
}

impl RedisServer {
    /// Starts one, and waits until it answers.
    pub fn start() -> Self {
        Self::start_with(&[])
    }

    /// The same with more command line arguments, as `["--requirepass", "secret"]`.
    pub fn start_with(arguments: &[&str]) -> Self {
        for _ in 0..ATTEMPTS {
            let mut server = Self::absent_with(arguments);
            if server.try_launch() {
                return server;
            }
        }
        panic!("redis-server found no free port in {ATTEMPTS} attempts");
    }

    /// Reserves a port for a server that is not there yet: see [`restart`](Self::restart).
    pub fn absent() -> Self {
        Self::absent_with(&[])
    }

    fn absent_with(arguments: &[&str]) -> Self {
        Self {
            port: free_port(),
            arguments: arguments.iter().map(ToString::to_string).collect(),
            directory: tempfile::tempdir().expect("a temporary directory can be made"),
            process: None,
        }
    }

    /// `redis://127.0.0.1:<port>`.
    pub fn url(&self) -> String {
        format!("redis://127.0.0.1:{}", self.port)
    }

    /// Where it listens.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Its process id.
    pub fn pid(&self) -> u32 {
        self.process.as_ref().expect("the server runs").id()
    }

    /// Ends the process at once (SIGKILL). With it goes all that it held.
    pub fn kill(&mut self) {
        if let Some(mut process) = self.process.take() {
            // Fails only for a process that has ended by itself, and then `wait` returns at once.
            let _ = process.kill();
            process.wait().expect("a child can be waited for");
        }
    }

    /// Starts it (again) on the same port, empty, and waits until it answers.
    pub fn restart(&mut self) {
        self.kill();
        assert!(
            self.try_launch(),
            "redis-server does not start on port {}: something else is there",
            self.port
        );
    }

    /// Freezes it (SIGSTOP): its connections stay open and nothing answers.
    pub fn pause(&self) {
        self.signal(Signal::STOP);
    }

    /// Lets it go on (SIGCONT).
    pub fn resume(&self) {
        self.signal(Signal::CONT);
    }

    fn signal(&self, signal: Signal) {
        let process = self.process.as_ref().expect("the server runs");
        kill_process(Pid::from_child(process), signal).expect("a child can be sent a signal");
    }

    /// False: the process ended, as it does when its port is taken.
    fn try_launch(&mut self) -> bool {
        // Of an earlier start, if there was one.
        let _ = fs::remove_file(self.log());
        self.process = Some(self.spawn());
        let deadline = Instant::now() + START_TIMEOUT;
        while Instant::now() < deadline {
            let process = self.process.as_mut().expect("it was just started");
            if process.try_wait().expect("a child can be asked").is_some() {
                self.process = None;
                return false;
            }
            if self.is_ready() {
                return true;
            }
            sleep(Duration::from_millis(5));
        }
        panic!(
            "redis-server did not answer on port {} within {START_TIMEOUT:?}",
            self.port
        );
    }

    fn spawn(&self) -> Child {
        Command::new("redis-server")
            .args([
                "--port",
                &self.port.to_string(),
                "--bind",
                "127.0.0.1",
                "--save",
                "",
                "--appendonly",
                "no",
                "--logfile",
                "redis.log",
            ])
            .args(&self.arguments)
            .current_dir(self.directory.path())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap_or_else(|error| match error.kind() {
                ErrorKind::NotFound => {
                    panic!("this test needs redis-server in the PATH (apt install redis-server)")
                }
                _ => panic!("redis-server cannot be started: {error}"),
            })
    }

    fn log(&self) -> PathBuf {
        self.directory.path().join("redis.log")
    }

    /// As its own log says: another process that took the port would answer too.
    fn is_ready(&self) -> bool {
        fs::read_to_string(self.log()).is_ok_and(|log| log.contains("Ready to accept connections"))
    }
}

impl Drop for RedisServer {
    fn drop(&mut self) {
        self.kill();
    }
}

/// A port that was free a moment ago, as the operating system says.
fn free_port() -> u16 {
    let listener =
        TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("the operating system has a free port");
    listener
        .local_addr()
        .expect("a listener has an address")
        .port()
}

#[cfg(test)]
mod tests {
    use std::io::{Read, Write};
    use std::net::TcpStream;

    use super::*;

    fn answers(server: &RedisServer) -> bool {
        let Ok(mut stream) = TcpStream::connect((Ipv4Addr::LOCALHOST, server.port())) else {
            return false;
        };
        let mut answer = [0; 5];
        stream
            .set_read_timeout(Some(Duration::from_millis(500)))
            .expect("a time-out can be set");
        stream.write_all(b"PING\r\n").is_ok()
            && stream.read_exact(&mut answer).is_ok()
            && answer == *b"+PONG"
    }

    #[test]
    fn a_server_can_be_killed_and_brought_back_on_its_port() {
        let mut server = RedisServer::start();
        let port = server.port();
        server.kill();
        assert!(!answers(&server));
        server.restart();
        assert!(answers(&server));
        assert_eq!(server.port(), port);
    }

    #[test]
    fn a_frozen_server_is_silent_until_it_goes_on() {
        let server = RedisServer::start();
        server.pause();
        assert!(!answers(&server));
        server.resume();
        assert!(answers(&server));
    }
}
