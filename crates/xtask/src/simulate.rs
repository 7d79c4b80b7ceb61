//! `cargo xtask simulate`: whole clusters with their clients, by seeds. It builds the simulation with optimisation and
//! passes the arguments on. The simulation is a program of its own, so that nothing else is compiled with guards that
//! can be switched off.

use std::process::ExitCode;

use anyhow::{Context, Result};
use clap::Args;

use crate::workspace::cargo;

/// Simulate whole clusters with faults by seed, and judge what happened.
#[derive(Args)]
#[command(disable_help_flag = true)]
pub(crate) struct Options {
    /// As `cargo xtask simulate --help` explains them.
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    arguments: Vec<String>,
}

/// Runs it, and says how the program should exit.
pub(crate) fn run(options: &Options) -> ExitCode {
    match simulate(&options.arguments) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("{error:#}");
            ExitCode::FAILURE
        }
    }
}

fn simulate(arguments: &[String]) -> Result<bool> {
    let mut command = cargo([
        "run",
        "--quiet",
        "--release",
        "--package",
        "switchboard-simulation",
        "--features",
        "cli",
        "--bin",
        "simulate",
        "--",
    ]);
    let status = command
        .args(arguments)
        .status()
        .context("cargo cannot be started")?;
    Ok(status.success())
}
