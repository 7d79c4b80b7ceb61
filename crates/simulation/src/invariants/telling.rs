//! Traces for the tests of the invariants: two clients in one room, to whom something happens.

mod connections;
mod last;
mod rooms;

use switchboard_protocol::server_message::Reason;
use switchboard_protocol::{PeerId, RoomId};
use tokio::time::Duration;

use super::Invariant;
use super::story::Story;
use crate::speaks::Speaks;
use crate::trace::{Event, Promises, Rules, Trace, What};

/// A trace in the making.
pub(super) struct Tale {
    pub(super) trace: Trace,
    now: Duration,
    connections: [u64; 2],
}

impl Tale {
    /// Both are welcomed, in the room, and still there at the end.
    pub(super) fn of_two() -> Self {
        let mut tale = Self {
            trace: Trace {
                rules: Rules {
                    window: Duration::from_secs(20),
                    deadline: Duration::from_secs(35),
                    lease: Duration::from_secs(4),
                    in_flight: 256,
                    answers_arrive: true,
                },
                ..Trace::default()
            },
            now: Duration::from_secs(1),
            connections: [1, 2],
        };
        for no in 0..2 {
            tale.opens(no, &[]);
            tale.note(What::Welcomed {
                client: no,
                connection: tale.connections[no],
                peer: tale.peer(no),
                resumed: false,
                rooms: Vec::new(),
            });
        }
        for no in 0..2 {
            tale.joins_again(no, &[0, 1]);
        }
        tale.come_to_rest();
        tale
    }

    pub(super) fn judge(&self, invariant: Invariant) -> Vec<String> {
        invariant(&self.trace, &Story::of(&self.trace))
    }

    pub(super) fn peer(&self, no: usize) -> PeerId {
        format!("peer-{no}--------------------")[..20]
            .parse()
            .expect("20 letters")
    }

    pub(super) fn wait(&mut self, seconds: u64) {
        self.now += Duration::from_secs(seconds);
    }

    /// As if nothing had happened before.
    pub(super) fn forget_all(&mut self) {
        self.trace.events.clear();
    }

    pub(super) fn note(&mut self, what: What) {
        let at = self.now;
        self.trace.events.push(Event { at, what });
    }

    pub(super) fn says(&mut self, no: usize, id: u64, to: usize) {
        self.says_to(no, id, Some(self.peer(to)));
    }

    pub(super) fn says_to_all(&mut self, no: usize, id: u64) {
        self.says_to(no, id, None);
    }

    fn says_to(&mut self, no: usize, id: u64, to: Option<PeerId>) {
        self.note(What::Said {
            client: no,
            connection: self.connections[no],
            peer: self.peer(no),
            id,
            room: room(),
            to,
            by_name: None,
            again: false,
        });
    }

    pub(super) fn answered(&mut self, no: usize, id: u64, to: usize, outcome: Result<(), Reason>) {
        self.note(What::Answered {
            client: no,
            connection: self.connections[no],
            id,
            to: self.peer(to),
            outcome,
        });
    }

    pub(super) fn comes(&mut self, no: usize, from: usize, id: u64) {
        self.note(What::Came {
            client: no,
            connection: self.connections[no],
            room: room(),
            from: self.peer(from),
            id,
            numbered: Some(id),
            intact: true,
        });
    }

    pub(super) fn handles(&mut self, no: usize, from: usize, id: u64) {
        self.note(What::Handled {
            client: no,
            peer: self.peer(no),
            room: room(),
            from: self.peer(from),
            id,
        });
    }
}

fn room() -> RoomId {
    "room-0".parse().expect("a room id")
}

fn native() -> Promises {
    Speaks::Native.promises(true)
}
