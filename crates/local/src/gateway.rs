//! One gateway, with its ops port.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result};

use crate::Program;
use crate::ports::free_ports;

/// A question to a gateway fails after this time.
const ANSWERS_WITHIN: Duration = Duration::from_secs(2);

/// What a gateway is started with.
#[derive(Debug, Clone)]
pub struct GatewayPlan {
    /// The program.
    pub binary: PathBuf,
    /// The readable part of its node's id, and of its log's name.
    pub name: String,
    /// The URL of its Redis.
    pub redis_url: String,
    /// `pretty` or `json`.
    pub log_format: &'static str,
    /// Each `key=value`, as for `--set`.
    pub settings: Vec<String>,
}

/// A gateway behind a balancer, on this machine.
pub struct Gateway {
    program: Program,
    listen: SocketAddr,
    ops: SocketAddr,
}

impl Gateway {
    /// Starts it, and waits until it takes clients.
    ///
    /// # Errors
    ///
    /// It cannot be started, or never gets ready.
    pub fn start(plan: &GatewayPlan, folder: &Path) -> Result<Self> {
        let [listen, ops] = free_ports()?;
        let mut command = Command::new(&plan.binary);
        command
            .env_clear()
            .args(["--listen", &listen.to_string()])
            .args(["--ops-listen", &ops.to_string()])
            .args(["--node-name", &plan.name, "--redis-url", &plan.redis_url])
            .args(["--log-format", plan.log_format])
            .args(plan.settings.iter().flat_map(|setting| ["--set", setting]));
        let mut program = Program::start(&plan.name, command, folder)?;
        program.wait_until("ready", || get(ops, "/readyz").is_ok())?;
        Ok(Self {
            program,
            listen,
            ops,
        })
    }

    /// Where clients connect.
    pub fn listen(&self) -> SocketAddr {
        self.listen
    }

    /// Where `/readyz` and `/metrics` are.
    pub fn ops(&self) -> SocketAddr {
        self.ops
    }

    /// What `/metrics` says now.
    ///
    /// # Errors
    ///
    /// It does not answer.
    pub fn metrics(ops: SocketAddr) -> Result<String> {
        get(ops, "/metrics")
    }

    /// The process.
    pub fn program(&self) -> &Program {
        &self.program
    }

    /// The process, to be asked whether it has ended.
    pub fn program_mut(&mut self) -> &mut Program {
        &mut self.program
    }
}

/// The body of an answer; one with another status than 2xx is an error.
fn get(address: SocketAddr, path: &str) -> Result<String> {
    let request = ureq::get(format!("http://{address}{path}"));
    let request = request
        .config()
        .timeout_global(Some(ANSWERS_WITHIN))
        .build();
    let mut answer = request.call()?;
    answer.body_mut().read_to_string().context("not text")
}
