//! What the clients' applications want.

use switchboard_protocol::RoomId;
use tokio::time::Duration;

use super::{Newcomer, Step};
use crate::client::Command;
use crate::client_task::Wish;
use crate::random::Random;

/// Signals in a burst, at most.
const BURST: usize = 8;

pub(super) fn add(
    steps: &mut Vec<(Duration, Step)>,
    random: &Random,
    clients: &[Newcomer],
    rooms: &[RoomId],
    until: Duration,
) {
    for (client, newcomer) in clients.iter().enumerate() {
        let first = random.below(rooms.len());
        for n in 0..=random.below(rooms.len()) {
            let room = rooms[(first + n) % rooms.len()].clone();
            let wish = Wish::Command(Command::Enter(room));
            steps.push((newcomer.comes_at, Step::Wish(client, wish)));
        }
    }
    let sometime = || random.millis(1_000..until.as_millis() as u64);
    for _ in 0..20 + random.below(60) {
        let (at, client) = (sometime(), random.below(clients.len()));
        let room = random.pick(rooms).clone();
        for _ in 0..=random.below(BURST) {
            let to = random.chance(750).then(|| random.below(16));
            let bytes = if random.chance(20) {
                20_000
            } else {
                random.below(300)
            };
            let room = room.clone();
            let wish = Wish::Command(Command::Signal { room, to, bytes });
            steps.push((at, Step::Wish(client, wish)));
        }
    }
    for n in 0..random.below(16) {
        let (at, client) = (sometime(), random.below(clients.len()));
        let room = random.pick(rooms).clone();
        let command = match random.below(3) {
            0 => Command::Leave(room),
            1 => Command::Enter(room),
            _ => Command::State(room, n as u64),
        };
        steps.push((at, Step::Wish(client, Wish::Command(command))));
    }
}
