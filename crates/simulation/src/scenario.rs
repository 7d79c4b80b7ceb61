//! What is to happen in a run, all of it from the seed: who wants what, and which faults come when.

mod dialects;
mod faults;
mod themes;
mod wishes;

use std::collections::BTreeSet;

use switchboard_protocol::RoomId;
use tokio::time::Duration;

pub(crate) use self::faults::{Fault, HOLD};
use crate::client_task::Wish;
use crate::path::Badness;
use crate::random::Random;
use crate::speaks::Speaks;
use crate::trace::ClientNo;

/// When everything is started.
const START: Duration = Duration::from_secs(2);

/// Of a thousand seeds, so many have clients that run the shipped one; half of the native ones, in those.
const SHIPPED: u32 = 200;

/// A plan for one run.
pub(crate) struct Scenario {
    pub(crate) nodes: usize,
    pub(crate) clients: Vec<Newcomer>,
    /// Every room that somebody may want to enter.
    pub(crate) rooms: BTreeSet<RoomId>,
    /// How bad the network is between the quiet times.
    pub(crate) badness: Badness,
    /// In the order of time.
    pub(crate) steps: Vec<(Duration, Step)>,
    /// From here on nothing bad happens and nobody wants anything new.
    pub(crate) quiet_at: Duration,
}

/// A client to be.
pub(crate) struct Newcomer {
    pub(crate) comes_at: Duration,
    /// Whether it says `received`, where its dialect has a word for it.
    pub(crate) receipts: bool,
    pub(crate) speaks: Speaks,
    /// It runs the client that is shipped.
    pub(crate) is_shipped: bool,
}

/// One thing to do.
pub(crate) enum Step {
    Come(ClientNo),
    Wish(ClientNo, Wish),
    Fault(Fault),
}

impl Scenario {
    /// The plan of a seed.
    pub(crate) fn of(seed: u64) -> Self {
        let random = Random::of(seed, "scenario");
        let nodes = 2 + random.below(3);
        let rooms: Vec<RoomId> = (0..=random.below(3))
            .map(|n| format!("room-{n}").parse().expect("a room id"))
            .collect();
        let mut clients: Vec<_> = (0..2 + random.below(5))
            .map(|_| Newcomer {
                comes_at: random.millis(0..START.as_millis() as u64),
                receipts: random.chance(850),
                speaks: Speaks::Native,
                is_shipped: false,
            })
            .collect();
        let quiet_at = START + random.millis(8_000..40_000);
        let mut steps: Vec<_> = clients
            .iter()
            .enumerate()
            .map(|(no, client)| (client.comes_at, Step::Come(no)))
            .collect();
        wishes::add(&mut steps, &random, &clients, &rooms, quiet_at);
        faults::add(&mut steps, &random, clients.len(), quiet_at);
        let mut badness = faults::badness(&random);
        let others = dialects::add(&mut steps, seed, &mut clients, quiet_at);
        themes::add(&mut steps, seed, &clients, &rooms, quiet_at, &mut badness);
        let shipped = Random::of(seed, "shipped clients");
        if shipped.chance(SHIPPED) {
            for client in &mut clients {
                client.is_shipped = client.speaks == Speaks::Native && shipped.chance(500);
            }
        }
        steps.sort_by_key(|(at, _)| *at);
        Self {
            rooms: rooms.into_iter().chain(others).collect(),
            nodes,
            clients,
            badness,
            steps,
            quiet_at,
        }
    }
}
