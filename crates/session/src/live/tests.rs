mod endings;
mod expiry;
mod joins;
mod rates;
mod requests;
mod rooms;
mod signals;

use std::borrow::Cow;
use std::time::Duration;

use switchboard_protocol::client_message::Leave;
use switchboard_protocol::limits::Limits;
use switchboard_protocol::{Encoding, Payload};

use super::*;

pub(crate) fn rules() -> Rules {
    Rules {
        hello_timeout: Duration::from_secs(10),
        heartbeat: Duration::from_secs(15),
        heartbeat_timeout: Duration::from_secs(40),
        resume_window: Duration::from_secs(60),
        limits: Limits {
            in_flight: 1024,
            in_flight_bytes: 1 << 20,
            max_message_bytes: 1 << 18,
            signals_per_second: 100,
            burst: 4,
        },
        outbox_bytes_max: 1 << 20,
        requests_per_second: 100,
        bytes_per_second: 1 << 16,
        fan_out_bytes_per_second: 1 << 20,
        room_capacity: 64,
        room_capacity_max: 1000,
        outlives_token: None,
        rooms_max: 2,
    }
}

struct Rig {
    live: Live,
    now: Instant,
}

impl Rig {
    fn new(grants: Grants) -> Self {
        let now = Instant::now();
        Self {
            live: Live::new(
                Arc::new(rules()),
                Authorization {
                    grants,
                    ..Authorization::default()
                },
                now,
            ),
            now,
        }
    }

    fn on<'a>(&mut self, input: Input<'a>) -> Vec<Output<'a>> {
        let mut out = Vec::new();
        self.live.on(input, self.now, &mut out);
        out
    }

    fn say<'a>(&mut self, message: ClientMessage<'a>) -> Vec<Output<'a>> {
        self.on(Input::Message(message))
    }

    fn in_room(room: &'static str) -> Self {
        let mut rig = Self::new(Grants::default());
        rig.say(join(1, room));
        rig.on(Input::Performed(Ok(())));
        rig
    }
}

fn join(id: u64, room: &'static str) -> ClientMessage<'static> {
    ClientMessage::Join(Join {
        id,
        room: room.into(),
        state: None,
        capacity: None,
    })
}

fn leave(id: u64, room: &'static str) -> ClientMessage<'static> {
    ClientMessage::Leave(Leave {
        id,
        room: room.into(),
    })
}

fn signal(id: u64, room: &'static str) -> ClientMessage<'static> {
    ClientMessage::Signal(Signal {
        id,
        room: Cow::Borrowed(room),
        to: None,
        kind: "offer".into(),
        payload: Payload {
            encoding: Encoding::Json,
            bytes: b"{}",
        },
        traceparent: None,
    })
}

#[track_caller]
fn code(outputs: &[Output<'_>]) -> ErrorCode {
    match outputs {
        [Output::Refuse { refused, .. }] => refused.code,
        other => panic!("one error was expected: {other:?}"),
    }
}

fn resumed(room: &'static str) -> Rig {
    let now = Instant::now();
    let rooms = [room.parse().expect("a room id")].into_iter();
    Rig {
        live: Live::resumed(Arc::new(rules()), Authorization::default(), rooms, now),
        now,
    }
}
