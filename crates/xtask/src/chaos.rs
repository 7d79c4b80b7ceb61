//! `cargo xtask chaos`: real gateways and a real Redis, broken on purpose under steady traffic.

use std::process::ExitCode;

use clap::Args;

use crate::step::Run;
use crate::tools;
use crate::workspace::cargo;

/// Break gateways and Redis under steady traffic, and account for every signal.
#[derive(Args)]
pub(crate) struct Options {
    /// Build with optimisation, as gateways are deployed.
    #[arg(long)]
    release: bool,
    /// Handed on: --fault NAME, --pairs N, --seconds S. With -- --help it tells more.
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    arguments: Vec<String>,
}

/// Builds the gateway and what breaks it, and lets it.
pub(crate) fn run(options: &Options) -> ExitCode {
    let release = if options.release {
        &["--release"][..]
    } else {
        &[]
    };
    let mut run = Run::begin();
    let tools = run.step("Tools", &[], || tools::require(&[&tools::REDIS]));
    let mut build = cargo([
        "build",
        "--bin",
        "switchboard",
        "--bin",
        "switchboard-chaos",
    ]);
    build
        .args(["-p", "switchboard-gateway", "-p", "switchboard-chaos"])
        .args(release);
    let built = run.command("Build", &[tools], build);
    let mut chaos = cargo(["run", "--quiet", "-p", "switchboard-chaos"]);
    chaos.args(release).arg("--").args(&options.arguments);
    run.command("Chaos", &[built], chaos);
    run.finish()
}
