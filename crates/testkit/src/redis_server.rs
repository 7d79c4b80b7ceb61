//! A Redis by itself.

use std::env;
use std::path::{Path, PathBuf};

use crate::buckets;
use crate::redis_process::{RedisProcess, Role};

/// A Redis of its own on a free port of the loopback address, without persistence, in a temporary directory. Killed when
/// dropped.
pub struct RedisServer(RedisProcess);

impl RedisServer {
    /// Starts one with the marks of a cluster that used it before: gateways are ready as soon as they reach it. Waits
    /// until it answers.
    pub fn start() -> Self {
        Self::start_with(&[])
    }

    /// The same with more command line arguments, as `["--requirepass", "secret"]`.
    pub fn start_with(arguments: &[&str]) -> Self {
        Self::marked(RedisProcess::start(Role::Server, arguments), arguments)
    }

    /// The same of another program: an older Redis, or a Valkey. See [`other_servers`](Self::other_servers).
    pub fn start_program(program: &Path) -> Self {
        Self::marked(RedisProcess::start_program(program, Role::Server, &[]), &[])
    }

    /// The programs that `SWITCHBOARD_TEST_REDIS_SERVERS` names, apart as in a `PATH`: tests that hold for the installed
    /// `redis-server` must hold for them too. None if it is not set.
    pub fn other_servers() -> Vec<PathBuf> {
        let named = env::var_os("SWITCHBOARD_TEST_REDIS_SERVERS").unwrap_or_default();
        let paths = env::split_paths(&named);
        paths.filter(|path| !path.as_os_str().is_empty()).collect()
    }

    fn marked(process: RedisProcess, arguments: &[&str]) -> Self {
        let server = Self(process);
        let mut words = arguments.iter();
        let password = words
            .find(|word| **word == "--requirepass")
            .and_then(|_| words.next());
        buckets::mark_all(|_| {
            let mut client = server.0.client();
            if let Some(password) = password {
                client.must(&["AUTH", password]);
            }
            client
        });
        server
    }

    /// Starts one without those marks: a gateway takes it for one that has lost its data.
    pub fn start_empty() -> Self {
        Self(RedisProcess::start(Role::Server, &[]))
    }

    /// Reserves a port for a server that is not there yet: see [`restart`](Self::restart).
    pub fn absent() -> Self {
        Self(RedisProcess::absent(Role::Server, &[]))
    }

    /// `redis://127.0.0.1:<port>`.
    pub fn url(&self) -> String {
        format!("redis://127.0.0.1:{}", self.port())
    }

    /// Where it listens.
    pub fn port(&self) -> u16 {
        self.0.port()
    }

    /// Where it writes files.
    pub fn directory(&self) -> &Path {
        self.0.directory()
    }

    /// Its process id.
    pub fn pid(&self) -> u32 {
        self.0.pid()
    }

    /// Ends the process at once (SIGKILL). Its data is lost.
    pub fn kill(&mut self) {
        self.0.kill();
    }

    /// Starts it (again) on the same port, empty unless it was started with persistence, and waits until it answers.
    pub fn restart(&mut self) {
        self.0.restart();
    }

    /// Freezes it (SIGSTOP): its connections stay open and nothing answers.
    pub fn pause(&self) {
        self.0.pause();
    }

    /// Continues it (SIGCONT).
    pub fn resume(&self) {
        self.0.resume();
    }

    /// What Redis answers to a command, as text.
    pub fn call(&self, words: &[&str]) -> String {
        self.0.client().must(words)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answers(server: &RedisServer) -> bool {
        server.0.client().call(&["PING"]) == "PONG"
    }

    #[test]
    fn a_server_can_be_killed_and_brought_back_on_its_port_without_its_memory() {
        let mut server = RedisServer::start();
        let port = server.port();
        assert_eq!(server.call(&["DBSIZE"]), "64");
        server.kill();
        assert!(!answers(&server));
        server.restart();
        assert!(answers(&server));
        assert_eq!(server.call(&["DBSIZE"]), "0");
        assert_eq!(server.port(), port);
    }

    #[test]
    fn a_frozen_server_is_silent_until_it_goes_on() {
        let server = RedisServer::start_empty();
        server.pause();
        assert!(!answers(&server));
        server.resume();
        assert!(answers(&server));
    }
}
