//! `cargo xtask chaos`: real gateways and a real Redis, broken on purpose under steady traffic.

use std::process::{Command, ExitCode};

use clap::Args;

use crate::step::Run;
use crate::tools;
use crate::workspace::{build_with_gateway, run_built};

/// Whose program does it.
const PACKAGE: &str = "switchboard-chaos";

const EXAMPLES: &str = "\
Examples:
  cargo xtask chaos                               every fault, a few minutes
  cargo xtask chaos --fault gateway-killed        one of them
  cargo xtask chaos --fault none --fault redis-gone --pairs 50 --seconds 30
  cargo xtask chaos --release                     with gateways as they are deployed

Fails where a signal was lost, repeated or out of order, where a sender was told something untrue, or
where a client did not keep its session.";

/// Break gateways and Redis under steady traffic, and account for every signal.
#[derive(Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Options {
    /// Only this one; may be given several times. A wrong name is answered by all there are.
    #[arg(long, value_name = "NAME")]
    fault: Vec<String>,
    /// Pairs of clients. Default: 10, and 100 while three gateways are replaced in turn.
    #[arg(long, value_name = "N")]
    pairs: Option<u16>,
    /// Calm traffic before a fault and after it. Default: 5.
    #[arg(long, value_name = "S")]
    seconds: Option<u16>,
    /// Build with optimisation, as gateways are deployed.
    #[arg(long)]
    release: bool,
}

/// Builds the gateway and what breaks it, and lets it.
pub(crate) fn run(options: &Options) -> ExitCode {
    let mut run = Run::begin();
    let tools = run.step("Tools", &[], || tools::require(&[&tools::REDIS]));
    let built = run.command(
        "Build",
        &[tools],
        build_with_gateway(PACKAGE, options.release),
    );
    run.command("Chaos", &[built], chaos(options));
    run.finish()
}

fn chaos(options: &Options) -> Command {
    let mut chaos = run_built(PACKAGE, options.release);
    for fault in &options.fault {
        chaos.args(["--fault", fault]);
    }
    for (name, number) in [("--pairs", options.pairs), ("--seconds", options.seconds)] {
        if let Some(number) = number {
            chaos.arg(name).arg(number.to_string());
        }
    }
    chaos
}
