//! Runs seeds on all cores and says what they found. `cargo xtask simulate` builds this and calls it.

use std::process::ExitCode;

use anyhow::{Result, bail};
use clap::Parser;
use switchboard_cluster::sabotage::Guard;
use switchboard_simulation::sweep::{self, Found};

const EXAMPLES: &str = "\
Examples:
  cargo xtask simulate --seeds 10000           as many runs, each with faults of its own
  cargo xtask simulate --seed 4711             one of them again, with all that happened
  cargo xtask simulate --seeds 2000 --without high-water
                                               how many runs notice that a guard is missing
  cargo xtask simulate --seeds 500 --guards    the same for every guard, as a table";

/// Runs whole clusters with their clients against a clock that jumps, and judges what happened.
#[derive(Parser)]
#[command(name = "simulate", bin_name = "cargo xtask simulate", after_help = EXAMPLES)]
struct Cli {
    /// How many seeds.
    #[arg(long, value_name = "N", default_value_t = 1000)]
    seeds: u64,
    /// The first of them.
    #[arg(long, value_name = "S", default_value_t = 1)]
    from: u64,
    /// This seed alone, with its whole trace.
    #[arg(long, value_name = "S", conflicts_with = "guards")]
    seed: Option<u64>,
    /// Take this guard out: runs should fail.
    #[arg(long, value_name = "GUARD", value_parser = guard)]
    without: Option<Guard>,
    /// Take out one guard after another.
    #[arg(long, conflicts_with = "without")]
    guards: bool,
}

fn main() -> Result<ExitCode> {
    let cli = Cli::parse();
    if let Some(seed) = cli.seed {
        return Ok(replay(seed, cli.without));
    }
    let seeds = cli.from..cli.from.saturating_add(cli.seeds);
    if cli.guards {
        return table(seeds);
    }
    let found = sweep::sweep(seeds, cli.without);
    match cli.without {
        Some(guard) => {
            println!("without {}: {}", guard.name(), found.in_words());
            Ok(ExitCode::SUCCESS)
        }
        None => Ok(report(&found)),
    }
}

/// One seed, with everything that happened.
fn replay(seed: u64, without: Option<Guard>) -> ExitCode {
    let outcome = sweep::run_without(seed, without);
    println!("{}", outcome.trace);
    println!();
    if outcome.violations.is_empty() {
        println!("seed {seed}: nothing went wrong");
        return ExitCode::SUCCESS;
    }
    for violation in &outcome.violations {
        println!("seed {seed}: {violation}");
    }
    ExitCode::FAILURE
}

fn report(found: &Found) -> ExitCode {
    println!("{}", found.in_words());
    let Some(first) = found.failures.first() else {
        return ExitCode::SUCCESS;
    };
    println!();
    println!("{}", first.told);
    println!();
    println!(
        "again, with everything: cargo xtask simulate --seed {}",
        first.seed
    );
    ExitCode::FAILURE
}

/// For each guard, how many seeds notice that it is missing.
fn table(seeds: std::ops::Range<u64>) -> Result<ExitCode> {
    let mut unnoticed = Vec::new();
    let mut rows = Vec::new();
    for guard in Guard::ALL {
        let found = sweep::sweep(seeds.clone(), Some(guard));
        rows.push(format!(
            "| {} | {} of {} | {} |",
            guard.name(),
            found.failures.len(),
            found.seeds,
            found.by_invariant_in_words()
        ));
        if found.failures.is_empty() {
            unnoticed.push(guard.name());
        }
    }
    println!("| guard taken out | seeds that noticed | by which invariants |");
    println!("| --- | --- | --- |");
    for row in rows {
        println!("{row}");
    }
    if !unnoticed.is_empty() {
        bail!(
            "nobody noticed that these are missing: {}",
            unnoticed.join(", ")
        );
    }
    Ok(ExitCode::SUCCESS)
}

fn guard(name: &str) -> Result<Guard, String> {
    let mut known = Guard::ALL.into_iter();
    known.find(|guard| guard.name() == name).ok_or_else(|| {
        let names: Vec<_> = Guard::ALL.iter().map(|guard| guard.name()).collect();
        format!("the guards are: {}", names.join(", "))
    })
}
