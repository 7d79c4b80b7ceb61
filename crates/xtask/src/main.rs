//! The project's own chores, as `cargo xtask …` (the alias is in `.cargo/config.toml`).
//!
//! Each chore is a module of its own: [`test`] is what CI runs, [`simulate`] runs whole clusters against a clock that
//! jumps, [`chaos`] breaks real ones under traffic, [`cluster`] starts one to play with, [`upgrade`] replaces the gateways of
//! one. What chores share lies beside them: [`step`] runs programs one after another and sums up, [`tools`] finds and installs
//! what the machine must have, [`dependencies`] judges what others wrote, [`packages`] and [`python`] keep what npm and pip
//! bring in step with lock files, [`revision`] builds what this was once, [`workspace`] knows where things are.

use std::process::ExitCode;

use clap::{Parser, Subcommand};

mod chaos;
mod cluster;
mod dependencies;
mod packages;
mod python;
mod revision;
mod simulate;
mod step;
mod test;
mod tools;
mod upgrade;
mod workspace;

/// The project's own chores.
#[derive(Parser)]
#[command(name = "xtask", bin_name = "cargo xtask")]
struct Cli {
    #[command(subcommand)]
    chore: Chore,
}

#[derive(Subcommand)]
enum Chore {
    Chaos(chaos::Options),
    Cluster(cluster::Options),
    Test(test::Options),
    Simulate(simulate::Options),
    Upgrade(upgrade::Options),
}

fn main() -> ExitCode {
    match Cli::parse().chore {
        Chore::Chaos(options) => chaos::run(&options),
        Chore::Cluster(options) => cluster::run(&options),
        Chore::Test(options) => test::run(&options),
        Chore::Simulate(options) => simulate::run(&options),
        Chore::Upgrade(options) => upgrade::run(&options),
    }
}
