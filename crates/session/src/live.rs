//! A session that has said hello: what each of its messages leads to.

use std::borrow::Cow;
use std::collections::VecDeque;
use std::sync::Arc;
use std::time::{Duration, Instant};

use switchboard_protocol::client_message::{Join, Leave, Received, Signal, State};
use switchboard_protocol::limits::BAD_MESSAGES_MAX;
use switchboard_protocol::server_message::{Done, Left, Pong};
use switchboard_protocol::{
    ClientMessage, CloseCode, DecodeError, ErrorCode, RoomId, ServerMessage,
};

use crate::grants::{Ability, Grants};
use crate::operation::{Operation, Refused, RoomName};
use crate::rate_limit::RateLimit;
use crate::{Closing, Rules};

/// Requests that may wait behind the one that is being carried out.
const WAITING_MAX: usize = 64;

/// What a request makes the node write or read beyond its own size counts as another request for each so many bytes.
const REQUEST_BYTES: usize = 4096;

/// What is said to many counts by units of so many bytes.
const SPREAD_UNIT: usize = 1024;

/// What may be said to many at once after a pause, in seconds of the rate.
const SPREAD_BURST: u32 = 4;

/// After a resume, a signal counts as a repeat for so long at most.
const REPEATS_WITHIN: Duration = Duration::from_secs(10);

/// Something that happens to a session.
#[derive(Debug)]
pub enum Input<'a> {
    /// The client said something.
    Message(ClientMessage<'a>),
    /// The client wants to enter a room in a way that the native protocol has no words for.
    Enter(Enter<'a>),
    /// The client asks for something that its dialect answers by itself, with about so many bytes: may it?
    Ask {
        /// The request's id.
        id: u64,
        /// What the answer has besides its own few words.
        bytes: usize,
    },
    /// The client asks for something that its dialect knows to lead to nothing.
    Unfit {
        /// The request's id, where its dialect gave it one.
        re: Option<u64>,
        /// For programs.
        code: ErrorCode,
        /// For people.
        words: Cow<'a, str>,
    },
    /// The client signals to whoever has a name in the room, for which the native protocol has no words either.
    SignalToName(SignalToName<'a>),
    /// The client said something that cannot be read.
    Broken(DecodeError),
    /// A sign of life without content: a WebSocket pong.
    Alive,
    /// What became of the last [`Output::Perform`].
    Performed(Result<(), Refused>),
    /// The cluster took the session out of a room.
    RoomGone(&'a RoomId),
    /// Time passed, see [`Live::wake_at`].
    Tick,
}

/// A join as other dialects know it.
#[derive(Debug)]
pub struct Enter<'a> {
    /// Its capacity is what the dialect's rooms usually have; where less is allowed, that is meant.
    pub join: Join<'a>,
    /// What the member is called there, where that is not what the session is called.
    pub name: Option<RoomName>,
}

/// A signal to a member that its sender knows by name only.
#[derive(Debug, PartialEq)]
pub struct SignalToName<'a> {
    /// Its `to` says nothing.
    pub signal: Signal<'a>,
    /// As the member is called in the room.
    pub name: Cow<'a, str>,
}

/// What follows.
#[derive(Debug, PartialEq)]
pub enum Output<'a> {
    /// Tell the client.
    Send(ServerMessage),
    /// Tell the client that its dialect may answer this request now, in about so many bytes: they count as those that wait.
    Allow {
        /// The request's id.
        id: u64,
        /// See [`Input::Ask`].
        bytes: usize,
    },
    /// Carry this out and come back with [`Input::Performed`]; the next comes only then.
    Perform(Operation),
    /// Pass this on to whom it is for.
    Relay(Signal<'a>, Origin),
    /// Pass this on to whoever has that name.
    RelayToName(SignalToName<'a>),
    /// The client has handled signals.
    Received(Received),
    /// The client of a resumed session has heard its welcome.
    Prove,
    /// Send a WebSocket ping.
    Ping,
    /// It is over.
    Close(Closing),
}

/// What a signal may be besides a new one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Origin {
    /// It is new.
    New,
    /// Its client may have sent it over an earlier connection: it may have arrived.
    PerhapsRepeated,
}

/// A live session.
#[derive(Debug)]
pub struct Live {
    rules: Arc<Rules>,
    grants: Box<Grants>,
    rooms: Vec<RoomId>,
    /// Rooms whose leave got no answer: they may be left again, or joined.
    half_left: Vec<RoomId>,
    performing: Option<Box<Operation>>,
    waiting: VecDeque<Operation>,
    signals: RateLimit,
    requests: RateLimit,
    /// What it makes the cluster write to whole rooms, in [`SPREAD_UNIT`]s.
    spread: RateLimit,
    last_signal: u64,
    /// So many signals after a resume are free of the rate, and may repeat the id before, each to another receiver.
    repeats_left: u32,
    /// Repeats come at once.
    repeats_until: Instant,
    /// The client has said nothing since it resumed.
    unproven: bool,
    /// In a row.
    bad_messages: u32,
    heard_at: Instant,
    ping_at: Instant,
}

impl Live {
    /// A session whose hello was accepted at `now`.
    pub fn new(rules: Arc<Rules>, grants: Grants, now: Instant) -> Self {
        let rate = || RateLimit::new(rules.limits.signals_per_second, rules.limits.burst, now);
        Self {
            signals: rate(),
            requests: rate(),
            spread: spread_limit(rules.fan_out_bytes_per_second, now),
            grants: Box::new(grants),
            rooms: Vec::new(),
            half_left: Vec::new(),
            performing: None,
            waiting: VecDeque::new(),
            last_signal: 0,
            repeats_left: 0,
            repeats_until: now,
            unproven: false,
            bad_messages: 0,
            heard_at: now,
            ping_at: now + rules.heartbeat,
            rules,
        }
    }

    /// A session that goes on over a new connection, in the rooms it was in.
    pub fn resumed(
        rules: Arc<Rules>,
        grants: Grants,
        rooms: impl Iterator<Item = RoomId>,
        now: Instant,
    ) -> Self {
        Self {
            rooms: rooms.collect(),
            repeats_left: rules.limits.in_flight,
            repeats_until: now + REPEATS_WITHIN,
            unproven: true,
            ..Self::new(rules, grants, now)
        }
    }

    /// When to come with [`Input::Tick`], at the latest.
    pub fn wake_at(&self) -> Instant {
        self.ping_at
            .min(self.heard_at + self.rules.heartbeat_timeout)
    }

    /// Takes an input and appends what follows from it.
    pub fn on<'a>(&mut self, input: Input<'a>, now: Instant, out: &mut Vec<Output<'a>>) {
        match input {
            Input::Message(message) => {
                self.heard(now, out);
                self.message(message, now, out);
            }
            Input::Enter(enter) => {
                self.heard(now, out);
                self.enter(enter, now, out);
            }
            Input::Ask { id, bytes } => {
                self.heard(now, out);
                self.ask(id, bytes, now, out);
            }
            Input::Unfit { re, code, words } => {
                self.heard(now, out);
                let refused = self.take_request(1, now).err();
                let refused = refused.unwrap_or_else(|| Refused::new(code, words));
                out.push(Output::Send(refused.to_error(re).into()));
            }
            Input::SignalToName(to_name) => {
                self.heard(now, out);
                out.push(match self.signal(&to_name.signal, now) {
                    Ok(_) => Output::RelayToName(to_name),
                    Err(refused) => Output::Send(refused.to_error(Some(to_name.signal.id)).into()),
                });
            }
            Input::Broken(error) => {
                self.heard_at = now;
                self.broken(error, now, out);
            }
            Input::Alive => self.heard_at = now,
            Input::Performed(result) => self.performed(result, out),
            Input::RoomGone(room) => self.rooms.retain(|known| known != room),
            Input::Tick => self.tick(now, out),
        }
    }

    /// The client said something that can be read.
    fn heard(&mut self, now: Instant, out: &mut Vec<Output<'_>>) {
        self.heard_at = now;
        self.bad_messages = 0;
        if std::mem::take(&mut self.unproven) {
            out.push(Output::Prove);
        }
    }

    fn message<'a>(&mut self, message: ClientMessage<'a>, now: Instant, out: &mut Vec<Output<'a>>) {
        let id = message.id();
        let refused = match message {
            ClientMessage::Signal(signal) => match self.signal(&signal, now) {
                Ok(origin) => return out.push(Output::Relay(signal, origin)),
                Err(refused) => refused,
            },
            ClientMessage::Received(received) => return out.push(Output::Received(received)),
            ClientMessage::Bye(bye) => {
                let hold = bye.hold_ms.map(Duration::from_millis);
                return out.push(Output::Close(Closing {
                    hold,
                    ..Closing::new(CloseCode::Bye)
                }));
            }
            message => match self.request(message, now) {
                Ok(Some(output)) => return out.push(output),
                Ok(None) => return self.perform_next(out),
                Err(refused) => refused,
            },
        };
        out.push(Output::Send(refused.to_error(id).into()));
    }

    /// Whether a signal may be relayed.
    fn signal(&mut self, signal: &Signal<'_>, now: Instant) -> Result<Origin, Refused> {
        let is_repeat = self.repeats_left > 0;
        let may_be_same = is_repeat || now < self.repeats_until;
        let is_same = may_be_same && signal.id == self.last_signal && signal.to.is_some();
        if signal.id <= self.last_signal && !is_same {
            let message = format!(
                "id {} is not above {}, the one before: ids rise",
                signal.id, self.last_signal
            );
            return Err(Refused::new(ErrorCode::BadMessage, message));
        }
        self.last_signal = signal.id;
        if !self.rooms.iter().any(|room| room.as_str() == signal.room) {
            return Err(not_a_member(&signal.room));
        }
        if self.grants.hidden || !self.grants.can.has(Ability::Signal) {
            return Err(Refused::new(
                ErrorCode::Forbidden,
                "your token does not allow you to signal",
            ));
        }
        if is_repeat {
            self.repeats_left -= 1;
            return Ok(if now < self.repeats_until {
                Origin::PerhapsRepeated
            } else {
                Origin::New
            });
        }
        self.signals
            .take(now)
            .map_err(|pause| self.too_many(pause))?;
        Ok(Origin::New)
    }

    /// Counts one more request, or so many.
    fn take_request(&mut self, cost: u32, now: Instant) -> Result<(), Refused> {
        let taken = self.requests.spend(cost, now);
        taken.map_err(|pause| self.too_many(pause))
    }

    fn too_many(&self, pause: Duration) -> Refused {
        let message = format!(
            "more than {} messages a second (limits.signals_per_second); slow down",
            self.rules.limits.signals_per_second
        );
        Refused::for_now(ErrorCode::RateLimited, message, pause)
    }

    fn ask(&mut self, id: u64, bytes: usize, now: Instant, out: &mut Vec<Output<'_>>) {
        let cost = 1 + bytes / REQUEST_BYTES;
        let cost = u32::try_from(cost).unwrap_or(u32::MAX);
        out.push(match self.take_request(cost, now) {
            Ok(()) => Output::Allow { id, bytes },
            Err(refused) => Output::Send(refused.to_error(Some(id)).into()),
        });
    }

    /// Whether the session may make the cluster write `bytes` to each of so many members, which counts from then on. To be
    /// asked before a signal is relayed that has no receiver of its own, and before an operation is carried out that a
    /// whole room is told of.
    pub fn spread(&mut self, bytes: usize, members: usize, now: Instant) -> Result<(), Refused> {
        let units = bytes.saturating_mul(members) / SPREAD_UNIT;
        let units = u32::try_from(units).unwrap_or(u32::MAX);
        self.spread.spend(units, now).map_err(|pause| {
            let message = format!(
                "what you say to rooms is more than {} bytes a second, each counted for all its receivers \
                 (limits.fan_out_bytes_per_second); slow down",
                self.rules.fan_out_bytes_per_second
            );
            Refused::for_now(ErrorCode::RateLimited, message, pause)
        })
    }

    /// Queues what has to wait for the cluster; gives what has not.
    fn request<'a>(
        &mut self,
        message: ClientMessage<'a>,
        now: Instant,
    ) -> Result<Option<Output<'a>>, Refused> {
        self.take_request(1, now)?;
        let operation = match message {
            ClientMessage::Ping(ping) => {
                return Ok(Some(Output::Send(Pong { re: ping.id }.into())));
            }
            ClientMessage::Join(join) => {
                let capacity = self.capacity(join.capacity)?;
                self.join(join, capacity, None)?
            }
            ClientMessage::Leave(leave) => self.leave(&leave)?,
            ClientMessage::State(state) => self.state(state)?,
            _ => {
                return Err(Refused::new(
                    ErrorCode::BadMessage,
                    "hello was said already",
                ));
            }
        };
        self.wait(operation)?;
        Ok(None)
    }

    fn enter(&mut self, enter: Enter<'_>, now: Instant, out: &mut Vec<Output<'_>>) {
        let id = enter.join.id;
        let entered = self
            .take_request(1, now)
            .and_then(|()| self.enter_or_rename(enter))
            .and_then(|operation| self.wait(operation));
        match entered {
            Ok(()) => self.perform_next(out),
            Err(refused) => out.push(Output::Send(refused.to_error(Some(id)).into())),
        }
    }

    /// Whoever claims a name in a room that it is in already takes that name there.
    fn enter_or_rename(&self, enter: Enter<'_>) -> Result<Operation, Refused> {
        let Enter { join, name } = enter;
        let room = room_id(&join.room)?;
        match name {
            Some(name) if name.claim.is_some() && self.is_in_or_joining(&room) => {
                Ok(Operation::Rename {
                    re: join.id,
                    room,
                    name,
                })
            }
            name => {
                let capacity = self.capacity_within(join.capacity);
                self.join(join, capacity, name)
            }
        }
    }

    fn wait(&mut self, operation: Operation) -> Result<(), Refused> {
        if self.waiting.len() >= WAITING_MAX {
            let message = format!("{WAITING_MAX} requests are waiting; wait for answers");
            return Err(Refused::new(ErrorCode::RateLimited, message));
        }
        self.waiting.push_back(operation);
        Ok(())
    }

    fn join(
        &self,
        join: Join<'_>,
        capacity: u32,
        name: Option<RoomName>,
    ) -> Result<Operation, Refused> {
        let room = room_id(&join.room)?;
        if !self.grants.covers(&room) {
            return Err(Refused::new(
                ErrorCode::Forbidden,
                format!("your token does not cover the room {room}"),
            ));
        }
        if !self.grants.can.has(Ability::Join) {
            return Err(Refused::new(
                ErrorCode::Forbidden,
                "your token does not allow you to join rooms",
            ));
        }
        if self.is_in_or_joining(&room) {
            return Err(Refused::new(
                ErrorCode::AlreadyJoined,
                format!("you are in the room {room} already"),
            ));
        }
        let joining = self
            .operations()
            .filter(|operation| matches!(operation, Operation::Join { .. }))
            .count();
        if self.rooms.len() + joining >= self.rules.rooms_max {
            let message = format!(
                "you are in {} rooms, as many as allowed; leave one first",
                self.rules.rooms_max
            );
            return Err(Refused::new(ErrorCode::TooManyRooms, message));
        }
        let may_create = self.grants.can.has(Ability::Create);
        Ok(Operation::Join {
            re: join.id,
            room,
            capacity,
            may_create,
            state: join.state.unwrap_or_default(),
            name,
        })
    }

    /// The capacity of a room that this session creates.
    fn capacity(&self, wanted: Option<u32>) -> Result<u32, Refused> {
        let most = self.capacity_max();
        if wanted.is_none_or(|wanted| wanted <= most) {
            return Ok(self.capacity_within(wanted));
        }
        Err(if self.grants.capacity == Some(most) {
            let message = format!("your token allows a capacity of {most} at most");
            Refused::new(ErrorCode::Forbidden, message)
        } else {
            let message = format!("a room's capacity is {most} at most");
            Refused::new(ErrorCode::TooLarge, message)
        })
    }

    /// The same, where more than is allowed means as much as is allowed.
    fn capacity_within(&self, wanted: Option<u32>) -> u32 {
        let wanted = wanted.unwrap_or(self.rules.room_capacity);
        wanted.min(self.capacity_max())
    }

    fn capacity_max(&self) -> u32 {
        let granted = self.grants.capacity.unwrap_or(u32::MAX);
        self.rules.room_capacity_max.min(granted)
    }

    fn leave(&mut self, leave: &Leave<'_>) -> Result<Operation, Refused> {
        let room = room_id(&leave.room)?;
        if !self.is_in_or_joining(&room) && !self.half_left.contains(&room) {
            return Err(not_a_member(&leave.room));
        }
        Ok(Operation::Leave { re: leave.id, room })
    }

    fn state(&mut self, state: State<'_>) -> Result<Operation, Refused> {
        let room = room_id(&state.room)?;
        if !self.is_in_or_joining(&room) {
            return Err(not_a_member(&state.room));
        }
        if !self.grants.can.has(Ability::State) {
            return Err(Refused::new(
                ErrorCode::Forbidden,
                "your token does not allow you to change your state",
            ));
        }
        Ok(Operation::Update {
            re: state.id,
            room,
            patch: state.state,
        })
    }

    /// As things will be when the operations before are done, if they succeed.
    fn is_in_or_joining(&self, wanted: &RoomId) -> bool {
        let last = self.operations().filter_map(|operation| match operation {
            Operation::Join { room, .. } if room == wanted => Some(true),
            Operation::Leave { room, .. } if room == wanted => Some(false),
            _ => None,
        });
        last.last().unwrap_or_else(|| self.rooms.contains(wanted))
    }

    fn operations(&self) -> impl Iterator<Item = &Operation> {
        self.performing.as_deref().into_iter().chain(&self.waiting)
    }

    fn perform_next(&mut self, out: &mut Vec<Output<'_>>) {
        if self.performing.is_some() {
            return;
        }
        let Some(next) = self.waiting.pop_front() else {
            return self.waiting = VecDeque::new();
        };
        if let Operation::Leave { room, .. } | Operation::Join { room, .. } = &next {
            self.rooms.retain(|known| known != room);
            self.half_left.retain(|known| known != room);
        }
        self.performing = Some(Box::new(next.clone()));
        out.push(Output::Perform(next));
    }

    fn performed(&mut self, result: Result<(), Refused>, out: &mut Vec<Output<'_>>) {
        let Some(operation) = self.performing.take() else {
            return;
        };
        let re = operation.re();
        match (*operation, result) {
            (Operation::Join { room, .. }, Ok(())) => self.rooms.push(room),
            (Operation::Leave { room, .. }, Ok(())) => {
                out.push(Output::Send(Left { re, room }.into()))
            }
            (Operation::Update { .. } | Operation::Rename { .. }, Ok(())) => {
                out.push(Output::Send(Done { re, to: None }.into()))
            }
            (Operation::Leave { room, .. }, Err(refused)) => {
                self.half_left.push(room);
                out.push(Output::Send(refused.to_error(Some(re)).into()));
            }
            (_, Err(refused)) => out.push(Output::Send(refused.to_error(Some(re)).into())),
        }
        self.perform_next(out);
    }

    fn broken(&mut self, error: DecodeError, now: Instant, out: &mut Vec<Output<'_>>) {
        self.bad_messages += 1;
        let message = error.to_string();
        if self.bad_messages >= BAD_MESSAGES_MAX {
            return out.push(Output::Close(Closing::because(
                CloseCode::Protocol,
                message,
            )));
        }
        let refused = self.take_request(1, now).err();
        let refused = refused.unwrap_or_else(|| Refused::new(error.code, message));
        out.push(Output::Send(refused.to_error(error.re).into()));
    }

    fn tick(&mut self, now: Instant, out: &mut Vec<Output<'_>>) {
        if now >= self.heard_at + self.rules.heartbeat_timeout {
            return out.push(Output::Close(Closing::because(
                CloseCode::Timeout,
                "nothing heard for too long",
            )));
        }
        if now >= self.ping_at {
            self.ping_at = now + self.rules.heartbeat;
            out.push(Output::Ping);
        }
    }
}

fn spread_limit(bytes_per_second: usize, now: Instant) -> RateLimit {
    let units = u32::try_from(bytes_per_second / SPREAD_UNIT).unwrap_or(u32::MAX);
    RateLimit::new(units, units.saturating_mul(SPREAD_BURST), now)
}

fn room_id(text: &str) -> Result<RoomId, Refused> {
    text.parse()
        .map_err(|error| Refused::new(ErrorCode::BadMessage, format!("field `room`: {error}")))
}

fn not_a_member(room: &str) -> Refused {
    Refused::new(
        ErrorCode::NotAMember,
        format!("you are not in the room {room}; join it first"),
    )
}

#[cfg(test)]
pub(crate) mod tests;
