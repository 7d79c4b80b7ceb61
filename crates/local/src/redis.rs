//! The Redis of the cluster.

use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::process::Command;

use anyhow::Result;

use crate::{Program, free_port};

/// A Redis as `docs/operations.md` wants it, that keeps nothing.
pub struct Redis {
    program: Program,
    address: SocketAddr,
}

impl Redis {
    /// Starts it, and waits until it answers.
    ///
    /// # Errors
    ///
    /// It does not start.
    pub fn start(folder: &Path) -> Result<Self> {
        let address = free_port()?;
        let mut command = Command::new("redis-server");
        command
            .args(["--bind", "127.0.0.1", "--port", &address.port().to_string()])
            .args(["--save", "", "--appendonly", "no"])
            .args(["--maxmemory-policy", "noeviction"])
            .args(["--client-output-buffer-limit", "pubsub 512mb 128mb 60"])
            .current_dir(folder);
        let mut program = Program::start("redis", command, folder)?;
        program.wait_until("listening", || TcpStream::connect(address).is_ok())?;
        Ok(Self { program, address })
    }

    /// `redis://127.0.0.1:<port>`.
    pub fn url(&self) -> String {
        format!("redis://{}", self.address)
    }

    /// The process, to be asked whether it has ended.
    pub fn program_mut(&mut self) -> &mut Program {
        &mut self.program
    }
}
