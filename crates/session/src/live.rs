//! A session that has said hello: what each of its messages leads to.
//!
//! This file is the table; the parts decide and keep what they need for that.
//!
//! ```text
//! signals     may it be relayed? its id, the room, the token
//! requests    what is answered at once or queued
//! joins       which rooms the session may enter, and how large they may be
//! rooms       where it is; operations, one after another
//! rates       how often it may speak, how much, and to how many
//! heartbeat   pings and silence
//! expiry      the end of the client's token
//! ```

mod expiry;
mod heartbeat;
mod joins;
mod rates;
mod requests;
mod rooms;
mod signals;

use std::borrow::Cow;
use std::sync::Arc;
use std::time::{Duration, Instant};

use switchboard_protocol::client_message::{Join, Received, Signal};
use switchboard_protocol::{
    ClientMessage, CloseCode, DecodeError, ErrorCode, RoomId, ServerMessage,
};

use crate::authorization::Authorization;
use crate::grants::Grants;
use crate::operation::{Operation, Refused, RoomName};
use crate::{Closing, Rules};
use expiry::Expiry;
use heartbeat::Heartbeat;
use rates::Rates;
use rooms::Rooms;
use signals::SignalIds;

/// Something that happens to a session.
#[derive(Debug)]
pub enum Input<'a> {
    /// The client said something.
    Message(ClientMessage<'a>),
    /// The client wants to enter a room in a way that the native protocol has no words for.
    Enter(Enter<'a>),
    /// The client asks for something that its dialect answers by itself: is it within the rate of requests?
    Ask {
        /// The request's id.
        id: u64,
        /// About the length of the answer.
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
    /// The client signals to the member that has this name in the room, for which the native protocol has no words either.
    SignalToName(SignalToName<'a>),
    /// The client said something that cannot be read.
    Broken(DecodeError),
    /// A sign of life without content: a WebSocket pong.
    Alive,
    /// The client's new token says so, or will have once [`Operation::Refresh`] is [performed](Self::Performed).
    Authorized(Authorization),
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

impl<'a> Input<'a> {
    /// A signal, for the member of that name in the room where there is one.
    pub fn signal(signal: Signal<'a>, name: Option<&'a str>) -> Self {
        match name {
            None => Self::Message(ClientMessage::Signal(signal)),
            Some(name) => Self::SignalToName(SignalToName {
                signal,
                name: name.into(),
            }),
        }
    }
}

/// What follows.
#[derive(Debug, PartialEq)]
pub enum Output<'a> {
    /// Tell the client.
    Send(ServerMessage),
    /// Tell the client that its request is refused.
    Refuse {
        /// The request's id, where it has one that could be read.
        re: Option<u64>,
        /// Why.
        refused: Refused,
    },
    /// The client's dialect may answer this request now; the answer's bytes count among those that wait for the client.
    Allow {
        /// The request's id.
        id: u64,
        /// See [`Input::Ask`].
        bytes: usize,
    },
    /// Carry this out and come back with [`Input::Performed`]; the next comes only then.
    Perform(Operation),
    /// Pass this on to whom it is for.
    Relay(Signal<'a>, Repetition),
    /// Pass this on to the member that has this name.
    RelayToName(SignalToName<'a>),
    /// The client has handled signals.
    Received(Received),
    /// The client of a resumed session has heard its welcome.
    Prove,
    /// The client's token does not cover this room any more: take the session out of it.
    Expel(RoomId),
    /// Tell the client ICE servers with new credentials, if there are some, and say [when again](Live::renew_ice_servers_at).
    RenewIceServers,
    /// Send a WebSocket ping.
    Ping,
    /// It is over.
    Close(Closing),
}

/// Whether a signal may have been sent before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Repetition {
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
    rooms: Rooms,
    rates: Rates,
    signal_ids: SignalIds,
    heartbeat: Heartbeat,
    expiry: Option<Box<Expiry>>,
    /// When it gets other ICE servers.
    renew_ice_at: Option<Instant>,
    /// The client has said nothing since it resumed.
    unproven: bool,
    /// In a row.
    bad_messages: u32,
}

impl Live {
    /// A session whose hello was accepted at `now`.
    pub fn new(rules: Arc<Rules>, authorization: Authorization, now: Instant) -> Self {
        Self {
            expiry: Expiry::of(&authorization, now),
            renew_ice_at: None,
            grants: Box::new(authorization.grants),
            rooms: Rooms::default(),
            rates: Rates::new(&rules, now),
            signal_ids: SignalIds::new(now),
            heartbeat: Heartbeat::new(&rules, now),
            unproven: false,
            bad_messages: 0,
            rules,
        }
    }

    /// A session that goes on over a new connection, in the rooms it was in.
    pub fn resumed(
        rules: Arc<Rules>,
        authorization: Authorization,
        rooms: impl Iterator<Item = RoomId>,
        now: Instant,
    ) -> Self {
        Self {
            rooms: Rooms::resumed(rooms),
            signal_ids: SignalIds::resumed(&rules, now),
            unproven: true,
            ..Self::new(rules, authorization, now)
        }
    }

    /// When to come with [`Input::Tick`], at the latest.
    pub fn wake_at(&self) -> Instant {
        let heartbeat = self.heartbeat.wake_at(&self.rules);
        let expiry = self.expiry.as_ref().map(|expiry| expiry.wake_at());
        let others = expiry.into_iter().chain(self.renew_ice_at);
        others.fold(heartbeat, Instant::min)
    }

    /// What the client's token lets it do now.
    pub fn grants(&self) -> &Grants {
        &self.grants
    }

    /// At this moment [`Output::RenewIceServers`] follows. `None`: the client keeps those that it has.
    pub fn renew_ice_servers_at(&mut self, at: Option<Instant>) {
        self.renew_ice_at = at;
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
                self.refuse_within_rate(re, Refused::new(code, words), now, out);
            }
            Input::SignalToName(to_name) => {
                self.heard(now, out);
                out.push(match self.signal(&to_name.signal, now) {
                    Ok(_) => Output::RelayToName(to_name),
                    Err(refused) => refusal(Some(to_name.signal.id), refused),
                });
            }
            Input::Broken(error) => {
                self.heartbeat.heard(now);
                self.broken(error, now, out);
            }
            Input::Alive => self.heartbeat.heard(now),
            Input::Performed(result) => self.rooms.performed(result, out),
            Input::RoomGone(room) => self.rooms.forget(room),
            Input::Authorized(authorization) => {
                self.expiry = Expiry::of(&authorization, now);
                *self.grants = authorization.grants;
                self.rooms.narrow(&self.grants, out);
            }
            Input::Tick => {
                self.rates.begin();
                let expiry = self.expiry.as_mut();
                out.extend(expiry.and_then(|expiry| expiry.tick(now)));
                if self.renew_ice_at.take_if(|at| *at <= now).is_some() {
                    out.push(Output::RenewIceServers);
                }
                out.extend(self.heartbeat.tick(&self.rules, now));
            }
        }
    }

    /// What each message of the native protocol leads to; other dialects say most things in its words too.
    fn message<'a>(&mut self, message: ClientMessage<'a>, now: Instant, out: &mut Vec<Output<'a>>) {
        let id = message.id();
        let refused = match message {
            ClientMessage::Signal(signal) => match self.signal(&signal, now) {
                Ok(origin) => return out.push(Output::Relay(signal, origin)),
                Err(refused) => refused,
            },
            ClientMessage::Received(received) => return out.push(Output::Received(received)),
            ClientMessage::Bye(bye) => {
                let closing = Closing {
                    hold: bye.hold_ms.map(Duration::from_millis),
                    ..Closing::new(CloseCode::Bye)
                };
                return out.push(Output::Close(closing));
            }
            message => match self.request(message, now) {
                Ok(Some(output)) => return out.push(output),
                Ok(None) => return self.rooms.perform_next(out),
                Err(refused) => refused,
            },
        };
        out.push(refusal(id, refused));
    }

    /// The client said something that can be read.
    fn heard(&mut self, now: Instant, out: &mut Vec<Output<'_>>) {
        self.heartbeat.heard(now);
        self.bad_messages = 0;
        if std::mem::take(&mut self.unproven) {
            out.push(Output::Prove);
        }
    }

    /// The client sent a frame of so many bytes. The caller says so before it gives the session what is in the frame; an error
    /// is how the session ends for that.
    pub fn frame(&mut self, bytes: usize, now: Instant) -> Result<(), Closing> {
        if self.signal_ids.take_repeated_bytes(bytes) {
            self.rates.begin();
            return Ok(());
        }
        self.rates.frame(bytes, &self.rules, now)
    }

    /// Whether the session may make the cluster write `bytes` to each of so many members; if so, that counts from then on.
    /// The caller asks before it relays a signal that has no receiver of its own, and before it carries out an operation
    /// that a whole room is told of.
    pub fn spread(&mut self, bytes: usize, members: usize, now: Instant) -> Result<(), Refused> {
        self.rates.spread(bytes, members, &self.rules, now)
    }
}

/// What the client is told whose request is refused.
fn refusal(re: Option<u64>, refused: Refused) -> Output<'static> {
    Output::Refuse { re, refused }
}

#[cfg(test)]
pub(crate) mod tests;
