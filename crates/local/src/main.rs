//! `cargo xtask cluster`: a cluster on this machine, until Ctrl-C.

mod cluster;
mod folder;
mod stop;

use std::env;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context, Result};
use clap::Parser;
use signal_hook::consts::{SIGHUP, TERM_SIGNALS};
use signal_hook::iterator::Signals;
use switchboard_local::{Balance, keep_terminal_signals_from_programs};

use cluster::Cluster;

/// Time between two checks of what runs.
const LOOK_EVERY: Duration = Duration::from_millis(100);

/// Gateways behind haproxy, a Redis and Prometheus on this machine.
#[derive(Parser)]
#[command(name = "switchboard-local")]
pub(crate) struct Cli {
    /// How many gateways.
    #[arg(long, value_name = "N", default_value_t = 3, value_parser = clap::value_parser!(u8).range(1..=20))]
    gateways: u8,
    /// How haproxy chooses a gateway for a connection.
    #[arg(long, value_enum, default_value = "leastconn")]
    balance: Balance,
    /// The port of the page and of clients. Default: a free one.
    #[arg(long, value_name = "PORT")]
    port: Option<u16>,
    /// A setting of all gateways, as `drain.window_ms=5000`; may be given several times.
    #[arg(long, value_name = "KEY=VALUE")]
    set: Vec<String>,
    /// Where logs and configuration files go, and what Prometheus keeps. Emptied of an earlier cluster; one with other
    /// things in it is refused.
    #[arg(long, value_name = "FOLDER", default_value = "target/cluster")]
    folder: PathBuf,
    /// The gateway's program. Default: beside this one.
    #[arg(long, value_name = "FILE")]
    gateway: Option<PathBuf>,
}

fn main() -> ExitCode {
    match run(&Cli::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(cli: &Cli) -> Result<()> {
    // From the start: a Ctrl-C while programs start must leave none of them behind.
    let signals = TERM_SIGNALS.iter().chain(&[SIGHUP]);
    let mut signals = Signals::new(signals).context("signals cannot be caught")?;
    keep_terminal_signals_from_programs();
    let binary = cli.gateway.clone().map_or_else(beside_this, Ok)?;
    let Some(mut cluster) = Cluster::start(cli, &binary, || signals.pending().next().is_some())?
    else {
        return Ok(());
    };
    print!("{cluster}");
    while signals.pending().next().is_none() {
        cluster.tell_who_ended();
        std::thread::sleep(LOOK_EVERY);
    }
    stop::stop(cluster, || signals.pending().next().is_some());
    Ok(())
}

fn beside_this() -> Result<PathBuf> {
    let this = env::current_exe().context("cannot tell where this program lies")?;
    Ok(this.with_file_name(format!("switchboard{}", env::consts::EXE_SUFFIX)))
}
