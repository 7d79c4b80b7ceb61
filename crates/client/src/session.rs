//! What a client does, without socket, task or clock: a session that outlives its connections.
//!
//! ```text
//!  application ──Command──►┐                      ┌──Tell, Answer──► application
//!      gateway ──Message──►│ Session::on(…, now) ─┤──Say───────────► gateway
//!    connector ──Opened───►│   … and Time         └──Open, Close───► connector
//! ```
//!
//! [`Client`](crate::Client) drives one with sockets; a simulation drives the same with its own.
//!
//! A session keeps each signal until it is answered. When its connection is lost it opens another, anywhere, and says
//! who it was. If the gateway knows it still (`resumed`), what is unanswered is sent again before anything else, in
//! order and under its old ids; what changed in the rooms meanwhile is told by ordinary events. If not, it begins again
//! as another peer: signals end `unconfirmed`, rooms are entered again.
//!
//! A node that drains says so in time. Then the next connection is opened while this one serves on, and the session
//! moves over once it is welcomed there:
//!
//! ```text
//! old ══ drain ═══ signals ═══════════╗ (closed)
//! new              hello ─── welcome ─╚═ unanswered signals again ═══ signals ═══
//! ```
//!
//! The sources for all of it are sections 2.3 and 2.4 of the protocol: `docs/protocol.md`.

mod allowance;
mod answer;
mod command;
mod event;
mod expiry;
mod goodbye;
mod hear;
mod heartbeat;
mod in_flight;
mod input;
mod line;
mod resume;
mod rooms;
mod roster;
mod say;
mod speak;
mod streams;
mod token;
mod unanswered;
mod waiting;

use std::collections::VecDeque;
use std::io;
use std::sync::Arc;
use std::time::Instant;

use switchboard_protocol::PeerId;
use switchboard_protocol::server_message::Welcome;

use crate::connection::Disconnected;
use crate::reconnect::{Jitter, Reconnect};
use heartbeat::Beat;
use line::{Current, Lost};
use rooms::Rooms;
use streams::Streams;
use unanswered::Unanswered;

pub use answer::{Outcome, Outcomes, Reply, RequestError};
pub use command::{Command, Join, SetState, Signal};
pub use event::{ConnectionState, Event};
pub use input::{Ask, ConnectionId, Input, Output};
pub use say::Say;
pub use token::Token;

/// Commands that wait to be sent; one more is refused.
const QUEUED_MAX: usize = 4096;
/// Signals that wait for receivers that are slow to answer; no more commands are wanted with so many.
const SLOW_QUEUED_MAX: usize = 64;

/// Requests without an answer beyond which no commands are wanted; signals have bounds of their own on top.
const UNANSWERED_MAX: usize = 2048;

/// One client's session. See the [module](self).
#[derive(Debug)]
pub struct Session {
    reconnect: Reconnect,
    current: Option<Current>,
    /// The attempt under way.
    opening: Option<ConnectionId>,
    last_connection: ConnectionId,
    /// Where there is no connection, the end of the last one.
    lost: Option<Lost>,
    /// Until then, an earlier attempt may still supersede the connection in use.
    doubt_until: Option<Instant>,
    asked_for_token: bool,
    /// Of the present connection, or the last.
    welcome: Option<Arc<Welcome>>,
    rooms: Rooms,
    streams: Streams,
    unanswered: Unanswered,
    /// What is to be sent again before anything new, by id and receiver.
    repeats: VecDeque<(u64, Option<PeerId>)>,
    /// Commands that wait for a connection, for an answer, or for their time.
    queue: VecDeque<QueuedCommand>,
    /// All that is queued waits for receivers that are slow to answer: commands to others may go past it.
    queue_awaits_slow: bool,
    /// Of the last message that carried one; it rises over all connections.
    last_id: u64,
    reading: bool,
    /// Goodbye was said, and waits for its answer until then.
    leaving: Option<Instant>,
    over: bool,
    out: Vec<Output>,
}

/// A command, and who asked for it: nobody, where it is the session's own.
#[derive(Debug)]
struct QueuedCommand {
    ask: Option<Ask>,
    command: Command,
}

impl Session {
    /// One whose first connection, [`ConnectionId::FIRST`], is being opened. `jitter` is asked for a random pause up to
    /// a bound: [`full_jitter`](crate::reconnect::full_jitter), outside of tests.
    pub fn new(jitter: Jitter) -> Self {
        Self {
            reconnect: Reconnect::new(jitter),
            current: None,
            opening: Some(ConnectionId::FIRST),
            last_connection: ConnectionId::FIRST,
            lost: None,
            doubt_until: None,
            asked_for_token: false,
            welcome: None,
            rooms: Rooms::default(),
            streams: Streams::default(),
            unanswered: Unanswered::default(),
            repeats: VecDeque::new(),
            queue: VecDeque::new(),
            queue_awaits_slow: false,
            last_id: 0,
            reading: true,
            leaving: None,
            over: false,
            out: Vec::new(),
        }
    }

    /// Takes what happened and appends what follows, in order.
    pub fn on(&mut self, input: Input, now: Instant, out: &mut Vec<Output>) {
        match input {
            Input::Command { ask, command } => self.command(ask, command),
            _ if self.over => {}
            Input::Opened {
                connection,
                welcome,
            } => self.opened(connection, welcome, now),
            Input::Failed {
                connection,
                cause,
                why,
            } => self.failed(connection, cause, why, now),
            Input::Ended { connection, why } => self.ended(connection, why, now),
            Input::Message {
                connection,
                message,
            } => {
                // What one says that is not used any more, the next one says again.
                if self.serving() == Some(connection) {
                    self.hear(message, now);
                }
            }
            Input::Unsendable { id, error } => self.unsendable(id, error, now),
            Input::Handled { me, from, id } => {
                if self.peer() == Some(me) {
                    self.streams.handled(from, id);
                }
            }
            Input::Reading(reading) => self.reading = reading,
            Input::NewToken(token) => self.new_token(token, now),
            Input::Bye { hold } => self.bye(hold, now),
            Input::Time => {}
        }
        if !self.over {
            self.keep_time(now);
            self.say_what_waits(now);
        }
        out.append(&mut self.out);
    }

    /// When to say [`Input::Time`], at the latest.
    pub fn wake_at(&self) -> Option<Instant> {
        if self.over {
            return None;
        }
        if self.leaving.is_some() {
            return self.leaving;
        }
        let current = self.current.as_ref();
        [
            self.reconnect.wake_at(),
            current.map(|current| current.heartbeat.deadline()),
            current.and_then(|current| current.rate_limited_until),
            current.and_then(|_| self.rooms.next_retry()),
            current.and_then(|current| current.expiry.as_ref()?.wake_at()),
        ]
        .into_iter()
        .flatten()
        .min()
    }

    /// Appends the receipts that became due: one for each sender, however long they waited. To be asked for after each
    /// input, where there is room in the socket.
    pub fn receipts(&mut self, out: &mut Vec<Output>) {
        let Some(connection) = self.serving() else {
            return;
        };
        let receipts = self.streams.take_receipts();
        out.extend(receipts.map(|received| Output::Say {
            connection,
            message: Say::Received(received),
        }));
    }

    /// Whether another command can be carried out now. One more is taken all the same; many are refused.
    pub fn wants_command(&self) -> bool {
        let may_queue =
            self.queue.is_empty() || self.queue_awaits_slow && self.queue.len() < SLOW_QUEUED_MAX;
        may_queue && self.unanswered.len() < UNANSWERED_MAX
    }

    /// Who this session is to others, since it was welcomed first.
    pub fn peer(&self) -> Option<PeerId> {
        Some(self.welcome.as_ref()?.peer)
    }

    /// What the present connection, or the last one, was welcomed with, without the rooms.
    pub fn welcome(&self) -> Option<&Arc<Welcome>> {
        self.welcome.as_ref()
    }

    /// The connection in use.
    pub fn connection(&self) -> Option<ConnectionId> {
        Some(self.current.as_ref()?.connection)
    }

    /// The connection in use, unless goodbye was said on it.
    fn serving(&self) -> Option<ConnectionId> {
        self.connection().filter(|_| self.leaving.is_none())
    }

    fn command(&mut self, ask: Ask, command: Command) {
        let refusal = if self.over || self.leaving.is_some() {
            RequestError::Over
        } else if self.queue.len() >= QUEUED_MAX {
            RequestError::Overloaded
        } else {
            let ask = Some(ask);
            return self.queue.push_back(QueuedCommand { ask, command });
        };
        self.refuse(Some(ask), &command, refusal);
    }

    fn keep_time(&mut self, now: Instant) {
        if let Some(until) = self.leaving {
            if now >= until {
                self.end(None);
            }
            return;
        }
        if let Some(current) = &mut self.current {
            let connection = current.connection;
            match current.heartbeat.beat(now, self.reading) {
                Beat::Nothing => {}
                Beat::Ping => self.say(connection, Say::Ping),
                Beat::Lost => {
                    self.out.push(Output::Close { connection });
                    let why = Disconnected::Lost(io::ErrorKind::TimedOut);
                    self.ended(connection, why, now);
                }
            }
        }
        self.refresh_again(now);
        if self.reconnect.wake_at().is_some_and(|at| at <= now) {
            self.woken(now);
        }
        if self.current.is_some() {
            for join in self.rooms.due(now) {
                self.queue_own(Command::Join(join));
            }
        }
    }

    fn queue_own(&mut self, command: Command) {
        self.queue.push_front(QueuedCommand { ask: None, command });
    }

    fn refuse(&mut self, ask: Option<Ask>, command: &Command, error: RequestError) {
        let reply = match command {
            Command::Join(_) => Reply::Joined(Err(error)),
            Command::Leave(_) | Command::SetState(_) => Reply::Done(Err(error)),
            Command::Signal(_) => Reply::Signal(Err(error)),
        };
        self.answer(ask, reply);
    }

    fn answer(&mut self, ask: Option<Ask>, reply: Reply) {
        let answer = ask.map(|ask| Output::Answer { ask, reply });
        self.out.extend(answer);
    }

    fn say(&mut self, connection: ConnectionId, message: Say) {
        if let Some(current) = &mut self.current {
            current.unproven = false;
        }
        self.out.push(Output::Say {
            connection,
            message,
        });
    }

    fn tell(&mut self, event: Event) {
        self.out.push(Output::Tell(event));
    }
}

#[cfg(test)]
mod tests;
