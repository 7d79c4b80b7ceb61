//! A real haproxy in front of one server, which tells it which client it connects for.

use std::net::SocketAddr;
use std::process::Command;
use std::{env, fs};

use switchboard_local::{Program, free_port};
use tempfile::TempDir;

/// How haproxy tells the server who the client is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tells {
    /// By PROXY protocol, version 1.
    ProxyV1,
    /// By PROXY protocol, version 2.
    ProxyV2,
    /// It adds the client's address to `X-Forwarded-For`.
    ForwardedFor,
}

impl Tells {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::ProxyV1, Self::ProxyV2, Self::ForwardedFor];
}

/// haproxy on a port of the loopback address. It connects from [`HaproxyFront::SOURCE`], so that it can be trusted and a
/// client at 127.0.0.1 not. Killed when dropped.
pub struct HaproxyFront {
    address: SocketAddr,
    _program: Program,
    _directory: TempDir,
}

impl HaproxyFront {
    /// Where it connects from.
    pub const SOURCE: &str = "127.0.0.9";

    /// Starts it in front of what listens at `server`, and waits until it takes connections.
    pub fn start(server: SocketAddr, tells: Tells) -> Self {
        let address = free_port().expect("a free port");
        let (mode, said) = match tells {
            Tells::ProxyV1 => ("mode tcp", "send-proxy"),
            Tells::ProxyV2 => ("mode tcp", "send-proxy-v2"),
            Tells::ForwardedFor => ("mode http\n    option forwardfor", ""),
        };
        let source = Self::SOURCE;
        let config = format!(
            "defaults\n    {mode}\n    timeout connect 5s\n    timeout client 60s\n    timeout server 60s\n    \
             timeout tunnel 60s\nfrontend clients\n    bind {address}\n    default_backend gateway\n\
             backend gateway\n    server gateway {server} source {source} {said}\n"
        );
        let directory = tempfile::tempdir().expect("a directory");
        let file = directory.path().join("haproxy.cfg");
        fs::write(&file, config).expect("a file can be written");
        let mut command = Command::new("haproxy");
        // Debian installs it in a folder that is only in root's `PATH`.
        let path = env::var("PATH").unwrap_or_default();
        command.env("PATH", format!("{path}:/usr/sbin"));
        command.arg("-db").arg("-f").arg(&file);
        let program = Program::start("haproxy", command, directory.path());
        let mut program = program.unwrap_or_else(|error| panic!("{error:#}"));
        let listens = || std::net::TcpStream::connect(address).is_ok();
        let started = program.wait_until("listening", listens);
        started.unwrap_or_else(|error| panic!("{error:#}"));
        Self {
            address,
            _program: program,
            _directory: directory,
        }
    }

    /// Where clients connect.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// `ws://127.0.0.1:<port>`.
    pub fn url(&self) -> String {
        format!("ws://{}", self.address)
    }
}
