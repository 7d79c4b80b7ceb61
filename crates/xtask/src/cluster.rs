//! `cargo xtask cluster`: what `docker-compose.yml` starts, without containers.

use std::convert::Infallible;
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context, Result};
use clap::{Args, ValueEnum};

use crate::workspace::{build_with_gateway, run_built};
use crate::{step, tools};

/// Whose program does it.
const PACKAGE: &str = "switchboard-local";

const EXAMPLES: &str = "\
Examples:
  cargo xtask cluster                       three gateways; the page's address is printed
  cargo xtask cluster --port 8080           the page at http://127.0.0.1:8080/#kitchen
  cargo xtask cluster --gateways 5 --balance random --release
  cargo xtask cluster --folder target/second   beside one that runs
  cargo xtask cluster --set drain.window_ms=5000 --set session.resume_window_ms=10000

It prints where everything is: the page, each gateway with its ops address and process id,
Redis, haproxy's table of who has how many connections, Prometheus with the alerts, the folder
of the logs. haproxy and Prometheus read deploy/haproxy/haproxy.cfg,
deploy/prometheus/prometheus.yml and helm/switchboard/files/rules.yml, with the addresses of
this machine put in.

Things to try, with a call open in two tabs:
  kill <pid>        a gateway drains: nobody notices
  kill -9 <pid>     it dies: the call goes on
  kill -STOP <pid>  it freezes, until kill -CONT <pid>

What ends is reported with its last lines, and the others go on. Ctrl-C stops everything:
gateways drain for 10 s at most, and a second Ctrl-C hurries them.";

/// Start gateways, Redis, haproxy and Prometheus on this machine, until Ctrl-C.
#[derive(Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Options {
    /// How many gateways. Default: 3.
    #[arg(long, value_name = "N")]
    gateways: Option<u8>,
    /// How haproxy chooses a gateway for a connection. Default: leastconn, as deployed.
    #[arg(long, value_enum, value_name = "HOW")]
    balance: Option<Balance>,
    /// The port of the page and of clients. Default: a free one.
    #[arg(long, value_name = "PORT")]
    port: Option<u16>,
    /// A setting of all gateways; may be given several times.
    #[arg(long, value_name = "KEY=VALUE")]
    set: Vec<String>,
    /// Where logs and configuration files go. Default: target/cluster.
    #[arg(long, value_name = "FOLDER")]
    folder: Option<PathBuf>,
    /// Build with optimisation, as gateways are deployed.
    #[arg(long)]
    release: bool,
}

/// How a gateway is chosen for a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Balance {
    /// the one that has the fewest
    Leastconn,
    /// any, as where nobody counts (kube-proxy)
    Random,
}

impl Balance {
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Leastconn => "leastconn",
            Self::Random => "random",
        }
    }
}

/// Builds, and becomes the program that runs the cluster.
pub(crate) fn run(options: &Options) -> ExitCode {
    let Err(error) = become_the_cluster(options);
    eprintln!("{error:#}");
    ExitCode::FAILURE
}

/// In the place of this process, so that Ctrl-C reaches it alone, and the prompt is not back before it has ended.
fn become_the_cluster(options: &Options) -> Result<Infallible> {
    tools::require(&[&tools::REDIS, &tools::HAPROXY, &tools::PROMETHEUS])?;
    step::succeed(build_with_gateway(PACKAGE, options.release))?;
    let mut command = run_built(PACKAGE, options.release);
    if let Some(gateways) = options.gateways {
        command.args(["--gateways", &gateways.to_string()]);
    }
    if let Some(balance) = options.balance {
        command.args(["--balance", balance.word()]);
    }
    if let Some(port) = options.port {
        command.args(["--port", &port.to_string()]);
    }
    if let Some(folder) = &options.folder {
        command.arg("--folder").arg(folder);
    }
    for setting in &options.set {
        command.args(["--set", setting]);
    }
    Err(command.exec()).context("cargo cannot be started")
}
