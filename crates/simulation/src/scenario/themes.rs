//! Some seeds have a theme: faults that belong together, and that chance alone brings together too rarely.

use switchboard_protocol::RoomId;
use tokio::time::Duration;

use super::{Fault, Newcomer, Step};
use crate::client::Command;
use crate::client_task::Wish;
use crate::path::Badness;
use crate::random::Random;
use crate::speaks::Speaks;
use crate::trace::ClientNo;

/// Of so many seeds, one has each theme.
const RARITY: usize = 12;
/// A stutter is so long.
const STUTTER: Duration = Duration::from_secs(3);
/// Between two of its signals.
const BEAT: Duration = Duration::from_millis(20);
/// A thief waits until the session's client has noticed that it was cut off, is back, and has said so.
const PATIENCE: Duration = Duration::from_secs(14);

pub(super) fn add(
    steps: &mut Vec<(Duration, Step)>,
    seed: u64,
    clients: &[Newcomer],
    rooms: &[RoomId],
    until: Duration,
    badness: &mut Badness,
) {
    let random = Random::of(seed, "theme");
    let client = random.below(clients.len());
    match random.below(RARITY) {
        0 => stutter(steps, &random, client, clients.len(), rooms, until),
        1 => {
            theft(steps, &random, client, until);
            // Redis knows in time that a secret is outdated.
            (badness.lost_commands, badness.lost_answers) = (0, 0);
        }
        2 => flood(steps, &random, client, clients, rooms, until),
        _ => {}
    }
}

/// Everybody talks without a pause while one goes from connection to connection, with signals on their way to it.
fn stutter(
    steps: &mut Vec<(Duration, Step)>,
    random: &Random,
    restless: ClientNo,
    clients: usize,
    rooms: &[RoomId],
    until: Duration,
) {
    let start = random.millis(3_000..(until - STUTTER).as_millis() as u64);
    let mut at = start;
    while at < start + STUTTER {
        let room = random.pick(rooms).clone();
        let command = Command::Signal {
            room,
            to: None,
            bytes: random.below(300),
        };
        let wish = Wish::Command(command);
        steps.push((at, Step::Wish(random.below(clients), wish)));
        at += BEAT;
    }
    for _ in 0..4 + random.below(8) {
        let at = start + random.millis(0..STUTTER.as_millis() as u64);
        let step = if random.chance(300) {
            Step::Fault(Fault::CutClient(restless))
        } else {
            Step::Wish(restless, Wish::Command(Command::Double))
        };
        steps.push((at, step));
    }
}

/// Others write to one that does not read, more than a kernel and a buffer take; then its connection is lost, and it comes
/// back, or does not.
fn flood(
    steps: &mut Vec<(Duration, Step)>,
    random: &Random,
    slow: ClientNo,
    clients: &[Newcomer],
    rooms: &[RoomId],
    until: Duration,
) {
    let start = random.millis(3_000..(until - STUTTER).as_millis() as u64);
    steps.push((start, Step::Wish(slow, Wish::Rest(STUTTER))));
    // Where the slow one has a room of its own dialect, everybody's signals go there.
    let own = (clients[slow].speaks != Speaks::Native).then(|| clients[slow].speaks.room(slow));
    for _ in 0..20 + random.below(40) {
        let at = start + random.millis(0..STUTTER.as_millis() as u64);
        let room = own.clone().unwrap_or_else(|| random.pick(rooms).clone());
        let command = Command::Signal {
            room,
            to: None,
            bytes: 1_000 + random.below(3_000),
        };
        let wish = Wish::Command(command);
        steps.push((at, Step::Wish(random.below(clients.len()), wish)));
    }
    let cut_at = start + STUTTER - random.millis(0..400);
    steps.push((cut_at, Step::Fault(Fault::CutClient(slow))));
    if random.chance(500) {
        let gone_at = start + STUTTER + random.millis(100..2_000);
        steps.push((gone_at, Step::Wish(slow, Wish::Vanish)));
    }
}

/// Somebody loses its connection, comes back, and is robbed with what it had before.
fn theft(steps: &mut Vec<(Duration, Step)>, random: &Random, whose: ClientNo, until: Duration) {
    let mut at = random.millis(2_500..6_000);
    while at + PATIENCE < until {
        steps.push((at, Step::Fault(Fault::CutClient(whose))));
        at += PATIENCE + random.millis(0..2_000);
        steps.push((at, Step::Fault(Fault::Intrude(whose))));
    }
}
