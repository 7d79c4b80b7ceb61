//! `cargo xtask upgrade`: a rolling upgrade under traffic, with each way of balancing; a table and pictures.

use std::env;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use clap::Parser;
use indicatif::{ProgressBar, ProgressStyle};
use switchboard_local::{Balance, keep_terminal_signals_from_programs};
use switchboard_upgrade::{
    BrowserPrograms, Build, DrainTimes, Plan, Upgrade, complaints, draw, run, table,
};
use tokio::runtime::Runtime;
use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;

/// What a balancer with checks every 500 ms needs to notice, and some.
const GRACE: Duration = Duration::from_secs(2);
const CALM: Duration = Duration::from_secs(5);
const TICK: Duration = Duration::from_millis(200);

/// Replace the gateways of a real cluster one by one under traffic, and ask its clients what they saw.
#[derive(Parser)]
#[command(name = "switchboard-upgrade")]
struct Cli {
    /// Only this way of choosing a gateway for a connection. Default: one after the other.
    #[arg(long, value_enum, value_name = "HOW")]
    balance: Option<Balance>,
    /// How many gateways.
    #[arg(long, value_name = "N", default_value_t = 3, value_parser = clap::value_parser!(u8).range(1..=20))]
    gateways: u8,
    /// Pairs of clients.
    #[arg(long, value_name = "N", default_value_t = 100, value_parser = clap::value_parser!(u16).range(1..=1000))]
    pairs: u16,
    /// Between two signals of a client, milliseconds.
    #[arg(long, value_name = "MS", default_value_t = 250, value_parser = clap::value_parser!(u64).range(10..))]
    pace: u64,
    /// Over how long a gateway sends its clients on, seconds.
    #[arg(long, value_name = "S", default_value_t = 8, value_parser = clap::value_parser!(u64).range(1..=600))]
    drain_window: u64,
    /// The gateway's program. Default: beside this one.
    #[arg(long, value_name = "FILE")]
    gateway: Option<PathBuf>,
    /// That of another revision, to begin with and to go back to.
    #[arg(long, value_name = "FILE", requires = "from_name")]
    from: Option<PathBuf>,
    /// What that revision is called.
    #[arg(long, value_name = "REVISION")]
    from_name: Option<String>,
    /// Node, to drive two browsers. Default: no browsers.
    #[arg(long, value_name = "FILE", requires = "chromium")]
    node: Option<PathBuf>,
    /// The browser.
    #[arg(long, value_name = "FILE", requires = "node")]
    chromium: Option<PathBuf>,
    /// Where logs and pictures go.
    #[arg(long, value_name = "FOLDER", default_value = "target/upgrade")]
    folder: PathBuf,
}

fn main() -> ExitCode {
    match run_all(&Cli::parse()) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("{error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run_all(cli: &Cli) -> Result<bool> {
    let builds = builds(cli)?;
    let balances = match cli.balance {
        Some(balance) => vec![balance],
        None => vec![Balance::Leastconn, Balance::Random],
    };
    let runtime = Runtime::new().context("no threads")?;
    let stop = stop_on_signals(&runtime)?;
    keep_terminal_signals_from_programs();
    let turns = balances.len() * (builds.len() - 1) * usize::from(cli.gateways);
    let progress = progress_bar(turns)?;
    let mut upgrades = Vec::new();
    for balance in balances {
        let plan = plan(cli, &builds, balance);
        progress.set_prefix(balance.name());
        let ran = runtime.block_on(run(&plan, &progress, &stop));
        upgrades.extend(ran.with_context(|| balance.name())?);
    }
    progress.finish_and_clear();
    conclude(&upgrades, &cli.folder)
}

/// Ctrl-C, SIGTERM and the end of the terminal end it soon, with all that it started.
fn stop_on_signals(runtime: &Runtime) -> Result<CancellationToken> {
    let stop = CancellationToken::new();
    let _in_runtime = runtime.enter();
    for kind in [
        SignalKind::interrupt(),
        SignalKind::terminate(),
        SignalKind::hangup(),
    ] {
        let mut caught = signal(kind).context("signals cannot be caught")?;
        let told = stop.clone();
        runtime.spawn(async move {
            caught.recv().await;
            told.cancel();
        });
    }
    Ok(stop)
}

fn builds(cli: &Cli) -> Result<Vec<Build>> {
    let present = Build {
        name: "present".into(),
        binary: cli.gateway.clone().map_or_else(beside_this, Ok)?,
    };
    let builds = match (&cli.from, &cli.from_name) {
        (Some(binary), Some(name)) => {
            let from = Build {
                name: name.clone(),
                binary: binary.clone(),
            };
            vec![from.clone(), present, from]
        }
        _ => vec![present.clone(), present],
    };
    for Build { binary, .. } in &builds {
        ensure!(binary.is_file(), "{} is not there", binary.display());
    }
    Ok(builds)
}

fn plan(cli: &Cli, builds: &[Build], balance: Balance) -> Plan {
    let browsers = cli.node.clone().zip(cli.chromium.clone());
    Plan {
        builds: builds.into(),
        gateways: cli.gateways.into(),
        balance,
        pairs: cli.pairs.into(),
        pace: Duration::from_millis(cli.pace),
        calm: CALM,
        drain: DrainTimes {
            grace: GRACE,
            window: Duration::from_secs(cli.drain_window),
        },
        browsers: browsers.map(|(node, chromium)| BrowserPrograms { node, chromium }),
        folder: cli.folder.join(balance.name()),
    }
}

/// Prints the table and what is wrong, draws the pictures; `false`: something is wrong.
fn conclude(upgrades: &[Upgrade], folder: &Path) -> Result<bool> {
    print!("{}", table(upgrades));
    let mut is_well = true;
    for upgrade in upgrades {
        let title = upgrade.title();
        let path = folder.join(format!("{}.svg", file_name(&title)));
        draw(upgrade, &path)?;
        println!("{title}: drawn in {}", path.display());
        for complaint in complaints(upgrade) {
            is_well = false;
            eprintln!("{title}: {complaint}");
        }
    }
    Ok(is_well)
}

/// A revision may be called `origin/main`.
fn file_name(title: &str) -> String {
    let is_kept = |c: char| c.is_ascii_alphanumeric() || c == '.';
    let words = title.split(|c| !is_kept(c)).filter(|word| !word.is_empty());
    words.collect::<Vec<_>>().join("-")
}

fn progress_bar(turns: usize) -> Result<ProgressBar> {
    let style = "[{elapsed_precise}] {bar:30} {pos}/{len} gateways replaced  {prefix}: {msg}";
    let style = ProgressStyle::with_template(style)?;
    let bar = ProgressBar::new(turns as u64).with_style(style);
    bar.enable_steady_tick(TICK);
    Ok(bar)
}

fn beside_this() -> Result<PathBuf> {
    let this = env::current_exe().context("cannot tell where this program lies")?;
    Ok(this.with_file_name(format!("switchboard{}", env::consts::EXE_SUFFIX)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pictures_have_names_that_are_no_paths() {
        let title = "leastconn, origin/main to present";
        assert_eq!(file_name(title), "leastconn-origin-main-to-present");
        assert_eq!(
            file_name("random, v0.2.0 to present"),
            "random-v0.2.0-to-present"
        );
    }
}
