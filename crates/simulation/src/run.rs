//! One run: the plan of a seed, carried out in one thread with a clock that jumps from event to event.

use std::collections::BTreeSet;
use std::sync::Arc;

use switchboard_cluster::memory::Snapshot;
use switchboard_cluster::node::Settings;
use switchboard_cluster::{Format, InFlightMax, NodeInfo};
use switchboard_protocol::PeerId;
use switchboard_protocol::limits::Limits;
use switchboard_session::Rules;
use switchboard_traces::Traces;
use tokio::time::{Duration, Instant, sleep, sleep_until};

use crate::client::Command;
use crate::client_task::{self, Handle, Wish};
use crate::foreign_client;
use crate::gateway::Gateway;
use crate::intruder;
use crate::invariants::{self, Violation};
use crate::panics;
use crate::path::Badness;
use crate::random::Random;
use crate::scenario::{Fault, Newcomer, Scenario, Step};
use crate::shipped_client;
use crate::speaks::Speaks;
use crate::trace::last::{LastNode, LastRoom, LastState};
use crate::trace::{self, Trace, Weather, What};
use crate::world::World;

const LEASE: Duration = Duration::from_secs(4);
const WINDOW: Duration = Duration::from_secs(20);
const DEADLINE: Duration = Duration::from_secs(35);
const HEARTBEAT: Duration = Duration::from_secs(4);
const HEARTBEAT_TIMEOUT: Duration = Duration::from_secs(10);
const IN_FLIGHT: u32 = 256;
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
        let world = World::new(seed, settings(), rules(), scenario.badness);
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

    fn fault(&mut self, fault: Fault) {
        let world = self.world.clone();
        match fault {
            Fault::CutClient(client) => world.cut_client(client),
            Fault::Kill(place, pause) => {
                let Some(node) = self.node(place) else { return };
                world.kill(&node);
                later(pause, move || drop(world.start_node()));
            }
            Fault::Freeze(place, pause) => {
                let Some(node) = self.node(place) else { return };
                world.freeze(&node);
                later(pause, move || world.thaw(&node));
            }
            Fault::Drain(place, window, deadline) => {
                let Some(node) = self.node(place) else { return };
                world.start_node();
                world.drain(node, window, deadline);
            }
            Fault::CutOff(place, pause) => {
                let Some(node) = self.node(place) else { return };
                world.cut_off(&node);
                later(pause, move || world.mend(&node));
            }
            Fault::Deafen(place, pause) => {
                let Some(node) = self.node(place) else { return };
                world.deafen(&node, true);
                later(pause, move || world.deafen(&node, false));
            }
            Fault::Hang(pause) => {
                world.redis.hang(true);
                world.recorder.weather(Weather::Hangs);
                later(pause, move || {
                    world.redis.hang(false);
                    world.recorder.weather(Weather::GoesOn);
                });
            }
            Fault::Restart(pause) => {
                self.down();
                later(pause, move || {
                    world.recorder.weather(Weather::Back);
                    world.redis.come_back();
                });
            }
            Fault::Lose(pause) => {
                self.down();
                world.redis.start_empty();
                world.recorder.weather(Weather::Forgot);
                later(pause, move || {
                    world.recorder.weather(Weather::Back);
                    world.redis.come_back();
                });
            }
            Fault::Forget => {
                world.redis.forget();
                world.recorder.weather(Weather::Forgot);
            }
            Fault::GoBack(ago) => self.go_back(ago),
            Fault::Intrude(client) => {
                if let Some(handle) = &self.clients[client] {
                    let (tickets, random) = (handle.tickets(), self.world.random.clone());
                    tokio::spawn(intruder::intrude(world, client, tickets, random));
                }
            }
        }
    }

    fn down(&self) {
        self.world.recorder.weather(Weather::Down);
        self.world.redis.go();
    }

    fn go_back(&mut self, ago: Duration) {
        let now = Instant::now();
        let then = self
            .snapshots
            .iter()
            .rev()
            .find(|(at, _)| now - *at >= ago)
            .map(|(at, snapshot)| (*at, snapshot.clone()));
        let Some((at, snapshot)) = then else { return };
        self.down();
        self.world.redis.restore(&snapshot);
        self.world.recorder.weather(Weather::WentBack(now - at));
        let world = self.world.clone();
        later(Duration::from_millis(200), move || {
            world.recorder.weather(Weather::Back);
            world.redis.come_back();
        });
    }

    fn node(&self, place: usize) -> Option<Arc<Gateway>> {
        let running = self.world.running();
        (!running.is_empty()).then(|| running[place % running.len()].clone())
    }

    /// Looks at everything, past all faults.
    async fn last(&self) -> LastState {
        let truth = self.world.redis.truth();
        let clients: Vec<_> = self
            .clients
            .iter()
            .flatten()
            .filter_map(Handle::last)
            .collect();
        let mut last = LastState {
            clients,
            ..LastState::default()
        };
        for gateway in self.world.gateways() {
            let id = gateway.node.id().clone();
            let enlisted = truth.directory.enlisted(&id).await.unwrap_or_default();
            if gateway.runs() {
                last.nodes.push(LastNode {
                    node: gateway.no,
                    id,
                    serves: gateway.is_ready(),
                    sessions: gateway.sessions(),
                    in_flight_bytes: gateway.node.in_flight_bytes(),
                    enlisted,
                });
            }
        }
        for room in &self.scenario.rooms {
            if let Ok(roster) = truth.directory.roster(room).await {
                let mut found = LastRoom {
                    revision: roster.revision,
                    members: roster.members,
                };
                for member in &mut found.members {
                    // The one clock here that shows the time of day.
                    member.joined_at = 0;
                }
                last.rooms.insert(room.clone(), found);
            }
        }
        for peer in self.every_peer() {
            if let Ok(Some(record)) = truth.directory.peer(&peer).await {
                last.peers.push(record);
            }
        }
        let leases = truth.leases.read().await.unwrap_or_default();
        last.leases = leases.into_iter().map(|lease| lease.node).collect();
        last
    }

    fn every_peer(&self) -> BTreeSet<PeerId> {
        self.world.recorder.look(|events| {
            let peers = events.iter().filter_map(|event| match &event.what {
                What::Welcomed { peer, .. } => Some(*peer),
                _ => None,
            });
            peers.collect()
        })
    }
}

fn later(pause: Duration, then: impl FnOnce() + Send + 'static) {
    tokio::spawn(async move {
        sleep(pause).await;
        then();
    });
}

fn settings() -> Settings {
    Settings {
        info: NodeInfo {
            ops_address: "127.0.0.1:1".into(),
            version: "simulation".into(),
            format: Format::OWN,
            started_at: 0,
        },
        cluster_key: None,
        lease: LEASE,
        delivery_deadline: DEADLINE,
        heartbeat_timeout: HEARTBEAT_TIMEOUT,
        in_flight: InFlightMax {
            signals: IN_FLIGHT as usize,
            bytes: 1 << 20,
            node_bytes: 1 << 26,
        },
        resume_window: WINDOW,
        away_max: 1000,
        away_bytes: 1 << 24,
        sessions_per_user: 5,
        linger_max: Duration::from_millis(1),
        local_shortcut: false,
        traces: Traces::off(),
    }
}

fn rules() -> Rules {
    Rules {
        hello_timeout: Duration::from_secs(10),
        heartbeat: HEARTBEAT,
        heartbeat_timeout: HEARTBEAT_TIMEOUT,
        resume_window: WINDOW,
        limits: Limits {
            in_flight: IN_FLIGHT,
            in_flight_bytes: 1 << 20,
            max_message_bytes: 1 << 18,
            signals_per_second: 1000,
            burst: 4000,
        },
        outbox_bytes_max: 256 * 1024,
        fan_out_bytes_per_second: 16 * 1024 * 1024,
        room_capacity: 64,
        room_capacity_max: 64,
        rooms_max: 8,
    }
}

fn trace_rules(badness: Badness) -> trace::Rules {
    trace::Rules {
        window: WINDOW,
        deadline: DEADLINE,
        lease: LEASE,
        in_flight: IN_FLIGHT as usize,
        answers_arrive: badness.lost_commands == 0 && badness.lost_answers == 0,
    }
}

#[cfg(test)]
mod tests {
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
