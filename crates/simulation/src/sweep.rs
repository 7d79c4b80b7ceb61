//! Many seeds on all cores: each thread runs one cluster at a time.

use std::collections::BTreeMap;
use std::ops::Range;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};
use parking_lot::Mutex;
use switchboard_cluster::sabotage::{self, Guard};

use crate::run::{self, Outcome};

/// The end of a trace that is shown with a failure, events.
const TAIL: usize = 60;
/// Seeds that are named for each invariant, at most.
const SHOWN: usize = 100;

/// What many seeds found.
#[derive(Debug, Default)]
pub struct Found {
    /// How many ran.
    pub seeds: u64,
    /// Those that failed, by seed.
    pub failures: Vec<Failure>,
    /// How long it took.
    pub took: Duration,
    /// Things that happened, over all runs.
    pub events: u64,
}

/// A seed that failed.
#[derive(Debug)]
pub struct Failure {
    /// It.
    pub seed: u64,
    /// The invariants that it broke, each once.
    pub invariants: Vec<&'static str>,
    /// What went wrong, and the end of what happened.
    pub told: String,
}

/// Runs a seed with a guard taken out.
pub fn run_without(seed: u64, guard: Option<Guard>) -> Outcome {
    sabotage::take_out(guard);
    let outcome = run::run(seed);
    sabotage::take_out(None);
    outcome
}

/// Runs seeds and shows how far it is.
pub fn sweep(seeds: Range<u64>, without: Option<Guard>) -> Found {
    let started = Instant::now();
    let progress = progress(seeds.end - seeds.start, without);
    let next = AtomicU64::new(seeds.start);
    let found = Mutex::new(Found::default());
    thread::scope(|scope| {
        for _ in 0..thread::available_parallelism().map_or(1, usize::from) {
            scope.spawn(|| {
                loop {
                    let seed = next.fetch_add(1, Ordering::Relaxed);
                    if seed >= seeds.end {
                        return;
                    }
                    let (failure, events) = judge(seed, without);
                    let mut found = found.lock();
                    found.seeds += 1;
                    found.events += events;
                    found.failures.extend(failure);
                    progress.set_message(format!("{} failed", found.failures.len()));
                    progress.inc(1);
                }
            });
        }
    });
    progress.finish_and_clear();
    let mut found = found.into_inner();
    found.failures.sort_by_key(|failure| failure.seed);
    found.took = started.elapsed();
    found
}

fn judge(seed: u64, without: Option<Guard>) -> (Option<Failure>, u64) {
    let outcome = catch_unwind(AssertUnwindSafe(|| run_without(seed, without)));
    match outcome {
        Ok(outcome) => {
            let events = outcome.trace.len() as u64;
            (failure(&outcome), events)
        }
        Err(_) => {
            sabotage::take_out(None);
            let failure = Failure {
                seed,
                invariants: vec!["panic"],
                told: format!("seed {seed}: it panicked, see above"),
            };
            (Some(failure), 0)
        }
    }
}

fn failure(outcome: &Outcome) -> Option<Failure> {
    if outcome.violations.is_empty() {
        return None;
    }
    let mut invariants: Vec<_> = outcome
        .violations
        .iter()
        .map(|violation| violation.invariant)
        .collect();
    invariants.dedup();
    let mut told = outcome.trace.tail(TAIL);
    for violation in &outcome.violations {
        told.push_str(&format!("\nseed {}: {violation}", outcome.seed));
    }
    Some(Failure {
        seed: outcome.seed,
        invariants,
        told,
    })
}

fn progress(seeds: u64, without: Option<Guard>) -> ProgressBar {
    let style = ProgressStyle::with_template(
        "{prefix} {wide_bar} {pos}/{len} seeds, {msg}, {per_sec}, {eta} left",
    )
    .expect("the template is right");
    let prefix = without.map_or("simulating".into(), |guard| {
        format!("without {}", guard.name())
    });
    ProgressBar::new(seeds)
        .with_style(style)
        .with_prefix(prefix)
        .with_message("0 failed")
}

impl Found {
    /// For people.
    pub fn in_words(&self) -> String {
        let seconds = self.took.as_secs_f64();
        let summary = format!(
            "{} seeds in {seconds:.0} s ({:.0} a second, {} events): {} failed",
            self.seeds,
            self.seeds as f64 / seconds.max(0.001),
            self.events,
            self.failures.len()
        );
        if self.failures.is_empty() {
            return summary;
        }
        let mut words = summary;
        for (invariant, seeds) in self.by_invariant() {
            let first: Vec<_> = seeds.iter().take(SHOWN).map(u64::to_string).collect();
            let more = if seeds.len() > SHOWN { " …" } else { "" };
            words.push_str(&format!(
                "\n{invariant} {}: {}{more}",
                seeds.len(),
                first.join(" ")
            ));
        }
        words
    }

    /// How many seeds broke which invariant.
    pub fn by_invariant_in_words(&self) -> String {
        let words: Vec<_> = self
            .by_invariant()
            .into_iter()
            .map(|(invariant, seeds)| format!("{invariant} {}", seeds.len()))
            .collect();
        words.join(", ")
    }

    fn by_invariant(&self) -> BTreeMap<&str, Vec<u64>> {
        let mut seeds: BTreeMap<&str, Vec<u64>> = BTreeMap::new();
        for failure in &self.failures {
            for invariant in &failure.invariants {
                seeds.entry(invariant).or_default().push(failure.seed);
            }
        }
        seeds
    }
}
