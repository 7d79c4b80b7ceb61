//! `cargo xtask upgrade`: a rolling upgrade of a real cluster under traffic, and what its clients saw.

use std::convert::Infallible;
use std::os::unix::process::CommandExt;
use std::process::{Command, ExitCode};

use anyhow::{Context, Result};
use clap::Args;

use crate::cluster::Balance;
use crate::revision::{self, Built};
use crate::tools::{self, Tool};
use crate::workspace::{build_with_gateway, run_built};
use crate::{packages, step};

/// What drives two browsers.
const BROWSER_TESTS: &str = "e2e";

/// Whose program does it.
const PACKAGE: &str = "switchboard-upgrade";

const EXAMPLES: &str = "\
Examples:
  cargo xtask upgrade --release                 three minutes after the build
  cargo xtask upgrade --release --from v0.2.0   from that revision to this one, and back again
  cargo xtask upgrade --balance random --gateways 5
  cargo xtask upgrade --without-browsers --pairs 20 --drain-window 3

A cluster of its own is started behind a real haproxy with the file in deploy/haproxy, 100 pairs
of clients send each other numbered signals through it, two people are in a call in real
browsers. Then its gateways are replaced as the chart's Deployment does it: start a new one,
wait until it is ready, SIGTERM to an old one, wait until its clients have moved, next. First
behind leastconn, then behind random.

Prints what the clients saw, and draws what the gateways' metrics said meanwhile into
target/upgrade/. Fails where a signal was lost, repeated, out of order or undelivered, where
somebody was seen away or listed without name and state, where the pictures of the call stopped,
or where clients moved more often than they should: 1.1 times on average with leastconn;
(1+1/N)^N-1 times with random and N gateways, and a margin for how many clients there are.

--from builds the revision in a git worktree below target/, with a target directory of its own;
both are kept and used again.";

/// Replace the gateways of a cluster one by one under traffic, and ask its clients what they saw.
#[derive(Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Options {
    /// Begin with the gateway of this git revision, upgrade to the present one, and go back again.
    #[arg(long, value_name = "REVISION")]
    from: Option<String>,
    /// Only this way of choosing a gateway for a connection. Default: one after the other.
    #[arg(long, value_enum, value_name = "HOW")]
    balance: Option<Balance>,
    /// How many gateways. Default: 3.
    #[arg(long, value_name = "N")]
    gateways: Option<u8>,
    /// Pairs of clients. Default: 100.
    #[arg(long, value_name = "N")]
    pairs: Option<u16>,
    /// Between two signals of a client, milliseconds. Default: 250.
    #[arg(long, value_name = "MS")]
    pace: Option<u64>,
    /// Over how long a gateway sends its clients on, seconds. Default: 8; deployed are 30.
    #[arg(long, value_name = "S")]
    drain_window: Option<u64>,
    /// Without the call in two browsers.
    #[arg(long)]
    without_browsers: bool,
    /// Build with optimisation, as gateways are deployed.
    #[arg(long)]
    release: bool,
}

/// Builds, and becomes the program that does it.
pub(crate) fn run(options: &Options) -> ExitCode {
    let Err(error) = become_the_upgrade(options);
    eprintln!("{error:#}");
    ExitCode::FAILURE
}

/// In the place of this process: Ctrl-C reaches it alone.
fn become_the_upgrade(options: &Options) -> Result<Infallible> {
    tools::require(&tools_for(options))?;
    if !options.without_browsers {
        packages::install(BROWSER_TESTS)?;
    }
    let from = options.from.as_deref();
    let from = from.map(|revision| revision::build(revision, options.release));
    let from = from.transpose()?;
    step::succeed(build_with_gateway(PACKAGE, options.release))?;
    Err(upgrade(options, from)?.exec()).context("cargo cannot be started")
}

fn tools_for(options: &Options) -> Vec<&'static Tool> {
    let mut needed = vec![&tools::REDIS, &tools::HAPROXY];
    if !options.without_browsers {
        needed.extend([&tools::NODE, &tools::NPM, &tools::CHROMIUM]);
    }
    needed
}

fn upgrade(options: &Options, from: Option<Built>) -> Result<Command> {
    let mut upgrade = run_built(PACKAGE, options.release);
    if let Some(Built { name, binary }) = from {
        upgrade
            .arg("--from")
            .arg(binary)
            .args(["--from-name", &name]);
    }
    if let Some(balance) = options.balance {
        upgrade.args(["--balance", balance.word()]);
    }
    let numbers = [
        ("--gateways", options.gateways.map(u64::from)),
        ("--pairs", options.pairs.map(u64::from)),
        ("--pace", options.pace),
        ("--drain-window", options.drain_window),
    ];
    for (name, number) in numbers {
        if let Some(number) = number {
            upgrade.args([name, &number.to_string()]);
        }
    }
    if !options.without_browsers {
        let programs = [("--node", &tools::NODE), ("--chromium", &tools::CHROMIUM)];
        for (name, tool) in programs {
            let path = tool
                .path()
                .with_context(|| format!("{} has gone", tool.name))?;
            upgrade.arg(name).arg(path);
        }
    }
    Ok(upgrade)
}
