//! A client that does what PROTOCOL 2.3 and 2.4 ask of one: a plain machine, `on(input, now) → outputs`, which a task
//! pumps. It is written for finding faults of the cluster, so it reports everything that it is told, in the order it is
//! told, and keeps no secret of its own: a page that is loaded again, or a thief, can go on with its [`Baggage`].

mod connect;
mod hear;
mod say;

use std::collections::{BTreeMap, VecDeque};

use bytes::Bytes;
use switchboard_protocol::client_message::Bye;
use switchboard_protocol::{ClientMessage, Codec, PeerId, RoomId, ServerMessage};
use tokio::time::{Duration, Instant};

pub(crate) use self::hear::{news, view};
use crate::random::Random;
use crate::trace::{ClientNo, ConnectionNo, Recorder, Seen, View};

/// Silence after a ping that means a lost connection.
const PING_PATIENCE: Duration = Duration::from_secs(5);
/// From hello to welcome.
const WELCOME_PATIENCE: Duration = Duration::from_secs(8);
/// For so long a `hello` that was said on a connection that was then given up may still be heard, as the clients of this
/// project suppose: the session is given to a connection that nobody has, and the one in use closed as superseded.
pub(crate) const STRAY_HELLO: Duration = Duration::from_secs(60);
/// Ids handled from each sender that are remembered one by one.
const HANDLED_MAX: usize = 256;
/// A request that was refused for now is made again after this, where the gateway names no time.
const RETRY_AFTER: Duration = Duration::from_millis(500);

/// What happens to a client.
#[derive(Debug)]
pub(crate) enum Input<'a> {
    /// Its application wants something.
    Command(Command),
    /// A connection is open.
    Opened(ConnectionNo),
    /// A connection could not be opened, or is over.
    Closed(ConnectionNo, Option<(u16, Option<Duration>)>),
    /// Something came.
    Message(ConnectionNo, &'a ServerMessage),
    /// A ping came.
    Pinged(ConnectionNo),
    /// Time passed, see [`Client::wake_at`].
    Tick,
}

/// What an application wants.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Command {
    Enter(RoomId),
    Leave(RoomId),
    /// To the member at this place of the list (modulo their number), or to all.
    Signal {
        room: RoomId,
        to: Option<usize>,
        bytes: usize,
    },
    State(RoomId, u64),
    /// Open another connection though one is there, and resume over it.
    Double,
}

/// What a client does.
#[derive(Debug, PartialEq)]
pub(crate) enum Output {
    /// Open a connection, to a node that is none of these connections'.
    Open,
    Write(ConnectionNo, Bytes),
    Close(ConnectionNo),
    /// It is over: nothing more will come.
    Over,
}

/// What a client takes along over a reload: everything its session needs.
#[derive(Debug, Clone)]
pub(crate) struct Baggage {
    pub(crate) ticket: Option<(PeerId, String)>,
    pub(crate) handled: BTreeMap<PeerId, Vec<u64>>,
    pub(crate) marks: BTreeMap<PeerId, u64>,
    pub(crate) next_id: u64,
    pub(crate) wants: Vec<RoomId>,
    /// Somebody may still hear a `hello` of the page that was left.
    pub(crate) stray_hello: bool,
}

/// One client.
pub(crate) struct Client {
    no: ClientNo,
    recorder: Recorder,
    random: Random,
    receipts: bool,
    user: String,
    heartbeat: Duration,
    in_flight: usize,
    ticket: Option<(PeerId, String)>,
    /// Tickets that were good once.
    old_tickets: Vec<(PeerId, String)>,
    connections: Vec<Connection>,
    /// The connection that the session lives on.
    main: Option<ConnectionNo>,
    /// The last that was opened.
    newest: ConnectionNo,
    rooms: BTreeMap<RoomId, Room>,
    unanswered: VecDeque<Unanswered>,
    /// The last ids handled from each sender.
    handled: BTreeMap<PeerId, Vec<u64>>,
    /// By their senders' own numbers, the last of each.
    marks: BTreeMap<PeerId, u64>,
    next_id: u64,
    attempts: u32,
    /// When to open the next connection.
    open_at: Option<Instant>,
    /// Connections that are asked for and not there yet.
    opening: usize,
    /// Until then, an attempt that was given up may supersede the connection in use.
    stray_hello_until: Option<Instant>,
    over: bool,
}

struct Connection {
    no: ConnectionNo,
    /// The ticket that was shown on it.
    shown: Option<(PeerId, String)>,
    welcomed: bool,
    opened_at: Instant,
    heard_at: Instant,
    pinged_at: Option<Instant>,
}

/// A room that is wanted, or was.
struct Room {
    wanted: bool,
    place: Place,
    /// When a request that was refused is made again.
    retry_at: Option<Instant>,
}

enum Place {
    Out,
    /// Asked under this id.
    Entering(u64),
    In(View),
    /// Asked under this id.
    Going(u64),
    /// Whether it is out, the gateway could not say.
    HalfLeft,
}

/// A signal that somebody has not answered for.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Unanswered {
    id: u64,
    room: RoomId,
    to: Option<PeerId>,
    bytes: usize,
    /// Who is still to answer; `None`: a broadcast of which nobody has said whom it goes to.
    open: Option<Vec<PeerId>>,
}

impl Client {
    pub(crate) fn new(
        no: ClientNo,
        recorder: Recorder,
        random: Random,
        receipts: bool,
        user: String,
        baggage: Option<Baggage>,
        now: Instant,
    ) -> Self {
        let mut client = Self {
            no,
            recorder,
            random,
            receipts,
            user,
            heartbeat: Duration::from_secs(15),
            in_flight: usize::MAX,
            ticket: None,
            old_tickets: Vec::new(),
            connections: Vec::new(),
            main: None,
            newest: 0,
            rooms: BTreeMap::new(),
            unanswered: VecDeque::new(),
            handled: BTreeMap::new(),
            marks: BTreeMap::new(),
            next_id: 1,
            attempts: 0,
            open_at: Some(now),
            opening: 0,
            stray_hello_until: None,
            over: false,
        };
        if let Some(baggage) = baggage {
            client.ticket = baggage.ticket;
            client.handled = baggage.handled;
            client.marks = baggage.marks;
            client.next_id = baggage.next_id;
            client.stray_hello_until = baggage.stray_hello.then(|| now + STRAY_HELLO);
            for room in baggage.wants {
                client.rooms.insert(room, Room::new(true));
            }
        }
        client
    }

    /// When to come with [`Input::Tick`], at the latest.
    pub(crate) fn wake_at(&self) -> Option<Instant> {
        let retries = self.rooms.values().filter_map(|room| room.retry_at);
        let silences = self.connections.iter().map(|connection| {
            if connection.welcomed {
                let pinged = connection.pinged_at.map(|at| at + PING_PATIENCE);
                pinged.unwrap_or(connection.heard_at + self.heartbeat)
            } else {
                connection.opened_at + WELCOME_PATIENCE
            }
        });
        self.open_at
            .into_iter()
            .chain(retries)
            .chain(silences)
            .min()
    }

    /// Takes an input and appends what follows from it.
    pub(crate) fn on(&mut self, input: Input<'_>, now: Instant, out: &mut Vec<Output>) {
        if self.over {
            return;
        }
        match input {
            Input::Command(command) => self.command(command, now, out),
            Input::Opened(no) => self.opened(no, now, out),
            Input::Closed(no, code) => self.closed(no, code, now, out),
            Input::Message(no, message) => {
                if let Some(connection) = self.connection(no) {
                    connection.heard_at = now;
                    connection.pinged_at = None;
                    self.hear(no, message, now, out);
                }
            }
            Input::Pinged(no) => {
                if let Some(connection) = self.connection(no) {
                    connection.heard_at = now;
                }
            }
            Input::Tick => self.tick(now, out),
        }
    }

    /// Goodbye; with `hold`, it may come back.
    pub(crate) fn bye(&mut self, hold: Option<Duration>, out: &mut Vec<Output>) {
        let hold_ms = hold.map(|hold| u64::try_from(hold.as_millis()).unwrap_or(u64::MAX));
        if let Some(main) = self.main {
            self.write(main, &ClientMessage::Bye(Bye { hold_ms }), out);
        }
        self.over = true;
    }

    /// What a reload keeps.
    pub(crate) fn baggage(&self, now: Instant) -> Baggage {
        let is_greeting = self.connections.iter().any(|known| !known.welcomed);
        Baggage {
            ticket: self.ticket.clone(),
            handled: self.handled.clone(),
            marks: self.marks.clone(),
            next_id: self.next_id,
            wants: self.wants(),
            stray_hello: is_greeting || self.expects_stray_hello(now),
        }
    }

    /// Every ticket of its session, the newest last.
    pub(crate) fn tickets(&self) -> Vec<(PeerId, String)> {
        self.old_tickets
            .iter()
            .chain(&self.ticket)
            .cloned()
            .collect()
    }

    /// Its session, while it is welcomed.
    pub(crate) fn peer(&self) -> Option<PeerId> {
        self.main.and(self.ticket.as_ref().map(|(peer, _)| *peer))
    }

    pub(crate) fn is_over(&self) -> bool {
        self.over
    }

    pub(crate) fn wants(&self) -> Vec<RoomId> {
        let wanted = self.rooms.iter().filter(|(_, room)| room.wanted);
        wanted.map(|(id, _)| id.clone()).collect()
    }

    pub(crate) fn views(&self) -> Vec<View> {
        let views = self.rooms.values().filter_map(|room| match &room.place {
            Place::In(view) => Some(view.clone()),
            _ => None,
        });
        views.collect()
    }

    pub(crate) fn unanswered(&self) -> Vec<u64> {
        self.unanswered.iter().map(|signal| signal.id).collect()
    }

    fn write(&self, to: ConnectionNo, message: &ClientMessage<'_>, out: &mut Vec<Output>) {
        let mut bytes = Vec::new();
        Codec::Json
            .encode_client(message, &mut bytes)
            .expect("what this client says is valid");
        out.push(Output::Write(to, bytes.into()));
    }

    /// The last id handled from each sender.
    fn seen(&self) -> BTreeMap<PeerId, u64> {
        let last = |(peer, ids): (&PeerId, &Vec<u64>)| Some((*peer, *ids.last()?));
        self.handled.iter().filter_map(last).collect()
    }

    fn next_id(&mut self) -> u64 {
        self.next_id += 1;
        self.next_id - 1
    }
}

impl Room {
    fn new(wanted: bool) -> Self {
        Self {
            wanted,
            place: Place::Out,
            retry_at: None,
        }
    }
}

fn seen(members: &[switchboard_protocol::Member]) -> Vec<Seen> {
    members.iter().map(Seen::from).collect()
}
