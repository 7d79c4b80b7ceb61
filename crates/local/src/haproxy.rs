//! haproxy in front of the gateways, as `deploy/haproxy/haproxy.cfg` has it.
//!
//! The gateways behind it change while it runs. They are changed over its runtime API, in places kept for that, and not
//! by a reload: after a reload a new process balances that does not know the connections of the old one, so that
//! `leastconn` takes every gateway for empty.

mod config;
mod control;

use std::env;
use std::ffi::OsString;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::Result;
use tempfile::TempDir;

use crate::{Gateway, Program, free_port};

/// Which gateway gets the next connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Balance {
    /// The one that has the fewest.
    Leastconn,
    /// A random one, as with a balancer that does not count connections (kube-proxy).
    Random,
}

/// A place for a gateway.
#[derive(Debug, Clone)]
pub struct Slot {
    /// Its name in haproxy.
    pub name: String,
    /// Of the gateway that has it from the start.
    pub gateway: Option<(SocketAddr, SocketAddr)>,
}

impl Slot {
    /// One that a gateway has from the start.
    pub fn of(name: impl Into<String>, gateway: &Gateway) -> Self {
        Self {
            name: name.into(),
            gateway: Some((gateway.listen(), gateway.ops())),
        }
    }

    /// One for a gateway that comes later.
    pub fn free(name: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            gateway: None,
        }
    }
}

impl Balance {
    /// As people, and haproxy, call it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Leastconn => "leastconn",
            Self::Random => "random",
        }
    }
}

/// What haproxy is started with.
#[derive(Debug, Clone)]
pub struct HaproxyPlan {
    /// Where clients connect. `None`: at a free port.
    pub public: Option<SocketAddr>,
    /// How it chooses.
    pub balance: Balance,
    /// The time after which a new gateway gets its full share. `None`: as the file says.
    pub slowstart: Option<Duration>,
    /// Places for gateways.
    pub slots: Vec<Slot>,
}

/// haproxy, running.
pub struct Haproxy {
    program: Program,
    public: SocketAddr,
    stats: SocketAddr,
    slowstart: Duration,
    /// Holds the socket of the runtime API: a path below the repository may be too long for one.
    directory: TempDir,
}

impl Haproxy {
    /// Starts it, and waits until it takes connections and has found the gateways ready.
    ///
    /// # Errors
    ///
    /// It does not start, it never finds one of them ready, or the repository's file is not as expected.
    pub fn start(plan: &HaproxyPlan, folder: &Path) -> Result<Self> {
        let public = plan.public.map_or_else(free_port, Ok)?;
        let stats = free_port()?;
        let directory = tempfile::tempdir()?;
        let socket = directory.path().join("haproxy.sock");
        let file = folder.join("haproxy.cfg");
        config::render(plan, public, stats, &socket)?.write(&file)?;
        let mut command = Command::new("haproxy");
        command.arg("-db").arg("-f").arg(&file);
        command.env("PATH", path_with_sbin()?);
        let mut program = Program::start("haproxy", command, folder)?;
        program.wait_until("listening", || control::is_there(&socket))?;
        let mut haproxy = Self {
            program,
            public,
            stats,
            slowstart: plan.slowstart.unwrap_or(config::SLOWSTART),
            directory,
        };
        for slot in plan.slots.iter().filter(|slot| slot.gateway.is_some()) {
            haproxy.wait_until_up(&slot.name)?;
        }
        Ok(haproxy)
    }

    /// Where clients connect.
    pub fn public(&self) -> SocketAddr {
        self.public
    }

    /// Where its statistics page is.
    pub fn stats(&self) -> SocketAddr {
        self.stats
    }

    /// Puts a gateway, which should be ready, into a place that is free, and waits until haproxy has seen that it is
    /// ready.
    ///
    /// # Errors
    ///
    /// haproxy refuses, or never finds the gateway ready.
    pub fn add(&mut self, slot: &str, gateway: &Gateway) -> Result<()> {
        let (listen, ops) = (gateway.listen(), gateway.ops());
        for order in [
            format!("addr {} port {}", listen.ip(), listen.port()),
            format!("check-port {}", ops.port()),
            "state ready".into(),
        ] {
            self.order(slot, &order)?;
        }
        self.wait_until_up(slot)
    }

    /// Frees the place of a gateway that has ended.
    ///
    /// # Errors
    ///
    /// haproxy refuses.
    pub fn remove(&self, slot: &str) -> Result<()> {
        self.order(slot, "state maint")
    }

    /// Waits until haproxy has found the gateway in this place ready.
    ///
    /// # Errors
    ///
    /// It never does.
    fn wait_until_up(&mut self, slot: &str) -> Result<()> {
        let socket = self.socket();
        let what = format!("sure that {slot} is ready");
        self.program
            .wait_until(&what, || control::is_checked_up(&socket, slot))
    }

    /// Waits until the gateway in this place gets its full share: a new one gets little at first (`slowstart`).
    ///
    /// # Errors
    ///
    /// It never does.
    pub fn wait_until_started(&mut self, slot: &str) -> Result<()> {
        let (socket, slowstart) = (self.socket(), self.slowstart);
        let what = format!("done with the slow start of {slot}");
        // haproxy tells no weight below 1, but since when the gateway is up, in whole seconds.
        self.program.wait_until(&what, || {
            control::since_change(&socket, slot).is_some_and(|since| since > slowstart)
        })
    }

    /// The process, to be asked whether it has ended.
    pub fn program_mut(&mut self) -> &mut Program {
        &mut self.program
    }

    fn order(&self, slot: &str, order: &str) -> Result<()> {
        control::order(&self.socket(), slot, order)
    }

    fn socket(&self) -> PathBuf {
        self.directory.path().join("haproxy.sock")
    }
}

/// Debian installs haproxy in a folder that is only in root's `PATH`.
pub(crate) fn path_with_sbin() -> Result<OsString> {
    let path = env::var_os("PATH").unwrap_or_default();
    let folders = env::split_paths(&path).chain(["/usr/sbin".into()]);
    Ok(env::join_paths(folders)?)
}
