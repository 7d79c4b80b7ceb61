//! One Socket.IO server of `peers/socketio`.

use std::io::{BufRead, BufReader};
use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use anyhow::{Context, Result};

/// A Node process on a free port of the loopback address. Killed when dropped.
pub(crate) struct NodeServer {
    process: Child,
    address: SocketAddr,
}

impl NodeServer {
    /// Where its program and package list lie.
    pub(crate) fn folder() -> &'static Path {
        Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/peers/socketio"))
    }

    /// Starts one, and waits until it listens. What it complains of is shown.
    pub(crate) fn start(redis_url: &str) -> Result<Self> {
        let process = Command::new("node")
            .arg("server.js")
            .current_dir(Self::folder())
            .env("NODE_ENV", "production")
            .env("PORT", "0")
            .env("REDIS_URL", redis_url)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .context("node cannot be started")?;
        let nowhere = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        let mut server = Self {
            process,
            address: nowhere,
        };
        let port = server.port()?;
        server.address.set_port(port);
        Ok(server)
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    pub(crate) fn pid(&self) -> u32 {
        self.process.id()
    }

    /// From the one line that it prints.
    fn port(&mut self) -> Result<u16> {
        let stdout = self.process.stdout.take().context("stdout is read once")?;
        let mut line = String::new();
        BufReader::new(stdout).read_line(&mut line)?;
        let port = line.trim().strip_prefix("listening on ");
        port.and_then(|port| port.parse().ok())
            .with_context(|| format!("the Node server did not start; it says {line:?}"))
    }
}

impl Drop for NodeServer {
    fn drop(&mut self) {
        // Fails only for a process that has ended by itself, and then `wait` returns at once.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
