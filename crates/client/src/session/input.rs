//! What a [`Session`](super::Session) is told, and what it wants done.

use std::sync::Arc;
use std::time::Duration;

use switchboard_protocol::client_message::Resume;
use switchboard_protocol::server_message::Welcome;
use switchboard_protocol::{PeerId, ServerMessage};

use super::{Command, Event, Reply, Say, Token};
use crate::connection::{ConnectError, Disconnected, FeedError};
use crate::reconnect::Cause;

/// One connection of a session, or the attempt at one; never used twice.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ConnectionId(pub(super) u64);

impl ConnectionId {
    /// The one that a new [`Session`](super::Session) waits for.
    pub const FIRST: Self = Self(0);
}

/// What a command is asked under: chosen by the one who gives it, and repeated with its [`Reply`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Ask(pub u64);

/// What happened.
#[derive(Debug)]
pub enum Input {
    /// The application wants something.
    Command {
        /// Comes back with [`Output::Answer`].
        ask: Ask,
        /// What.
        command: Command,
    },
    /// An attempt was welcomed.
    Opened {
        /// That of [`Output::Open`], or [`ConnectionId::FIRST`].
        connection: ConnectionId,
        /// What the gateway said.
        welcome: Arc<Welcome>,
    },
    /// Nothing came of an attempt. [`Input::failed`] makes one of a [`ConnectError`].
    Failed {
        /// That of [`Output::Open`].
        connection: ConnectionId,
        /// What it means for the next one.
        cause: Cause,
        /// For the application.
        why: Disconnected,
    },
    /// A connection ended that had been opened.
    Ended {
        /// Which.
        connection: ConnectionId,
        /// How.
        why: Disconnected,
    },
    /// The gateway said something.
    Message {
        /// Where.
        connection: ConnectionId,
        /// What.
        message: ServerMessage,
    },
    /// A message of [`Output::Say`] that carries this id cannot be written.
    Unsendable {
        /// Its id.
        id: u64,
        /// Why.
        error: FeedError,
    },
    /// The application has handled a signal.
    Handled {
        /// Who this session was when it was told.
        me: PeerId,
        /// The signal's sender.
        from: PeerId,
        /// The signal's id.
        id: u64,
    },
    /// Whether the connection is read from: not while the application is behind with its events.
    Reading(bool),
    /// There is a token that was not tried yet.
    NewToken(Token),
    /// The application wants no more.
    Bye {
        /// Others see the session `away` for so long before it leaves its rooms.
        hold: Option<Duration>,
    },
    /// Time passed, see [`Session::wake_at`](super::Session::wake_at).
    Time,
}

impl Input {
    /// An attempt that ended so.
    pub fn failed(connection: ConnectionId, error: ConnectError) -> Self {
        Self::Failed {
            connection,
            cause: Cause::from(&error),
            why: ending(error),
        }
    }
}

/// What follows.
#[derive(Debug, PartialEq)]
pub enum Output {
    /// Open a connection, with this in its `hello`: then [`Input::Opened`] or [`Input::Failed`]. How long that may take
    /// is up to who does it.
    Open {
        /// Which.
        connection: ConnectionId,
        /// The session to go on with.
        resume: Option<Resume<'static>>,
    },
    /// Close a connection, or give up an attempt. Nothing more is to be said about it.
    Close {
        /// Which.
        connection: ConnectionId,
    },
    /// Send this.
    Say {
        /// Where.
        connection: ConnectionId,
        /// What.
        message: Say,
    },
    /// Tell the application.
    Tell(Event),
    /// What became of a command: said once for each.
    Answer {
        /// That of [`Input::Command`].
        ask: Ask,
        /// What.
        reply: Reply,
    },
    /// Get a token, then say [`Input::NewToken`].
    GetToken,
    /// It is over: nothing follows any more, and commands are answered with [`RequestError::Over`](super::RequestError).
    Over,
}

/// A connection that did not come about, as the end of the one before.
fn ending(error: ConnectError) -> Disconnected {
    match error {
        ConnectError::Closed(closed) => Disconnected::Closed(closed),
        ConnectError::Ended(ended) => ended,
        ConnectError::Unreachable { error, .. } => Disconnected::Lost(error.kind()),
        ConnectError::TimedOut => Disconnected::Lost(std::io::ErrorKind::TimedOut),
        ConnectError::Options(_) => Disconnected::Lost(std::io::ErrorKind::InvalidInput),
        ConnectError::Refused { .. } | ConnectError::Handshake(_) => {
            Disconnected::Lost(std::io::ErrorKind::ConnectionRefused)
        }
    }
}
