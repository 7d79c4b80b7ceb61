//! In some seeds, some of the clients speak other dialects, and others come into their rooms.

use switchboard_protocol::RoomId;
use tokio::time::Duration;

use super::{Newcomer, Step};
use crate::client::Command;
use crate::client_task::Wish;
use crate::random::Random;
use crate::speaks::Speaks;
use crate::trace::ClientNo;

/// Of a thousand seeds, so many have them.
const SHARE: u32 = 300;
/// Of the native clients, so many of a thousand come into such a room.
const GUESTS: u32 = 700;

/// Chooses who speaks what. The rooms that there are for that.
pub(super) fn add(
    steps: &mut Vec<(Duration, Step)>,
    seed: u64,
    clients: &mut [Newcomer],
    until: Duration,
) -> Vec<RoomId> {
    let random = Random::of(seed, "dialects");
    if !random.chance(SHARE) {
        return Vec::new();
    }
    for _ in 0..=random.below(3) {
        // The first one speaks the native protocol at any rate.
        let client = 1 + random.below(clients.len() - 1);
        clients[client].speaks = *random.pick(&Speaks::FOREIGN);
    }
    let mut rooms = Vec::new();
    for (no, client) in clients.iter().enumerate() {
        if client.speaks == Speaks::Native {
            continue;
        }
        let room = client.speaks.room(no);
        let guests = guests(&random, clients, client.speaks);
        for guest in &guests {
            let enter = Wish::Command(Command::Enter(room.clone()));
            steps.push((clients[*guest].comes_at, Step::Wish(*guest, enter)));
        }
        talk(steps, &random, &room, &[&guests[..], &[no]].concat(), until);
        rooms.push(room);
    }
    rooms
}

/// The native clients that come into the room of one that speaks so.
fn guests(random: &Random, clients: &[Newcomer], speaks: Speaks) -> Vec<ClientNo> {
    let native = clients.iter().enumerate();
    let native = native.filter(|(_, client)| client.speaks == Speaks::Native);
    let native: Vec<_> = native.map(|(no, _)| no).collect();
    if speaks == Speaks::Stomp {
        return vec![*random.pick(&native)];
    }
    native
        .into_iter()
        .filter(|no| *no == 0 || random.chance(GUESTS))
        .collect()
}

fn talk(
    steps: &mut Vec<(Duration, Step)>,
    random: &Random,
    room: &RoomId,
    members: &[ClientNo],
    until: Duration,
) {
    for _ in 0..10 + random.below(30) {
        let at = random.millis(2_000..until.as_millis() as u64);
        let command = Command::Signal {
            room: room.clone(),
            to: random.chance(750).then(|| random.below(16)),
            bytes: random.below(300),
        };
        steps.push((
            at,
            Step::Wish(*random.pick(members), Wish::Command(command)),
        ));
    }
}
