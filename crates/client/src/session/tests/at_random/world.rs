//! All that is around a session, and makes its life hard.

mod attempts;

use std::collections::{BTreeMap, BTreeSet};

use switchboard_protocol::client_message::StatePatch;
use switchboard_protocol::server_message::Left;

use super::*;
use attempts::Attempt;

/// At most; each connection has a bound of its own.
const IN_FLIGHT: u32 = 3;

/// The gateway, the network, the application and one other member.
pub(super) struct World {
    rig: Rig,
    random: Random,
    other: PeerId,
    attached: ConnectionId,
    attempt: Option<Attempt>,
    /// One that was given up, and that the gateway may still get to, until then.
    late: Option<(Attempt, Instant)>,
    in_flight: u32,
    /// On the way, by connection; nothing comes through on those that are gone.
    up: BTreeMap<ConnectionId, VecDeque<Say>>,
    down: BTreeMap<ConnectionId, VecDeque<Down>>,
    is_member: bool,
    revision: u64,
    /// The highest id of the session, and what the attached connection has said.
    last_id: u64,
    said: Said,
    /// What the other sent to this session: the last id, and what has no receipt.
    sent: u64,
    unacknowledged: BTreeSet<u64>,
    /// What the application was told and has not handled; the last it was told as this peer.
    told: VecDeque<(PeerId, u64)>,
    handled: u64,
    last_told: (PeerId, u64),
    answered: BTreeSet<Ask>,
    forgotten: bool,
    over: bool,
}

enum Down {
    Message(ServerMessage),
    Close(u16),
}

/// Since the connection was attached.
#[derive(Default)]
struct Said {
    last: u64,
    /// The highest id before: up to it these are repeats.
    repeats_until: u64,
    /// As the session knows.
    unanswered: u32,
}

impl World {
    pub(super) fn new(seed: u64) -> Self {
        let rig = rig_with(limits(IN_FLIGHT));
        let down = BTreeMap::from([(ConnectionId::FIRST, VecDeque::new())]);
        Self {
            random: Random(seed * 2 + 1),
            other: PeerId::random(),
            attached: ConnectionId::FIRST,
            attempt: None,
            late: None,
            in_flight: IN_FLIGHT,
            up: BTreeMap::new(),
            down,
            is_member: false,
            revision: 0,
            last_id: 0,
            said: Said::default(),
            sent: 0,
            unacknowledged: BTreeSet::new(),
            told: VecDeque::new(),
            handled: 0,
            last_told: (rig.me, 0),
            answered: BTreeSet::new(),
            forgotten: false,
            over: false,
            rig,
        }
    }

    pub(super) fn step(&mut self) {
        match self.random.below(24) {
            0..4 => self.command(),
            4..9 => self.gateway_hears(),
            9..14 => self.session_hears(),
            14..16 => self.other_sends(),
            16..18 => self.application_handles(),
            18..20 => self.pass_time(),
            20..22 => self.decide_attempt(true),
            22 if self.random.one_in(3) => self.lose_connection(),
            22 if self.random.one_in(3) => {
                self.say(Drain {
                    reconnect_after_ms: 100,
                    deadline_ms: 1000,
                });
            }
            22 if self.random.one_in(8) => self.forget(),
            _ => {}
        }
        self.look();
    }

    /// Without any more faults, until nothing is left to do.
    pub(super) fn come_to_rest(&mut self) {
        for _ in 0..2000 {
            self.gateway_hears();
            self.look();
            self.session_hears();
            self.look();
            self.application_handles();
            self.look();
            self.decide_attempt(false);
            self.look();
            if self.answered.len() as u64 == self.rig.asks && self.unacknowledged.is_empty() {
                return;
            }
            if self.rig.session.connection().is_none() {
                self.pass_time();
                self.look();
            } else if self.down.values().all(VecDeque::is_empty) {
                // The other's gateway repeats what has no receipt.
                self.repeat_signals();
            }
        }
        panic!(
            "{} of {} answered, {:?} without a receipt",
            self.answered.len(),
            self.rig.asks,
            self.unacknowledged
        );
    }

    fn command(&mut self) {
        if !self.rig.session.wants_command() {
            return;
        }
        let room = room_id("r");
        let command = match self.random.below(12) {
            0..4 => Command::Signal(signal(Some(self.other))),
            4..7 => Command::Signal(signal(None)),
            7..10 => join("r"),
            10 => Command::Leave(room),
            _ => {
                let patch = StatePatch::from_json("{}").expect("a patch");
                Command::SetState(SetState { room, patch })
            }
        };
        self.rig.ask(command);
    }

    /// Takes what the session wants.
    fn look(&mut self) {
        let mut out = std::mem::take(&mut self.rig.out);
        self.rig.session.receipts(&mut out);
        for output in out {
            match output {
                Output::Open { connection, resume } => {
                    self.attempt = Some(Attempt {
                        connection,
                        resume,
                        since: self.rig.now,
                        welcome: None,
                    });
                }
                Output::Close { connection } => {
                    self.attempt
                        .take_if(|attempt| attempt.connection == connection);
                    self.down.remove(&connection);
                }
                Output::Say {
                    connection,
                    message,
                } => self.up.entry(connection).or_default().push_back(message),
                Output::Tell(Event::Signal(signal)) => {
                    let me = self.rig.me;
                    if self.last_told.0 == me {
                        assert!(signal.id > self.last_told.1, "told again or too late");
                    }
                    self.last_told = (me, signal.id);
                    self.told.push_back((me, signal.id));
                }
                Output::Tell(_) => {}
                Output::Answer { ask, .. } => assert!(self.answered.insert(ask), "answered twice"),
                Output::GetToken => panic!("no token was refused"),
                Output::Over => self.over = true,
            }
        }
        assert!(!self.over, "nobody else superseded it");
    }

    fn say(&mut self, message: impl Into<ServerMessage>) {
        if let Some(down) = self.down.get_mut(&self.attached) {
            down.push_back(Down::Message(message.into()));
        }
    }

    fn session_hears(&mut self) {
        let Some((&connection, down)) = self.down.iter_mut().find(|(_, d)| !d.is_empty()) else {
            return;
        };
        match down.pop_front() {
            Some(Down::Message(message)) => {
                if connection == self.attached && answers_signal(&message) {
                    self.said.unanswered -= 1;
                }
                self.rig.on(Input::Message {
                    connection,
                    message,
                });
            }
            Some(Down::Close(code)) => {
                self.down.remove(&connection);
                self.rig.close(connection, code);
            }
            None => {}
        }
    }

    fn gateway_hears(&mut self) {
        let said = self.up.get_mut(&self.attached);
        let Some(said) = said.and_then(VecDeque::pop_front) else {
            return;
        };
        if let Some(id) = said.id() {
            let is_repeat = matches!(said, Say::Signal { .. }) && id <= self.said.repeats_until;
            let rises = if is_repeat {
                id >= self.said.last
            } else {
                id > self.last_id
            };
            assert!(rises, "{id} after {} and {}", self.said.last, self.last_id);
            self.said.last = id;
            self.last_id = self.last_id.max(id);
        }
        self.answer(said);
    }

    fn answer(&mut self, said: Say) {
        let other = self.other;
        match said {
            Say::Signal { id, to, .. } => {
                self.said.unanswered += 1;
                assert!(self.said.unanswered <= self.in_flight, "too many in flight");
                if !self.is_member {
                    return self.say(refused(id, ErrorCode::NotAMember, None));
                }
                if to.is_none() {
                    let to = Some(vec![other]);
                    self.say(Done { re: id, to });
                }
                self.say(delivered(id, other));
            }
            Say::Join { id, .. } if self.is_member => {
                self.say(refused(id, ErrorCode::AlreadyJoined, None));
            }
            Say::Join { id, .. } => {
                self.is_member = true;
                self.revision += 1;
                let snapshot = self.rig.snapshot("r", self.revision, &[other]);
                self.say(Joined {
                    re: id,
                    room: snapshot.room,
                    revision: snapshot.revision,
                    capacity: snapshot.capacity,
                    members: snapshot.members,
                    media: None,
                });
            }
            Say::Leave { id, room } => {
                self.is_member = false;
                self.unacknowledged.clear();
                self.say(Left { re: id, room });
            }
            Say::Refresh { id, .. } => self.say(Done { re: id, to: None }),
            Say::State { id, .. } if self.is_member => self.say(Done { re: id, to: None }),
            Say::State { id, .. } => self.say(refused(id, ErrorCode::Forbidden, None)),
            Say::Received(received) => {
                assert!(
                    received.id <= self.handled,
                    "a receipt of what was not handled"
                );
                self.unacknowledged = self.unacknowledged.split_off(&(received.id + 1));
            }
            Say::Ping => self.say(switchboard_protocol::server_message::Pong { re: None }),
            // It moved to where nobody knows it.
            Say::Bye(_) => self.forgotten = true,
        }
    }

    fn other_sends(&mut self) {
        if self.is_member {
            self.sent += 1;
            self.unacknowledged.insert(self.sent);
            self.say(heard(self.other, self.sent));
        }
    }

    fn repeat_signals(&mut self) {
        for id in self.unacknowledged.clone() {
            self.say(heard(self.other, id));
        }
    }

    fn application_handles(&mut self) {
        if let Some((me, id)) = self.told.pop_front() {
            if me == self.rig.me {
                self.handled = id;
            }
            let from = self.other;
            self.rig.on(Input::Handled { me, from, id });
        }
    }

    /// Less than it takes for a close frame to come through.
    fn pass_time(&mut self) {
        let mut coming = self.down.values().flatten();
        if coming.any(|down| matches!(down, Down::Close(_))) {
            return self.session_hears();
        }
        if self.rig.session.wake_at().is_some() {
            self.rig.wake();
        }
    }

    fn lose_connection(&mut self) {
        if let Some(connection) = self.rig.session.connection() {
            self.down.remove(&connection);
            let why = lost();
            self.rig.on(Input::Ended { connection, why });
        }
    }

    fn forget(&mut self) {
        if self.rig.session.connection().is_none() {
            self.forgotten = true;
            self.up.clear();
        }
    }
}

fn answers_signal(message: &ServerMessage) -> bool {
    match message {
        ServerMessage::Delivered(_) => true,
        ServerMessage::Error(error) => error.code == ErrorCode::NotAMember,
        _ => false,
    }
}

fn limits(in_flight: u32) -> Limits {
    Limits {
        in_flight,
        ..LIMITS
    }
}
