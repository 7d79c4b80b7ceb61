//! `cargo xtask chaos`: every fault, or some, under traffic; one table.

use std::env;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context, Result};
use clap::{Parser, ValueEnum};
use switchboard_chaos::{Fault, Plan, complaints, run, table};

/// The default number of pairs while three gateways are restarted, and the time between two signals of a client then:
/// the pairs share the machine with the gateways.
const ROLLING_PAIRS: usize = 100;
const ROLLING_PACE: Duration = Duration::from_millis(500);

/// Break real gateways and a real Redis under steady traffic, and account for every signal.
#[derive(Parser)]
#[command(name = "switchboard-chaos")]
struct Cli {
    /// Only this one; may be given several times.
    #[arg(long, value_enum, value_name = "NAME")]
    fault: Vec<Fault>,
    /// Pairs of clients. Default: 10, and 100 for rolling-restart.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1000))]
    pairs: Option<u16>,
    /// Calm traffic before a fault and after it. Default: 5.
    #[arg(long, value_name = "S", value_parser = clap::value_parser!(u16).range(1..))]
    seconds: Option<u16>,
    /// The gateway's program. Default: beside this one.
    #[arg(long, value_name = "FILE")]
    gateway: Option<PathBuf>,
}

fn main() -> Result<ExitCode> {
    let cli = Cli::parse();
    let runtime = tokio::runtime::Runtime::new().context("no threads")?;
    runtime.block_on(run_all(&cli))
}

async fn run_all(cli: &Cli) -> Result<ExitCode> {
    let binary = match &cli.gateway {
        Some(binary) => binary.clone(),
        None => beside_this()?,
    };
    let chosen: Vec<_> = Fault::value_variants()
        .iter()
        .copied()
        .filter(|fault| cli.fault.is_empty() || cli.fault.contains(fault))
        .collect();
    let (mut runs, mut is_well) = (Vec::new(), true);
    for fault in chosen {
        eprintln!("{} …", fault.name());
        let account = run(fault, &plan(cli, fault, binary.clone())).await;
        let account = account.with_context(|| fault.name())?;
        for complaint in complaints(&account, fault) {
            is_well = false;
            eprintln!("{}: {complaint}", fault.name());
        }
        runs.push((fault, account));
    }
    print!("{}", table(&runs));
    Ok(if is_well {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

fn plan(cli: &Cli, fault: Fault, binary: PathBuf) -> Plan {
    let mut plan = Plan::new(binary);
    if fault == Fault::RollingRestart {
        plan.pairs = ROLLING_PAIRS;
        plan.pace = ROLLING_PACE;
    }
    if let Some(pairs) = cli.pairs {
        plan.pairs = pairs.into();
    }
    if let Some(seconds) = cli.seconds {
        plan.calm = Duration::from_secs(seconds.into());
    }
    plan
}

fn beside_this() -> Result<PathBuf> {
    let this = env::current_exe().context("cannot tell where this program lies")?;
    Ok(this.with_file_name(format!("switchboard{}", env::consts::EXE_SUFFIX)))
}
