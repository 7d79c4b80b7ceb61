//! What goes wrong. Each seed has a few kinds of faults, some of them often.

use tokio::time::Duration;

use super::Step;
use crate::client::Command;
use crate::client_task::Wish;
use crate::path::Badness;
use crate::random::Random;
use crate::trace::ClientNo;

/// A fault; a node is named by its place among those that run then (modulo their number).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fault {
    /// A client's connections are cut.
    CutClient(ClientNo),
    /// A node dies; another comes after that.
    Kill(usize, Duration),
    Freeze(usize, Duration),
    /// Window and deadline; another node comes first.
    Drain(usize, Duration, Duration),
    CutOff(usize, Duration),
    Deafen(usize, Duration),
    /// Redis does nothing for so long.
    Hang(Duration),
    /// It is gone for so long, and has its data then.
    Restart(Duration),
    /// It is gone for so long, and has nothing then.
    Lose(Duration),
    /// It loses everything at once, and nobody's connection.
    Forget,
    /// It is gone for a moment, and comes back as it was so long before.
    GoBack(Duration),
    /// Somebody tries a secret.
    Intrude(ClientNo),
}

/// A page that is loaded again asks for its places to be kept so long.
pub(crate) const HOLD: Duration = Duration::from_secs(5);

/// What may go wrong, to be drawn from.
const KINDS: usize = 17;

pub(super) fn add(
    steps: &mut Vec<(Duration, Step)>,
    random: &Random,
    clients: usize,
    until: Duration,
) {
    let kinds: Vec<_> = (0..=random.below(4)).map(|_| random.below(KINDS)).collect();
    let last = until.as_millis() as u64 - 500;
    for _ in 0..=random.below(8) {
        let at = random.millis(1_500..last);
        let client = random.below(clients);
        let step = match *random.pick(&kinds) {
            0..=2 => Step::Fault(Fault::CutClient(client)),
            3 => {
                let pause = random.millis(200..4_000);
                Step::Wish(client, Wish::Reload { hold: HOLD, pause })
            }
            4 => Step::Wish(client, Wish::Command(Command::Double)),
            5 => match random.below(4) {
                0 => Step::Wish(client, Wish::Bye),
                1 => Step::Wish(client, Wish::Vanish),
                _ => Step::Wish(client, Wish::Rest(random.millis(500..12_000))),
            },
            kind => Step::Fault(of_the_cluster(kind, client, random)),
        };
        steps.push((at, step));
    }
}

fn of_the_cluster(kind: usize, client: ClientNo, random: &Random) -> Fault {
    let node = random.below(12);
    match kind {
        6 => Fault::Kill(node, random.millis(0..4_000)),
        7 => Fault::Freeze(node, random.millis(300..15_000)),
        8 => Fault::Drain(node, random.millis(100..3_000), random.millis(1_000..6_000)),
        9 => Fault::CutOff(node, random.millis(100..12_000)),
        10 => Fault::Deafen(node, random.millis(100..4_000)),
        11 => Fault::Hang(random.millis(100..6_000)),
        12 => Fault::Restart(random.millis(50..8_000)),
        13 if random.chance(500) => Fault::Forget,
        13 => Fault::Lose(random.millis(50..6_000)),
        14 => Fault::GoBack(random.millis(200..4_000)),
        _ => Fault::Intrude(client),
    }
}

/// How bad the network is all the time: in every third seed, not at all.
pub(super) fn badness(random: &Random) -> Badness {
    match random.below(3) {
        0 => Badness::default(),
        1 => Badness {
            lost: 20,
            repeated: 20,
            delayed: 50,
            unanswered: 5,
            lost_commands: 2,
            lost_answers: 2,
        },
        _ => Badness {
            lost: random.number(0..200) as u32,
            repeated: random.number(0..200) as u32,
            delayed: random.number(0..300) as u32,
            unanswered: random.number(0..50) as u32,
            lost_commands: random.number(0..40) as u32,
            lost_answers: random.number(0..40) as u32,
        },
    }
}
