//! What one peer may do and what follows: a plain state machine without socket, task or clock.
//!
//! A phase is a type. [`AwaitingHello`] can only be greeted; it has no way to relay. [`Live`] takes inputs and gives
//! outputs, `on(input, now) → outputs`; its caller (a WebSocket task, a library that owns its sockets, a
//! simulation) carries them out and comes back with what became of them. Here a session lasts as long as one connection;
//! what it was before comes in with [`Live::resumed`], and how long it is kept afterwards is said by [`Closing::holds`].
//!
//! ```text
//!            hello                  Input                     Output
//! AwaitingHello ──► (authenticate, attach   ──► Live ──► Send · Refuse · Allow · Perform · Relay · Received · Prove · Expel · Ping · Close
//!                    or resume)
//!                                               ▲                    │
//!                                               └── Performed ◄──────┘
//! ```

mod authorization;
mod awaiting_hello;
pub mod grants;
mod live;
mod operation;
mod outbox;
mod rate_limit;
mod rule;

use std::borrow::Cow;
use std::sync::Arc;
use std::time::Duration;

use switchboard_protocol::CloseCode;
use switchboard_protocol::close_code::Advice;
use switchboard_protocol::limits::Limits;

pub use authorization::Authorization;
pub use awaiting_hello::{AwaitingHello, Greeting};
pub use live::{Enter, Input, Live, Output, Repetition, SignalToName};
pub use operation::{Claim, Operation, Refused, RoomName, Token, millis_up};
pub use outbox::{Outbox, Overflow};
pub use rate_limit::RateLimit;
pub use rule::Rule;

/// What holds for every session of a node.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rules {
    /// From the connection to `hello`.
    pub hello_timeout: Duration,
    /// The node pings this often.
    pub heartbeat: Duration,
    /// Silence after which a connection counts as lost.
    pub heartbeat_timeout: Duration,
    /// A session that lost its connection is held for so long.
    pub resume_window: Duration,
    /// Told to clients in `welcome`.
    pub limits: Limits,
    /// Requests that a session may make: joins, leaves, states, pings and the like.
    pub requests_per_second: u32,
    /// What a client may send: bytes.
    pub bytes_per_second: usize,
    /// Bytes that may wait for a slow client.
    pub outbox_bytes_max: usize,
    /// What a session may make the cluster write to the members of its rooms.
    pub fan_out_bytes_per_second: usize,
    /// Capacity of a room whose creator says nothing.
    pub room_capacity: u32,
    /// The most that a creator may ask for.
    pub room_capacity_max: u32,
    /// How long a session outlives its token where its client cannot have another one. `None`: it does not end for that.
    pub outlives_token: Option<Duration>,
    /// Rooms that a session may be in.
    pub rooms_max: usize,
}

/// How a connection ends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Closing {
    /// Number and advice.
    pub code: CloseCode,
    /// Words for people, at most 123 bytes with what is added for programs (RFC 6455 section 5.5).
    pub reason: Arc<str>,
    /// When coming back helps.
    pub retry_after: Option<Duration>,
    /// The session is held for so long, as the client asked or as the limit that it reached deserves.
    pub hold: Option<Duration>,
    /// The limit that is the reason.
    pub rule: Option<Rule>,
}

impl Closing {
    /// With the words of the table.
    pub fn new(code: CloseCode) -> Self {
        Self::because(code, code.reason())
    }

    /// With words of its own.
    pub fn because(code: CloseCode, reason: impl Into<Arc<str>>) -> Self {
        Self {
            code,
            reason: reason.into(),
            retry_after: None,
            hold: None,
            rule: None,
        }
    }

    /// For how long the session keeps its places after this, where a lost connection keeps them for `window`; `None`: it
    /// leaves at once, for its client stays away.
    pub fn holds(&self, window: Duration) -> Option<Duration> {
        match self.code.advice() {
            Advice::Resume => Some(window),
            _ => self.hold.map(|hold| hold.min(window)),
        }
    }

    /// The client may come back after this.
    pub fn retry_after(mut self, pause: Duration) -> Self {
        self.retry_after = Some(pause);
        self
    }

    /// The reason, with the time after which coming back helps: for clients that are told nothing else.
    pub fn words(&self) -> Cow<'_, str> {
        match self.retry_after {
            Some(pause) => {
                let seconds = pause.as_millis().div_ceil(1000);
                format!("{}; come again in {seconds} s", self.reason).into()
            }
            None => (&*self.reason).into(),
        }
    }

    /// A limit is the reason.
    pub fn by(mut self, rule: Rule) -> Self {
        self.rule = Some(rule);
        self
    }
}
