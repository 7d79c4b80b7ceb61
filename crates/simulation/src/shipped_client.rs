//! Some clients run the Rust client that this project ships, over the same sockets and judged by the same invariants: its
//! [`Session`] without its sockets. What is on the wire is written down here, what its application sees is what the
//! session tells.

mod application;
mod line;

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;

use parking_lot::Mutex;
use switchboard_client::connection::{Closed, ConnectError, Disconnected};
use switchboard_client::session::{
    Ask, Command as Asked, ConnectionId, Input, Output, Say, Session, SetState, Signal,
};
use switchboard_client::{ConnectionState, Event};
use switchboard_dialects::Frame;
use switchboard_protocol::client_message::{Hello, Resume, StatePatch};
use switchboard_protocol::limits::RECEIVER_SHARE;
use switchboard_protocol::server_message::{Receiver, Welcome};
use switchboard_protocol::{ClientMessage, Codec, Encoding, Payload, PeerId, ServerMessage};
use tokio::sync::mpsc;
use tokio::time::{Duration, Instant, sleep, sleep_until};

use self::application::Application;
use self::line::{Arrival, Line};
use crate::client::{Command, news, view};
use crate::client_task::{Handle, Wish};
use crate::intruder::Tickets;
use crate::mark::Mark;
use crate::random::Random;
use crate::speaks::Speaks;
use crate::trace::last::LastClient;
use crate::trace::{ClientNo, ConnectionNo, Leaving, Promises, What};
use crate::world::{Dialled, World};

/// From hello to welcome.
const WELCOME_PATIENCE: Duration = Duration::from_secs(8);
/// What comes over its connections before it has looked.
const ARRIVALS: usize = 4096;

/// Starts a client.
pub(crate) fn start(world: Arc<World>, no: ClientNo, random: Random) -> Handle {
    Handle::showing(|wished, shown, tickets| {
        let pauses = random.clone();
        let jitter = move |most: Duration| {
            let most = u64::try_from(most.as_millis()).unwrap_or(u64::MAX);
            pauses.millis(0..most.max(1))
        };
        let (arrivals, arrived) = mpsc::channel(ARRIVALS);
        let client = ShippedClient {
            world,
            no,
            random,
            session: Session::new(Box::new(jitter)),
            application: Application::default(),
            dialling: BTreeMap::new(),
            lines: BTreeMap::new(),
            arrivals,
            arrived,
            wished,
            shown,
            tickets,
            said: BTreeSet::new(),
            marks: BTreeMap::new(),
            is_leaving: false,
            is_over: false,
        };
        client.run()
    })
}

struct ShippedClient {
    world: Arc<World>,
    no: ClientNo,
    random: Random,
    session: Session,
    application: Application,
    /// Connections that are being opened.
    dialling: BTreeMap<ConnectionId, Attempt>,
    lines: BTreeMap<ConnectionId, Line>,
    arrivals: mpsc::Sender<Arrival>,
    arrived: mpsc::Receiver<Arrival>,
    wished: mpsc::Receiver<Wish>,
    shown: Arc<Mutex<Option<LastClient>>>,
    tickets: Arc<Mutex<Tickets>>,
    /// Ids that were said, in this session.
    said: BTreeSet<u64>,
    /// By their senders' own numbers, the last of each that was handled.
    marks: BTreeMap<PeerId, u64>,
    /// It said goodbye.
    is_leaving: bool,
    is_over: bool,
}

/// What a connection that is being opened begins with.
struct Attempt {
    /// The session to go on with.
    resume: Option<Resume<'static>>,
    /// What had been handled as that was decided, by the senders' own numbers.
    seen: BTreeMap<PeerId, u64>,
}

impl ShippedClient {
    async fn run(mut self) {
        self.dial(ConnectionId::FIRST, None);
        while !self.is_over {
            self.reconcile();
            self.say_receipts();
            self.lines.values_mut().for_each(Line::write);
            self.show();
            let wake_at = self.wake_at();
            tokio::select! {
                biased;
                Some(arrival) = self.arrived.recv() => self.arrived(arrival),
                Some(wish) = self.wished.recv() => {
                    if !self.wish(wish) {
                        break;
                    }
                }
                () = sleep_until(wake_at) => self.tick(),
            }
        }
        *self.shown.lock() = None;
    }

    fn wake_at(&self) -> Instant {
        let greeting = self.lines.values().filter(|line| !line.is_welcomed);
        let session = self.session.wake_at().map(Instant::from_std);
        let moments = greeting.map(|line| line.opened_at + WELCOME_PATIENCE);
        let moments = moments.chain(session).chain(self.application.retry_at());
        let far = Instant::now() + Duration::from_secs(3600);
        moments.min().unwrap_or(far).max(Instant::now())
    }

    fn tick(&mut self) {
        let now = Instant::now();
        let overdue = |line: &Line| !line.is_welcomed && now >= line.opened_at + WELCOME_PATIENCE;
        let overdue = self.lines.iter().filter(|(_, line)| overdue(line));
        let overdue: Vec<_> = overdue.map(|(id, _)| *id).collect();
        for connection in overdue {
            self.drop_line(connection, None);
            self.on(Input::failed(connection, ConnectError::TimedOut));
        }
        self.on(Input::Time);
    }

    /// Tells the session, and does what follows.
    fn on(&mut self, input: Input) {
        let mut inputs = VecDeque::from([input]);
        while let Some(input) = inputs.pop_front() {
            let mut out = Vec::new();
            self.session.on(input, now(), &mut out);
            for output in out {
                inputs.extend(self.perform(output));
            }
        }
    }

    fn say_receipts(&mut self) {
        let mut out = Vec::new();
        self.session.receipts(&mut out);
        for output in out {
            self.perform(output);
        }
    }

    fn perform(&mut self, output: Output) -> Option<Input> {
        match output {
            Output::Open { connection, resume } => self.dial(connection, resume),
            Output::Close { connection } => {
                self.dialling.remove(&connection);
                self.drop_line(connection, None);
            }
            Output::Say {
                connection,
                message,
            } => self.say(connection, &message),
            Output::Tell(event) => return self.told(event),
            Output::Answer { ask, reply } => self.application.answered(ask.0, reply),
            Output::GetToken => {}
            Output::Over => self.is_over = true,
        }
        None
    }

    fn dial(&mut self, connection: ConnectionId, resume: Option<Resume<'static>>) {
        let seen = self.marks.clone();
        self.dialling.insert(connection, Attempt { resume, seen });
        let (world, no, random) = (self.world.clone(), self.no, self.random.clone());
        let arrivals = self.arrivals.clone();
        tokio::spawn(async move {
            let dialled = world.dial(no, Speaks::Native, &random).await;
            let _ = arrivals.send(Arrival::Dialled(connection, dialled)).await;
        });
    }

    fn arrived(&mut self, arrival: Arrival) {
        match arrival {
            Arrival::Dialled(id, dialled) => {
                let (attempt, dialled) = match (self.dialling.remove(&id), dialled) {
                    (Some(attempt), Some(dialled)) => (attempt, dialled),
                    (None, dialled) => {
                        // It was given up meanwhile.
                        if let Some(dialled) = dialled {
                            self.note_closed(dialled.connection, None);
                        }
                        return;
                    }
                    (Some(_), None) => {
                        let lost = Disconnected::Lost(std::io::ErrorKind::ConnectionRefused);
                        return self.on(Input::failed(id, ConnectError::Ended(lost)));
                    }
                };
                self.greet(id, dialled, attempt);
            }
            Arrival::Frame(id, frame) => self.read(id, frame),
            Arrival::Over(id) => self.ended(id, Disconnected::Lost(std::io::ErrorKind::BrokenPipe)),
        }
    }

    fn greet(&mut self, id: ConnectionId, dialled: Dialled, attempt: Attempt) {
        let Attempt { resume, seen } = attempt;
        self.world.recorder.note(What::Greeted {
            client: self.no,
            connection: dialled.connection,
            promises: promises(),
            resume: resume.as_ref().map(|resume| resume.peer),
            seen,
        });
        let hello = Hello {
            name: Some(format!("user-{}", self.no).into()),
            receipts: true,
            resume,
            ..Hello::default()
        };
        let mut line = Line::new(id, dialled, self.arrivals.clone());
        line.say(&ClientMessage::Hello(hello));
        self.lines.insert(id, line);
    }

    fn read(&mut self, id: ConnectionId, frame: Frame) {
        let Some(line) = self.lines.get_mut(&id) else {
            return;
        };
        match frame {
            Frame::Text(text) => match Codec::Json.decode_server(text.as_bytes()) {
                Ok(ServerMessage::Welcome(welcome)) => self.welcomed(id, *welcome),
                Ok(message) => {
                    let connection = line.no;
                    self.note_message(connection, &message);
                    self.on(Input::Message {
                        connection: id,
                        message,
                    });
                }
                Err(error) => panic!("a gateway said something unreadable: {error}"),
            },
            Frame::Ping => line.pong(),
            Frame::Pong => {}
            Frame::Binary(_) => panic!("a gateway said JSON in binary"),
            Frame::Close(closing) => {
                let closed = closing.map(|closing| Closed {
                    code: closing.code.number(),
                    reason: closing.reason.to_string(),
                    retry_after_ms: closing.retry_after.map(|after| after.as_millis() as u64),
                });
                let why = closed.map_or(
                    Disconnected::Lost(std::io::ErrorKind::BrokenPipe),
                    Disconnected::Closed,
                );
                self.ended(id, why);
            }
        }
    }

    fn ended(&mut self, id: ConnectionId, why: Disconnected) {
        let Some(line) = self.lines.get(&id) else {
            return;
        };
        let (is_welcomed, code) = match &why {
            Disconnected::Closed(closed) => (line.is_welcomed, Some(closed.code)),
            _ => (line.is_welcomed, None),
        };
        self.drop_line(id, code);
        self.on(match (is_welcomed, why) {
            (true, why) => Input::Ended {
                connection: id,
                why,
            },
            (false, Disconnected::Closed(closed)) => {
                Input::failed(id, ConnectError::Closed(closed))
            }
            (false, why) => Input::failed(id, ConnectError::Ended(why)),
        });
    }

    fn drop_line(&mut self, id: ConnectionId, code: Option<u16>) {
        if let Some(line) = self.lines.remove(&id) {
            self.note_closed(line.no, code);
        }
    }

    fn welcomed(&mut self, id: ConnectionId, welcome: Welcome) {
        let Some(line) = self.lines.get_mut(&id) else {
            return;
        };
        line.is_welcomed = true;
        self.world.recorder.note(What::Welcomed {
            client: self.no,
            connection: line.no,
            peer: welcome.peer,
            resumed: welcome.resumed,
            rooms: welcome.rooms.iter().flatten().map(view).collect(),
        });
        {
            let mut tickets = self.tickets.lock();
            if !welcome.resumed {
                if !tickets.is_empty() {
                    self.go(Leaving::NotResumed);
                }
                tickets.clear();
                self.said.clear();
                self.marks.clear();
            }
            tickets.push((welcome.peer, welcome.resume.secret.clone()));
        }
        self.on(Input::Opened {
            connection: id,
            welcome: Arc::new(welcome),
        });
    }

    /// What a gateway says, as it is on the wire.
    fn note_message(&self, connection: ConnectionNo, message: &ServerMessage) {
        let client = self.no;
        let answered = |id, to: &[Receiver], outcome| {
            for receiver in to {
                if let Receiver::Peer(to) = receiver {
                    self.world.recorder.note(What::Answered {
                        client,
                        connection,
                        id,
                        to: *to,
                        outcome,
                    });
                }
            }
        };
        match message {
            ServerMessage::Signal(signal) => {
                let mark = mark_of(signal);
                self.world.recorder.note(What::Came {
                    client,
                    connection,
                    room: signal.room.clone(),
                    from: signal.from,
                    id: mark.map_or(signal.id, |mark| mark.id),
                    numbered: Some(signal.id),
                    intact: mark.is_some_and(|mark| mark.from == signal.from),
                });
            }
            ServerMessage::Delivered(delivered) => answered(delivered.id, &delivered.to, Ok(())),
            ServerMessage::Undelivered(undelivered) => {
                let outcome = Err(undelivered.reason);
                answered(undelivered.id, &undelivered.to, outcome);
            }
            ServerMessage::Done(done) => {
                if let Some(to) = &done.to {
                    self.world.recorder.note(What::Goes {
                        client,
                        connection,
                        id: done.re,
                        to: to.clone(),
                    });
                }
            }
            ServerMessage::Error(error) => self.world.recorder.note(What::Refused {
                client,
                connection,
                id: error.re,
                code: error.code,
            }),
            message => {
                if let Some((room, news)) = news(message) {
                    self.world.recorder.note(What::Told {
                        client,
                        connection,
                        room,
                        news,
                    });
                }
            }
        }
    }

    fn say(&mut self, id: ConnectionId, say: &Say) {
        let (Some(line), Some(own)) = (self.lines.get_mut(&id), self.session.peer()) else {
            return;
        };
        let mark;
        let mut message = say.as_message();
        match (&mut message, say) {
            (ClientMessage::Signal(message), Say::Signal { id, to, signal }) => {
                self.world.recorder.note(What::Said {
                    client: self.no,
                    connection: line.no,
                    peer: own,
                    id: *id,
                    room: signal.room.clone(),
                    to: *to,
                    by_name: None,
                    again: !self.said.insert(*id),
                });
                // The application does not know the id: it says how long the payload is to be.
                let bytes = std::str::from_utf8(&signal.payload.bytes).ok();
                let bytes = bytes.and_then(|bytes| bytes.parse().ok());
                mark = Mark { from: own, id: *id }.payload(bytes.unwrap_or_default());
                message.payload = Payload {
                    encoding: Encoding::Json,
                    bytes: mark.as_bytes(),
                };
                line.say(&ClientMessage::Signal(message.clone()));
                return;
            }
            (_, Say::Leave { room, .. }) => self.world.recorder.note(What::Leaves {
                client: self.no,
                room: room.clone(),
            }),
            _ => {}
        }
        line.say(&message);
    }

    fn told(&mut self, event: Event) -> Option<Input> {
        match event {
            Event::Signal(signal) => {
                let me = self.session.peer()?;
                let id = mark_of(&signal).map_or(signal.id, |mark| mark.id);
                self.marks.insert(signal.from, id);
                self.world.recorder.note(What::Handled {
                    client: self.no,
                    peer: me,
                    room: signal.room,
                    from: signal.from,
                    id,
                });
                return Some(Input::Handled {
                    me,
                    from: signal.from,
                    id: signal.id,
                });
            }
            Event::Connection(ConnectionState::Over(why)) => {
                if let Disconnected::Closed(closed) = why {
                    self.go(Leaving::SentAway(closed.code));
                }
                self.is_over = true;
            }
            Event::Connection(_) | Event::Ready(_) => {}
            about_a_room => self.application.told(about_a_room),
        }
        None
    }

    /// False: the client is no more.
    fn wish(&mut self, wish: Wish) -> bool {
        match wish {
            Wish::Command(Command::Enter(room)) => self.application.want(room, true),
            Wish::Command(Command::Leave(room)) => self.application.want(room, false),
            Wish::Command(Command::Signal { room, to, bytes }) => {
                let own = self.session.peer();
                let to = self.application.receiver(&room, own, to);
                if let (Some(to), true) = (to, self.is_ready() && !self.is_slow()) {
                    let payload = Payload {
                        encoding: Encoding::Json,
                        bytes: bytes.to_string().into(),
                    };
                    self.ask(Asked::Signal(Signal {
                        room,
                        to,
                        kind: "candidate".into(),
                        payload,
                        traceparent: None,
                    }));
                }
            }
            Wish::Command(Command::State(room, number)) => {
                let patch = StatePatch::from_json(&format!("{{\"n\":{number}}}"));
                if let (Ok(patch), true) = (patch, self.application.is_in(&room)) {
                    self.ask(Asked::SetState(SetState { room, patch }));
                }
            }
            // When it opens connections is its own affair, and it survives no reload.
            Wish::Command(Command::Double) | Wish::Reload { .. } => {}
            Wish::Rest(pause) => self.rest(pause),
            Wish::Bye => {
                self.go(Leaving::Bye);
                self.is_leaving = true;
                self.on(Input::Bye { hold: None });
            }
            Wish::Vanish => {
                self.go(Leaving::Vanished);
                return false;
            }
        }
        true
    }

    fn rest(&self, pause: Duration) {
        let client = self.no;
        self.world.recorder.note(What::Rests { client, pause });
        for line in self.lines.values() {
            line.socket.pause(true);
            let socket = line.socket.clone();
            tokio::spawn(async move {
                sleep(pause).await;
                socket.pause(false);
            });
        }
    }

    fn is_ready(&self) -> bool {
        self.session.connection().is_some() && self.session.wants_command()
    }

    /// Whether as much is unanswered as one receiver may have to answer: whom a broadcast goes to, the session does not know
    /// when it says it.
    fn is_slow(&self) -> bool {
        let welcome = self.session.welcome();
        let most = welcome.map_or(0, |welcome| welcome.limits.in_flight / RECEIVER_SHARE);
        self.application.unanswered().len() >= most as usize
    }

    /// Asks for the rooms that are wanted and not so.
    fn reconcile(&mut self) {
        if self.is_ready() {
            while let Some(command) = self.application.next(Instant::now()) {
                self.ask(command);
            }
        }
    }

    fn ask(&mut self, command: Asked) {
        let ask = self.application.asked(&command);
        self.on(Input::Command {
            ask: Ask(ask),
            command,
        });
    }

    fn go(&self, how: Leaving) {
        let client = self.no;
        self.world.recorder.note(What::Gone { client, how });
    }

    /// After goodbye, a connection ends for that.
    fn note_closed(&self, connection: ConnectionNo, code: Option<u16>) {
        if self.is_leaving {
            return;
        }
        self.world.recorder.note(What::Closed {
            client: self.no,
            connection,
            code,
        });
    }

    fn show(&self) {
        let connected = self.session.connection();
        *self.shown.lock() = Some(LastClient {
            client: self.no,
            promises: promises(),
            peer: connected.and(self.session.peer()),
            wants: self.application.wants(),
            views: self.application.views(),
            listed: None,
            unanswered: self.application.unanswered(),
        });
    }
}

fn promises() -> Promises {
    Speaks::Native.promises(true)
}

fn mark_of(signal: &switchboard_protocol::server_message::Signal) -> Option<Mark> {
    Mark::find(std::str::from_utf8(&signal.payload.bytes).ok()?)
}

fn now() -> std::time::Instant {
    Instant::now().into_std()
}
