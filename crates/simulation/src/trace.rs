//! What happened, in order: all that the invariants judge by, and what a person reads when one of them is broken.

pub(crate) mod last;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;

use parking_lot::Mutex;
use switchboard_protocol::server_message::{
    LeaveReason, MemberJoined, MemberLeft, MemberUpdated, Reason,
};
use switchboard_protocol::{Connection, ErrorCode, Member, MemberState, PeerId, RoomId};
use tokio::time::{Duration, Instant};

use self::last::LastState;

/// A client, for the whole run.
pub(crate) type ClientNo = usize;
/// A node, each start anew.
pub(crate) type NodeNo = usize;
/// A connection, over the whole run.
pub(crate) type ConnectionNo = u64;

/// Everything that happened in one run.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Trace {
    pub(crate) rules: Rules,
    pub(crate) events: Vec<Event>,
    /// What was found at the end, when all had come to rest.
    pub(crate) last: LastState,
}

/// What the invariants must know of the settings.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Rules {
    pub(crate) window: Duration,
    pub(crate) deadline: Duration,
    pub(crate) lease: Duration,
    /// Unanswered signals of one session.
    pub(crate) in_flight: usize,
    /// Whether Redis hears and answers what it is asked, but for the weather.
    pub(crate) answers_arrive: bool,
}

/// What is promised to a client, by what it speaks.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Promises {
    /// `delivered` means that it has handled the signal, for it says `received`. Else, that the kernel of its gateway has
    /// the signal.
    pub(crate) receipts: bool,
    /// Its session goes on over another connection. Else it ends with its connection, and leaves its room at once.
    pub(crate) resumes: bool,
    /// It is told each step of its rooms, with revisions.
    pub(crate) rosters: bool,
    /// It hears of a member before it hears from it.
    pub(crate) joins_first: bool,
}

impl Promises {
    /// What is promised to all.
    pub(crate) const FEWEST: Self = Self {
        receipts: false,
        resumes: false,
        rosters: false,
        joins_first: false,
    };
}

/// One thing that happened.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Event {
    /// Since the run began.
    pub(crate) at: Duration,
    pub(crate) what: What,
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

/// A room as a client was shown it.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct View {
    pub(crate) room: RoomId,
    pub(crate) revision: u64,
    pub(crate) members: Vec<Seen>,
}

/// A member as a client was shown it.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Seen {
    pub(crate) peer: PeerId,
    pub(crate) name: Option<Arc<str>>,
    pub(crate) order: u64,
    pub(crate) away: bool,
    pub(crate) state: MemberState,
}

impl From<&Member> for Seen {
    fn from(member: &Member) -> Self {
        Self {
            peer: member.peer,
            name: member.name.clone(),
            order: member.order,
            away: member.connection == Connection::Away,
            state: member.state.clone(),
        }
    }
}

/// What a client is told of a room.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum News {
    /// It is in, and is told no more of the room.
    Entered,
    /// These are there. Its dialect has lists, and no revisions.
    Listed(BTreeSet<PeerId>),
    /// It is in: this is the room.
    Joined { revision: u64, members: Vec<Seen> },
    /// It asked to leave, and is out.
    Left,
    /// It is out and did not ask.
    Closed,
    /// Somebody came.
    Came { revision: u64, member: Seen },
    /// Somebody is another now.
    Updated {
        revision: u64,
        peer: PeerId,
        away: Option<bool>,
        state: Option<MemberState>,
    },
    /// Somebody is gone.
    Went {
        revision: u64,
        peer: PeerId,
        reason: LeaveReason,
    },
}

impl From<&MemberJoined> for News {
    fn from(joined: &MemberJoined) -> Self {
        Self::Came {
            revision: joined.revision,
            member: Seen::from(&joined.member),
        }
    }
}

impl From<&MemberUpdated> for News {
    fn from(updated: &MemberUpdated) -> Self {
        Self::Updated {
            revision: updated.revision,
            peer: updated.peer,
            away: updated
                .connection
                .map(|connection| connection == Connection::Away),
            state: updated.state.clone(),
        }
    }
}

impl From<&MemberLeft> for News {
    fn from(left: &MemberLeft) -> Self {
        Self::Went {
            revision: left.revision,
            peer: left.peer,
            reason: left.reason,
        }
    }
}

impl News {
    /// Of the roster, if it is the roster that it tells of.
    pub(crate) fn revision(&self) -> Option<u64> {
        match self {
            Self::Entered | Self::Listed(_) | Self::Left | Self::Closed => None,
            Self::Joined { revision, .. }
            | Self::Came { revision, .. }
            | Self::Updated { revision, .. }
            | Self::Went { revision, .. } => Some(*revision),
        }
    }
}

impl Trace {
    /// The same run gives the same number.
    pub fn fingerprint(&self) -> u64 {
        let mut hasher = DefaultHasher::new();
        for event in &self.events {
            event.to_string().hash(&mut hasher);
        }
        format!("{:?}", self.last).hash(&mut hasher);
        hasher.finish()
    }

    /// The last so many events, for people.
    pub fn tail(&self, most: usize) -> String {
        let from = self.events.len().saturating_sub(most);
        let lines: Vec<_> = self.events[from..].iter().map(Event::to_string).collect();
        lines.join("\n")
    }

    /// How much happened.
    pub fn len(&self) -> usize {
        self.events.len()
    }

    /// Whether nothing did.
    pub fn is_empty(&self) -> bool {
        self.events.is_empty()
    }
}

impl fmt::Display for Trace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for event in &self.events {
            writeln!(f, "{event}")?;
        }
        write!(f, "in the end: {:#?}", self.last)
    }
}

impl fmt::Display for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:>9.3}  {:?}", self.at.as_secs_f64(), self.what)
    }
}

/// Writes the trace of the run that is under way. Clones write the same.
#[derive(Clone)]
pub(crate) struct Recorder {
    since: Instant,
    events: Arc<Mutex<Vec<Event>>>,
}

impl Recorder {
    pub(crate) fn new() -> Self {
        Self {
            since: Instant::now(),
            events: Arc::default(),
        }
    }

    pub(crate) fn note(&self, what: What) {
        let at = self.since.elapsed();
        self.events.lock().push(Event { at, what });
    }

    /// Lets somebody look at what happened so far.
    pub(crate) fn look<T>(&self, look: impl FnOnce(&[Event]) -> T) -> T {
        look(&self.events.lock())
    }

    pub(crate) fn weather(&self, weather: Weather) {
        self.note(What::Weather(weather));
    }

    pub(crate) fn finish(self, rules: Rules, last: LastState) -> Trace {
        Trace {
            rules,
            events: std::mem::take(&mut *self.events.lock()),
            last,
        }
    }
}
