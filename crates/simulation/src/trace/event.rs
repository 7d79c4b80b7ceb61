//! The kinds of things that happen in a run.

use std::collections::BTreeMap;
use std::fmt;

use switchboard_protocol::server_message::Reason;
use switchboard_protocol::{ErrorCode, PeerId, RoomId};
use tokio::time::Duration;

use super::{ClientNo, ConnectionNo, News, NodeNo, Promises, View};

/// One thing that happened.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Event {
    /// Since the run began.
    pub(crate) at: Duration,
    pub(crate) what: What,
}

impl fmt::Display for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:>9.3}  {:?}", self.at.as_secs_f64(), self.what)
    }
}

/// The kinds of things that happen.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum What {
    /// Something befell a node.
    Node { node: NodeNo, fate: Fate },
    /// Something befell Redis or the network between nodes.
    Weather(Weather),
    /// Something panicked, until the end of the run.
    Panicked(String),
    /// A client opened a connection.
    Opened {
        client: ClientNo,
        connection: ConnectionNo,
        node: NodeNo,
    },
    /// It said hello.
    Greeted {
        client: ClientNo,
        connection: ConnectionNo,
        promises: Promises,
        resume: Option<PeerId>,
        seen: BTreeMap<PeerId, u64>,
    },
    /// A client was welcomed.
    Welcomed {
        client: ClientNo,
        connection: ConnectionNo,
        peer: PeerId,
        resumed: bool,
        rooms: Vec<View>,
    },
    /// A client found a connection closed: by the gateway with a code, or lost.
    Closed {
        client: ClientNo,
        connection: ConnectionNo,
        code: Option<u16>,
    },
    /// A cable was cut.
    Cut { connection: ConnectionNo },
    /// A client said a signal, for the first time or again.
    Said {
        client: ClientNo,
        connection: ConnectionNo,
        peer: PeerId,
        id: u64,
        room: RoomId,
        to: Option<PeerId>,
        /// The client whose name it is said to.
        by_name: Option<ClientNo>,
        again: bool,
    },
    /// A client was told whom a broadcast goes to.
    Goes {
        client: ClientNo,
        connection: ConnectionNo,
        id: u64,
        to: Vec<PeerId>,
    },
    /// A client was told what became of a signal.
    Answered {
        client: ClientNo,
        connection: ConnectionNo,
        id: u64,
        to: PeerId,
        outcome: Result<(), Reason>,
    },
    /// A client was told that a request was refused.
    Refused {
        client: ClientNo,
        connection: ConnectionNo,
        id: Option<u64>,
        code: ErrorCode,
    },
    /// A signal came to a client over a connection.
    Came {
        client: ClientNo,
        connection: ConnectionNo,
        room: RoomId,
        from: PeerId,
        id: u64,
        /// The id that the gateway gave it, where the client's dialect has one.
        numbered: Option<u64>,
        /// Whether the payload is the one that was said under that id.
        intact: bool,
    },
    /// The kernel of a gateway took a signal for a session.
    Written { to: PeerId, from: PeerId, id: u64 },
    /// The client's application handled it.
    Handled {
        client: ClientNo,
        peer: PeerId,
        room: RoomId,
        from: PeerId,
        id: u64,
    },
    /// A client asked to be out of a room.
    Leaves { client: ClientNo, room: RoomId },
    /// A client was told of a room.
    Told {
        client: ClientNo,
        connection: ConnectionNo,
        room: RoomId,
        news: News,
    },
    /// A client reads nothing for so long.
    Rests { client: ClientNo, pause: Duration },
    /// A client is no more, or its session is not.
    Gone { client: ClientNo, how: Leaving },
    /// Somebody tried to take another's session.
    Intruded {
        peer: PeerId,
        secret: Secret,
        /// `None`: whether it worked, the gateway could not say, or did not.
        resumed: Option<bool>,
    },
}

/// What can befall a node.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fate {
    Started,
    Killed,
    Frozen,
    Awake,
    CutOff,
    Mended,
    Deaf,
    Hears,
    Draining,
    /// True: all was done.
    Stopped(bool),
}

/// What can befall Redis.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Weather {
    Hangs,
    GoesOn,
    Down,
    /// It is back with what it had.
    Back,
    /// All is gone.
    Forgot,
    /// A state of so long ago is back.
    WentBack(Duration),
    /// From here on nothing bad happens.
    Quiet,
}

/// How a client goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Leaving {
    /// Without a word.
    Vanished,
    /// With `bye`.
    Bye,
    /// The page is loaded again: its session goes on, its unanswered signals are lost with it.
    Reloaded,
    /// The gateway asked it to stay away.
    SentAway(u16),
    /// It was not let back into its session and has a new one.
    NotResumed,
    /// Its session ends with its connection, as those of its dialect do. It may come again, as another one.
    Lost,
}

/// Which secret an intruder showed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Secret {
    Guessed,
    /// One that the session's client had before its newest, which it may have proven since.
    Outdated,
}
