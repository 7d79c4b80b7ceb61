//! Some clients run the Rust client that this project ships, over the same sockets and judged by the same invariants: its
//! [`Session`] without its sockets. What is on the wire is written down here, what its application sees is what the
//! session tells.

mod application;
mod connect;
mod line;
mod on_the_wire;
mod wishes;

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;

use parking_lot::Mutex;
use switchboard_client::connection::{ConnectError, Disconnected};
use switchboard_client::session::{ConnectionId, Input, Output, Session};
use switchboard_client::{ConnectionState, Event};
use switchboard_protocol::PeerId;
use tokio::sync::mpsc;
use tokio::time::{Duration, Instant, sleep_until};

use self::application::Application;
use self::connect::Attempt;
use self::line::{Arrival, Line};
use self::on_the_wire::mark_of;
use crate::client_task::{Handle, Wish};
use crate::intruder::Tickets;
use crate::random::Random;
use crate::speaks::Speaks;
use crate::trace::last::LastClient;
use crate::trace::{ClientNo, Leaving, Promises, What};
use crate::world::World;

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

/// A signal that the application has handled, which the session is to hear next.
struct Handled {
    from: PeerId,
    /// Its sender's own number for it.
    mark: u64,
    input: Input,
}

impl ShippedClient {
    async fn run(mut self) {
        self.dial(ConnectionId::FIRST, None);
        while !self.is_over {
            self.reconcile();
            self.say_receipts();
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
        let mut handled = self.pass(input);
        while let Some(Handled { from, mark, input }) = handled.pop_front() {
            // What the session has asked for before does not count it.
            self.marks.insert(from, mark);
            handled.extend(self.pass(input));
        }
    }

    fn pass(&mut self, input: Input) -> VecDeque<Handled> {
        let mut out = Vec::new();
        self.session.on(input, now(), &mut out);
        out.into_iter()
            .filter_map(|output| self.perform(output))
            .collect()
    }

    fn say_receipts(&mut self) {
        let mut out = Vec::new();
        self.session.receipts(&mut out);
        for output in out {
            self.perform(output);
        }
    }

    fn perform(&mut self, output: Output) -> Option<Handled> {
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

    fn told(&mut self, event: Event) -> Option<Handled> {
        match event {
            Event::Signal(signal) => {
                let me = self.session.peer()?;
                let mark = mark_of(&signal).map_or(signal.id, |mark| mark.id);
                self.world.recorder.note(What::Handled {
                    client: self.no,
                    peer: me,
                    room: signal.room,
                    from: signal.from,
                    id: mark,
                });
                return Some(Handled {
                    from: signal.from,
                    mark,
                    input: Input::Handled {
                        me,
                        from: signal.from,
                        id: signal.id,
                    },
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

    fn go(&self, how: Leaving) {
        let client = self.no;
        self.world.recorder.note(What::Gone { client, how });
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

fn now() -> std::time::Instant {
    Instant::now().into_std()
}
