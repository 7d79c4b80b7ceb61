//! nginx in front of the gateways, as `deploy/nginx/nginx.conf` has it.
//!
//! The gateways behind it change by a reload: the file is written again, new worker processes read it, and the old ones keep
//! the sockets that they have. Free nginx has no other way.

use std::fs;
use std::net::{SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use rustix::process::Signal;

use crate::haproxy::path_with_sbin;
use crate::repository::Template;
use crate::{Program, free_port};

const FILE: &str = "deploy/nginx/nginx.conf";
/// How the file names gateways.
const GATEWAY: &str = "server gateway-";
const ENDS_WITHIN: Duration = Duration::from_secs(10);

/// nginx, running.
pub struct Nginx {
    program: Program,
    public: SocketAddr,
    folder: PathBuf,
}

impl Nginx {
    /// Starts it in front of these gateways, and waits until it takes connections.
    ///
    /// # Errors
    ///
    /// It does not start, it has something to say about the repository's file, or that is not as expected.
    pub fn start(gateways: &[SocketAddr], folder: &Path) -> Result<Self> {
        let public = free_port()?;
        let folder = folder.join("nginx");
        fs::create_dir(&folder)?;
        write(gateways, public, &folder)?;
        check(&folder)?;
        let mut program = Program::start("nginx", command(&folder)?, &folder)?;
        program.wait_until("listening", || TcpStream::connect(public).is_ok())?;
        Ok(Self {
            program,
            public,
            folder,
        })
    }

    /// Where clients connect.
    pub fn public(&self) -> SocketAddr {
        self.public
    }

    /// From now on these are the gateways. Waits until a new worker takes connections and the old ones take none.
    ///
    /// # Errors
    ///
    /// It does not take the new file.
    pub fn reload(&mut self, gateways: &[SocketAddr]) -> Result<()> {
        let (pid, before) = (self.program.pid(), self.workers().0);
        write(gateways, self.public, &self.folder)?;
        self.program.signal(Signal::HUP);
        self.program.wait_until("reloaded", || {
            let now = workers(pid).0;
            !now.is_empty() && now.iter().all(|worker| !before.contains(worker))
        })
    }

    /// Workers that take connections, and those that only keep the sockets that they have.
    pub fn workers(&self) -> (Vec<u32>, Vec<u32>) {
        workers(self.program.pid())
    }

    /// What became of each connection that has ended: the statuses of the gateways that were tried, and that of the client.
    ///
    /// # Errors
    ///
    /// nginx wrote none.
    pub fn ended(&self) -> Result<Vec<(String, String)>> {
        let log = fs::read_to_string(self.folder.join("ended.log"))?;
        let line = |line: &str| {
            let (tried, told) = line.split_once(" -> ")?;
            Some((tried.to_owned(), told.to_owned()))
        };
        Ok(log.lines().filter_map(line).collect())
    }
}

/// Its workers would outlive it if it was killed.
impl Drop for Nginx {
    fn drop(&mut self) {
        self.program.terminate();
        let _ = self.program.wait(ENDS_WITHIN);
    }
}

/// The file as nginx is to read it here.
fn render(gateways: &[SocketAddr], public: SocketAddr, folder: &Path) -> Result<Template> {
    let mut file = Template::read(FILE)?;
    file.replace("listen ", &[format!("listen {public};")])?;
    let first = file.first(GATEWAY)?;
    let (_, options) = first
        .split_once(":8080")
        .context("a gateway without a port")?;
    let servers: Vec<_> = gateways
        .iter()
        .map(|gateway| format!("server {gateway}{options}"))
        .collect();
    file.replace(GATEWAY, &servers)?;
    // More than this process may open.
    file.replace_piece("worker_connections 65536", "worker_connections 4096")?;
    let here = folder.display();
    file.add_after(
        "worker_shutdown_timeout 2h;",
        &["daemon off;".into(), format!("pid {here}/pid;")],
    )?;
    let mut inside = vec![
        "    log_format ended '$upstream_status -> $status';".into(),
        format!("    access_log {here}/ended.log ended;"),
    ];
    for what in ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"] {
        inside.push(format!("    {what}_temp_path {here}/{what};"));
    }
    file.add_after("http {", &inside)?;
    Ok(file)
}

fn write(gateways: &[SocketAddr], public: SocketAddr, folder: &Path) -> Result<()> {
    render(gateways, public, folder)?.write(&folder.join("nginx.conf"))
}

/// As `nginx -t` judges the file: not even a warning.
fn check(folder: &Path) -> Result<()> {
    let output = command(folder)?.arg("-t").output();
    let output = output.context("nginx is not there")?;
    let said = String::from_utf8_lossy(&output.stderr);
    let is_well = output.status.success() && !said.contains("[warn]");
    ensure!(is_well, "nginx -t: {said}");
    Ok(())
}

fn command(folder: &Path) -> Result<Command> {
    let mut command = Command::new("nginx");
    command
        .arg("-e")
        .arg("stderr")
        .arg("-p")
        .arg(folder)
        .arg("-c")
        .arg(folder.join("nginx.conf"));
    command.env("PATH", path_with_sbin()?);
    Ok(command)
}

/// Children of the master, by what they call themselves.
fn workers(master: u32) -> (Vec<u32>, Vec<u32>) {
    let children = fs::read_to_string(format!("/proc/{master}/task/{master}/children"));
    let children = children.unwrap_or_default();
    let pids = children
        .split_whitespace()
        .filter_map(|pid| pid.parse().ok());
    let title = |pid: u32| fs::read_to_string(format!("/proc/{pid}/cmdline")).unwrap_or_default();
    pids.partition(|pid| !title(*pid).contains("shutting down"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_that_is_of_another_machine_is_replaced() {
        let address = |port| SocketAddr::from(([127, 0, 0, 1], port));
        let gateways = [address(1001), address(1002)];
        let file = render(&gateways, address(1003), Path::new("/x"));
        let text = file.expect("the repository's file is as expected").text();
        for line in [
            "server 127.0.0.1:1001 max_fails=1 fail_timeout=5s;",
            "server 127.0.0.1:1002 max_fails=1 fail_timeout=5s;",
            "listen 127.0.0.1:1003;",
            "pid /x/pid;",
        ] {
            assert!(text.lines().any(|it| it.trim() == line), "{line}\n{text}");
        }
        for piece in ["gateway-", ":8080"] {
            assert!(!text.contains(piece), "{piece}\n{text}");
        }
    }
}
