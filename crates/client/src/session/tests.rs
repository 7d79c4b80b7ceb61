mod at_random;
mod moving;
mod receiving;
mod requests;
mod resuming;
mod rooms;

use std::time::Duration;

use switchboard_protocol::client_message::{Bye, Received, Resume};
use switchboard_protocol::limits::Limits;
use switchboard_protocol::server_message::{
    Delivered, Done, Drain, Error, Expiring, Joined, MemberJoined, Reason, Receiver, ResumeTicket,
    RoomSnapshot, Signal as Heard, Undelivered, Welcome,
};
use switchboard_protocol::{
    Codec, ErrorCode, Media, MediaToken, Member, NodeId, PeerId, RoomId, ServerMessage, UserId,
};

use super::*;
use crate::connection::Closed;
use crate::reconnect::Cause;
use crate::test_gateway::{LIMITS, member, payload};

const SECOND: Duration = Duration::from_secs(1);

/// A session, and all that is around one.
struct Rig {
    session: Session,
    now: Instant,
    /// What it wanted and nobody has looked at.
    out: Vec<Output>,
    /// The connection that was opened last.
    connection: ConnectionId,
    me: PeerId,
    asks: u64,
}

/// A session on its first connection. Its pauses are as long as they may be.
fn rig() -> Rig {
    rig_with(LIMITS)
}

fn rig_with(limits: Limits) -> Rig {
    let mut rig = Rig {
        session: Session::new(Box::new(|ceiling| ceiling)),
        now: Instant::now(),
        out: Vec::new(),
        connection: ConnectionId::FIRST,
        me: PeerId::random(),
        asks: 0,
    };
    let welcome = Welcome {
        limits,
        ..rig.welcome()
    };
    rig.opened(ConnectionId::FIRST, welcome);
    assert_eq!(rig.out, []);
    rig
}

/// A session that is in the room `r` with these others.
fn rig_in_room(others: &[PeerId]) -> Rig {
    let mut rig = rig();
    rig.join("r", others);
    rig
}

impl Rig {
    fn on(&mut self, input: Input) {
        self.session.on(input, self.now, &mut self.out);
    }

    fn pass(&mut self, time: Duration) {
        self.now += time;
        self.on(Input::Time);
    }

    /// Until the session wants to be woken.
    fn wake(&mut self) {
        self.now = self.session.wake_at().expect("it waits for something");
        self.on(Input::Time);
    }

    fn welcome(&self) -> Welcome {
        Welcome {
            peer: self.me,
            user: UserId::anonymous(&self.me),
            name: None,
            node: NodeId::start("test"),
            resume: ResumeTicket {
                secret: "first".into(),
                window_ms: 60_000,
            },
            resumed: false,
            rooms: None,
            heartbeat_ms: 15_000,
            limits: LIMITS,
            ice_servers: Vec::new(),
        }
    }

    fn welcome_back(&self, rooms: Vec<RoomSnapshot>) -> Welcome {
        Welcome {
            resume: ResumeTicket {
                secret: "second".into(),
                window_ms: 60_000,
            },
            resumed: true,
            rooms: Some(rooms),
            ..self.welcome()
        }
    }

    fn welcome_anew(&mut self) -> Welcome {
        self.me = PeerId::random();
        self.welcome()
    }

    fn opened(&mut self, connection: ConnectionId, welcome: Welcome) {
        self.connection = connection;
        let welcome = Arc::new(welcome);
        self.on(Input::Opened {
            connection,
            welcome,
        });
    }

    fn lose(&mut self) {
        let connection = self.connection;
        let why = lost();
        self.on(Input::Ended { connection, why });
    }

    fn close(&mut self, connection: ConnectionId, code: u16) {
        let why = closed(code);
        self.on(Input::Ended { connection, why });
    }

    fn fail(&mut self, connection: ConnectionId, why: Disconnected) {
        let cause = Cause::from(&why);
        self.on(Input::Failed {
            connection,
            cause,
            why,
        });
    }

    /// Waits for the next attempt.
    fn opens(&mut self) -> (ConnectionId, Option<Resume<'static>>) {
        self.wake();
        self.opens_now()
    }

    fn opens_now(&mut self) -> (ConnectionId, Option<Resume<'static>>) {
        let out = std::mem::take(&mut self.out);
        let mut opens = out.into_iter().filter_map(|output| match output {
            Output::Open { connection, resume } => Some((connection, resume)),
            _ => None,
        });
        opens.next().expect("it opens a connection")
    }

    /// Loses the connection and comes back as the same peer. What that leads to is to be looked at.
    fn come_back(&mut self, rooms: Vec<RoomSnapshot>) {
        self.lose();
        let (connection, _) = self.opens();
        let welcome = self.welcome_back(rooms);
        self.opened(connection, welcome);
    }

    fn hear(&mut self, message: impl Into<ServerMessage>) {
        let connection = self.connection;
        let message = message.into();
        self.on(Input::Message {
            connection,
            message,
        });
    }

    fn ask(&mut self, command: Command) -> Ask {
        self.asks += 1;
        let ask = Ask(self.asks);
        self.on(Input::Command { ask, command });
        ask
    }

    fn signal(&mut self, to: Option<PeerId>) -> Ask {
        self.ask(Command::Signal(signal(to)))
    }

    fn join(&mut self, room: &str, others: &[PeerId]) {
        self.ask(join(room));
        let re = self.says_one().id().expect("a join has an id");
        let snapshot = self.snapshot(room, 1, others);
        self.hear(Joined {
            re,
            room: snapshot.room,
            revision: snapshot.revision,
            capacity: snapshot.capacity,
            members: snapshot.members,
            media: None,
        });
        self.out.clear();
    }

    /// A room with this session, which joined first, and others.
    fn snapshot(&self, room: &str, revision: u64, others: &[PeerId]) -> RoomSnapshot {
        let peers = std::iter::once(&self.me).chain(others);
        let members: Vec<Member> = (1..).zip(peers).map(|(o, peer)| member(*peer, o)).collect();
        RoomSnapshot {
            room: room_id(room),
            revision,
            capacity: 8,
            members,
            media: None,
        }
    }

    /// What was said since the last look, on the connection in use, which is looked at.
    fn says(&mut self) -> Vec<Say> {
        let mut says = Vec::new();
        for output in std::mem::take(&mut self.out) {
            match output {
                Output::Say {
                    connection,
                    message,
                } => {
                    assert_eq!(connection, self.connection);
                    says.push(message);
                }
                other => self.out.push(other),
            }
        }
        says
    }

    fn says_one(&mut self) -> Say {
        let says = self.says();
        match <[Say; 1]>::try_from(says) {
            Ok([say]) => say,
            Err(says) => panic!("one message, not {says:?}"),
        }
    }

    /// The signals said, by id and receiver.
    fn says_signals(&mut self) -> Vec<(u64, Option<PeerId>)> {
        let says = self.says().into_iter();
        says.map(|say| match say {
            Say::Signal { id, to, .. } => (id, to),
            other => panic!("{other:?} is no signal"),
        })
        .collect()
    }

    fn tells(&mut self) -> Vec<Event> {
        let mut events = Vec::new();
        for output in std::mem::take(&mut self.out) {
            match output {
                Output::Tell(event) => events.push(event),
                other => self.out.push(other),
            }
        }
        events
    }

    fn answers(&mut self) -> Vec<(Ask, Reply)> {
        let mut answers = Vec::new();
        for output in std::mem::take(&mut self.out) {
            match output {
                Output::Answer { ask, reply } => answers.push((ask, reply)),
                other => self.out.push(other),
            }
        }
        answers
    }

    fn receipts(&mut self) -> Vec<(PeerId, u64)> {
        let mut out = Vec::new();
        self.session.receipts(&mut out);
        out.into_iter()
            .map(|output| match output {
                Output::Say {
                    message: Say::Received(Received { from, id }),
                    ..
                } => (from, id),
                other => panic!("{other:?} is no receipt"),
            })
            .collect()
    }

    fn handled(&mut self, from: PeerId, id: u64) {
        let me = self.me;
        self.on(Input::Handled { me, from, id });
    }
}

fn room_id(room: &str) -> RoomId {
    room.parse().expect("a room id")
}

fn join(room: &str) -> Command {
    Command::Join(Join {
        room: room_id(room),
        state: None,
        capacity: None,
    })
}

fn signal(to: Option<PeerId>) -> Signal {
    Signal {
        room: room_id("r"),
        to,
        kind: "note".into(),
        payload: payload(Codec::Json, "1"),
        traceparent: None,
    }
}

fn heard(from: PeerId, id: u64) -> Heard {
    Heard {
        room: room_id("r"),
        from,
        id,
        kind: "note".into(),
        payload: payload(Codec::Json, "1"),
        traceparent: None,
    }
}

fn delivered(id: u64, to: PeerId) -> Delivered {
    let to = [Receiver::Peer(to)].into_iter().collect();
    Delivered { id, to }
}

fn undelivered(id: u64, to: PeerId, reason: Reason) -> Undelivered {
    let to = [Receiver::Peer(to)].into_iter().collect();
    Undelivered { id, to, reason }
}

fn refused(re: u64, code: ErrorCode, retry_after_ms: Option<u64>) -> Error {
    Error {
        re: Some(re),
        code,
        message: "no".into(),
        retry_after_ms,
    }
}

fn outcomes(each: impl IntoIterator<Item = (PeerId, Outcome)>) -> Reply {
    let each = each.into_iter();
    Reply::Signal(Ok(Outcomes {
        each: each
            .map(|(peer, outcome)| (Receiver::Peer(peer), outcome))
            .collect(),
    }))
}

fn lost() -> Disconnected {
    Disconnected::Lost(io::ErrorKind::ConnectionReset)
}

fn closed(code: u16) -> Disconnected {
    Disconnected::Closed(Closed {
        code,
        reason: String::new(),
        retry_after_ms: None,
    })
}

fn peers<const N: usize>() -> [PeerId; N] {
    [(); N].map(|()| PeerId::random())
}

fn is_reconnecting(event: &Event) -> bool {
    matches!(event, Event::Connection(ConnectionState::Reconnecting(_)))
}

fn is_live(event: &Event) -> bool {
    matches!(event, Event::Connection(ConnectionState::Live(_)))
}
