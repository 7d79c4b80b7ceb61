//! One run: the plan of a seed, carried out in one thread with a clock that jumps from event to event.

mod faults;
mod last;
mod settings;

use std::sync::Arc;

use switchboard_cluster::memory::Snapshot;
use tokio::time::{Duration, Instant, sleep, sleep_until};

use self::settings::{node_settings, session_rules, trace_rules};
use crate::client::Command;
use crate::client_task::{self, Handle, Wish};
use crate::foreign_client;
use crate::invariants::{self, Violation};
use crate::panics;
use crate::random::Random;
use crate::scenario::{Newcomer, Scenario, Step};
use crate::shipped_client;
use crate::speaks::Speaks;
use crate::trace::{Trace, What};
use crate::world::World;

/// Between two looks at what Redis could go back to.
const LOOK_EVERY: Duration = Duration::from_millis(250);
/// From the last fault until all must be at rest: a window that begins late, and waits for Redis, then a deadline, then some.
const QUIET: Duration = Duration::from_secs(90);

/// From the last fault until everybody says something once more; what is left of the quiet is less than a deadline.
const ROLL_CALL: Duration = Duration::from_secs(65);

/// What came of a run.
#[derive(Debug)]
pub struct Outcome {
    /// Of the run.
    pub seed: u64,
    /// All that happened.
    pub trace: Trace,
    /// What must not have.
    pub violations: Vec<Violation>,
}

/// Runs a seed.
pub fn run(seed: u64) -> Outcome {
    let trace = play(seed);
    let violations = invariants::check(&trace);
    Outcome {
        seed,
        trace,
        violations,
    }
}

/// Carries out the plan of a seed and writes down what happens.
pub fn play(seed: u64) -> Trace {
    panics::watch();
    // What gateways draw from it: numbers behind names, and MDN's ids.
    fastrand::seed(seed);
    in_one_thread(async { Run::new(seed).play().await })
}

pub(crate) fn in_one_thread<T>(run: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()
        .expect("a runtime of one thread, without sockets, can be had");
    runtime.block_on(run)
}

struct Run {
    seed: u64,
    scenario: Scenario,
    world: Arc<World>,
    clients: Vec<Option<Handle>>,
    snapshots: Vec<(Instant, Snapshot)>,
}

impl Run {
    fn new(seed: u64) -> Self {
        let scenario = Scenario::of(seed);
        let world = World::new(seed, node_settings(), session_rules(), scenario.badness);
        Self {
            seed,
            clients: scenario.clients.iter().map(|_| None).collect(),
            scenario,
            world,
            snapshots: Vec::new(),
        }
    }

    async fn play(mut self) -> Trace {
        let start = Instant::now();
        for _ in 0..self.scenario.nodes {
            self.world.start_node();
        }
        for (at, step) in std::mem::take(&mut self.scenario.steps) {
            self.wait_until(start + at).await;
            self.take(step);
        }
        self.wait_until(start + self.scenario.quiet_at).await;
        self.world.calm();
        if self.world.running().is_empty() {
            self.world.start_node();
        }
        sleep(ROLL_CALL).await;
        self.call_the_roll();
        sleep(QUIET - ROLL_CALL).await;
        let last = self.last().await;
        for panicked in panics::take() {
            self.world.recorder.note(What::Panicked(panicked));
        }
        self.world
            .recorder
            .clone()
            .finish(trace_rules(self.scenario.badness), last)
    }

    /// Everybody says something to everybody, when all should be well again.
    fn call_the_roll(&self) {
        for handle in self.clients.iter().flatten() {
            for room in handle.last().into_iter().flat_map(|client| client.wants) {
                let (to, bytes) = (None, 0);
                handle.wish(Wish::Command(Command::Signal { room, to, bytes }));
            }
        }
    }

    /// Waits, and looks now and then at what Redis has.
    async fn wait_until(&mut self, until: Instant) {
        loop {
            let look_at = self
                .snapshots
                .last()
                .map_or(Instant::now(), |(at, _)| *at + LOOK_EVERY);
            if until < look_at {
                return sleep_until(until).await;
            }
            sleep_until(look_at).await;
            self.snapshots
                .push((Instant::now(), self.world.redis.snapshot()));
            if self.snapshots.len() > 32 {
                self.snapshots.remove(0);
            }
        }
    }

    fn take(&mut self, step: Step) {
        match step {
            Step::Come(no) => {
                let random = Random::of(self.seed, &format!("client {no}"));
                let (world, clients) = (self.world.clone(), &self.scenario.clients);
                let Newcomer {
                    receipts,
                    speaks,
                    is_shipped,
                    ..
                } = clients[no];
                let handle = match speaks {
                    Speaks::Native if is_shipped => shipped_client::start(world, no, random),
                    Speaks::Native => client_task::start(world, no, random, receipts),
                    speaks => {
                        let all = clients.iter().map(|client| client.speaks).collect();
                        foreign_client::start(world, no, random, speaks, all)
                    }
                };
                self.clients[no] = Some(handle);
            }
            Step::Wish(no, wish) => self.wish(no, wish),
            Step::Fault(fault) => self.fault(fault),
        }
    }

    fn wish(&self, no: usize, wish: Wish) {
        if let Some(handle) = &self.clients[no] {
            handle.wish(wish);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::faults::later;
    use super::*;

    #[test]
    fn a_panic_in_any_task_of_a_run_is_judged() {
        for panics in [false, true] {
            panics::watch();
            let trace = in_one_thread(async {
                let run = Run::new(1);
                later(Duration::from_secs(1), move || {
                    assert!(!panics, "by a test")
                });
                run.play().await
            });
            let violations = invariants::check(&trace);
            let broken: Vec<_> = violations.iter().map(|broken| broken.invariant).collect();
            assert_eq!(broken, vec!["panics"; usize::from(panics)]);
        }
    }
}
