//! What CI runs of the simulation: some seeds, and that a seed is the same run every time. Many more are for
//! `cargo xtask simulate`.

use std::ops::RangeInclusive;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;

use switchboard_simulation::{play, run};

/// As many as a minute allows where nothing is optimised.
const SEEDS: RangeInclusive<u64> = 1..=300;

#[test]
fn whatever_befalls_a_cluster_its_clients_are_told_the_truth() {
    let next = AtomicU64::new(*SEEDS.start());
    thread::scope(|scope| {
        for _ in 0..thread::available_parallelism().map_or(1, usize::from) {
            scope.spawn(|| {
                loop {
                    let seed = next.fetch_add(1, Ordering::Relaxed);
                    if !SEEDS.contains(&seed) {
                        return;
                    }
                    let outcome = run(seed);
                    let told: Vec<_> = outcome.violations.iter().map(ToString::to_string).collect();
                    assert!(
                        told.is_empty(),
                        "seed {seed}: {told:#?}; again with `cargo xtask simulate --seed {seed}`"
                    );
                }
            });
        }
    });
}

#[test]
fn a_seed_is_the_same_run_every_time() {
    for seed in [3, 17, 28, 61] {
        let (first, second) = (play(seed), play(seed));
        assert!(
            first == second,
            "seed {seed} was another run the second time"
        );
    }
}
