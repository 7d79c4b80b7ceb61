//! Pumps one client: its wishes, its connections, its timers.

use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::Bytes;
use parking_lot::Mutex;
use switchboard_dialects::Frame;
use switchboard_protocol::Codec;
use tokio::sync::mpsc;
use tokio::task::AbortHandle;
use tokio::time::{Duration, Instant, sleep, sleep_until};

use crate::client::{Baggage, Client, Command, Input, Output};
use crate::intruder::Tickets;
use crate::random::Random;
use crate::socket::End;
use crate::speaks::Speaks;
use crate::trace::last::LastClient;
use crate::trace::{ClientNo, ConnectionNo, Leaving, Recorder, What};
use crate::world::World;

/// What comes over a client's connections before it has looked.
const ARRIVALS: usize = 4096;
/// Wishes of an application that its client has not looked at.
const WISHES: usize = 256;

/// How others reach a client.
pub(crate) struct Handle {
    wishes: mpsc::Sender<Wish>,
    shown: Arc<Mutex<Option<LastClient>>>,
    tickets: Arc<Mutex<Tickets>>,
    _task: Aborting,
}

/// A task that ends with its handle.
struct Aborting(AbortHandle);

impl Drop for Aborting {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// What is asked of a client from outside.
pub(crate) enum Wish {
    Command(Command),
    /// It stops reading for so long.
    Rest(Duration),
    /// The page is loaded again, and comes back after so long.
    Reload {
        hold: Duration,
        pause: Duration,
    },
    Bye,
    Vanish,
}

impl Handle {
    /// The handle of a client whose task this makes of its wishes, and of where it shows how it is, and its tickets.
    pub(crate) fn showing<T: Future<Output = ()> + Send + 'static>(
        task: impl FnOnce(
            mpsc::Receiver<Wish>,
            Arc<Mutex<Option<LastClient>>>,
            Arc<Mutex<Tickets>>,
        ) -> T,
    ) -> Self {
        let (wishes, wished) = mpsc::channel(WISHES);
        let (shown, tickets) = (Arc::new(Mutex::new(None)), Arc::default());
        let task = task(wished, Arc::clone(&shown), Arc::clone(&tickets));
        Self {
            wishes,
            shown,
            tickets,
            _task: Aborting(tokio::spawn(task).abort_handle()),
        }
    }

    pub(crate) fn wish(&self, wish: Wish) {
        let _ = self.wishes.try_send(wish);
    }

    /// What somebody who looked over its shoulder knows.
    pub(crate) fn tickets(&self) -> Tickets {
        self.tickets.lock().clone()
    }

    /// How the client is now, if it still is.
    pub(crate) fn last(&self) -> Option<LastClient> {
        self.shown.lock().clone()
    }
}

/// What comes over a connection.
enum Arrival {
    Opened(ConnectionNo, Arc<End>),
    Refused,
    Frame(ConnectionNo, Frame),
    Over(ConnectionNo),
}

/// Starts a client.
pub(crate) fn start(world: Arc<World>, no: ClientNo, random: Random, receipts: bool) -> Handle {
    let (arrivals, arrived) = mpsc::channel(ARRIVALS);
    Handle::showing(|wished, shown, tickets| {
        let task = Task {
            client: new_client(&world.recorder, no, &random, receipts, None),
            world,
            no,
            random,
            receipts,
            connections: BTreeMap::new(),
            wished,
            arrivals,
            arrived,
            shown,
            tickets,
        };
        task.run()
    })
}

struct Task {
    world: Arc<World>,
    no: ClientNo,
    random: Random,
    receipts: bool,
    client: Client,
    connections: BTreeMap<ConnectionNo, Connected>,
    wished: mpsc::Receiver<Wish>,
    arrivals: mpsc::Sender<Arrival>,
    arrived: mpsc::Receiver<Arrival>,
    shown: Arc<Mutex<Option<LastClient>>>,
    tickets: Arc<Mutex<Tickets>>,
}

struct Connected {
    socket: Arc<End>,
    reader: AbortHandle,
}

impl Drop for Connected {
    fn drop(&mut self) {
        self.reader.abort();
    }
}

impl Task {
    async fn run(mut self) {
        let mut out = Vec::new();
        loop {
            let now = Instant::now();
            self.carry_out(&mut out);
            self.show();
            if self.client.is_over() {
                *self.shown.lock() = None;
                return;
            }
            let wake_at = self.client.wake_at();
            let timer = async {
                match wake_at {
                    Some(at) => sleep_until(at.max(now)).await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                biased;
                Some(arrival) = self.arrived.recv() => self.arrived(arrival, &mut out),
                Some(wish) = self.wished.recv() => {
                    if !self.wished(wish, &mut out).await {
                        *self.shown.lock() = None;
                        return;
                    }
                }
                () = timer => self.client.on(Input::Tick, Instant::now(), &mut out),
            }
        }
    }

    fn arrived(&mut self, arrival: Arrival, out: &mut Vec<Output>) {
        let now = Instant::now();
        match arrival {
            Arrival::Opened(no, socket) => {
                let reader = self.read(no, socket.clone());
                self.connections.insert(no, Connected { socket, reader });
                self.client.on(Input::Opened(no), now, out);
            }
            Arrival::Refused => self.client.on(Input::Closed(0, None), now, out),
            Arrival::Frame(no, Frame::Text(text)) => {
                match Codec::Json.decode_server(text.as_bytes()) {
                    Ok(message) => self.client.on(Input::Message(no, &message), now, out),
                    Err(error) => panic!("a gateway said something unreadable: {error}"),
                }
            }
            Arrival::Frame(no, Frame::Ping) => {
                if let Some(connected) = self.connections.get(&no) {
                    connected.socket.send(Frame::Pong);
                }
                self.client.on(Input::Pinged(no), now, out);
            }
            Arrival::Frame(_, Frame::Pong) => {}
            Arrival::Frame(_, Frame::Binary(_)) => panic!("a gateway said JSON in binary"),
            Arrival::Frame(no, Frame::Close(closing)) => {
                self.connections.remove(&no);
                let closing = closing.map(|closing| (closing.code.number(), closing.retry_after));
                self.client.on(Input::Closed(no, closing), now, out);
            }
            Arrival::Over(no) => {
                if self.connections.remove(&no).is_some() {
                    self.client.on(Input::Closed(no, None), now, out);
                }
            }
        }
    }

    /// False: the client is no more.
    async fn wished(&mut self, wish: Wish, out: &mut Vec<Output>) -> bool {
        match wish {
            Wish::Command(command) => {
                self.client.on(Input::Command(command), Instant::now(), out);
            }
            Wish::Rest(pause) => {
                let client = self.no;
                self.world.recorder.note(What::Rests { client, pause });
                for connected in self.connections.values() {
                    connected.socket.pause(true);
                    let socket = connected.socket.clone();
                    tokio::spawn(async move {
                        sleep(pause).await;
                        socket.pause(false);
                    });
                }
            }
            Wish::Reload { hold, pause } => self.reload(hold, pause, out).await,
            Wish::Bye => {
                self.go(Leaving::Bye);
                self.client.bye(None, out);
                self.carry_out(out);
                // The goodbye is on its way before the connection closes.
                sleep(Duration::from_millis(100)).await;
                return false;
            }
            Wish::Vanish => {
                self.go(Leaving::Vanished);
                return false;
            }
        }
        true
    }

    async fn reload(&mut self, hold: Duration, pause: Duration, out: &mut Vec<Output>) {
        self.go(Leaving::Reloaded);
        let baggage = self.client.baggage(Instant::now());
        self.client.bye(Some(hold), out);
        self.carry_out(out);
        self.connections.clear();
        sleep(pause).await;
        while self.arrived.try_recv().is_ok() {}
        let (recorder, random) = (&self.world.recorder, &self.random);
        self.client = new_client(recorder, self.no, random, self.receipts, Some(baggage));
    }

    fn go(&self, how: Leaving) {
        let client = self.no;
        self.world.recorder.note(What::Gone { client, how });
    }

    fn carry_out(&mut self, out: &mut Vec<Output>) {
        for output in out.drain(..) {
            match output {
                Output::Open => self.open(),
                Output::Write(no, text) => {
                    if let Some(connected) = self.connections.get(&no) {
                        connected.socket.send(text_frame(&text));
                    }
                }
                Output::Close(no) => drop(self.connections.remove(&no)),
                Output::Over => self.connections.clear(),
            }
        }
    }

    fn open(&self) {
        let (world, no, random) = (self.world.clone(), self.no, self.random.clone());
        let arrivals = self.arrivals.clone();
        tokio::spawn(async move {
            let arrival = match world.dial(no, Speaks::Native, &random).await {
                Some(dialled) => Arrival::Opened(dialled.connection, Arc::new(dialled.socket)),
                None => Arrival::Refused,
            };
            let _ = arrivals.send(arrival).await;
        });
    }

    fn read(&self, no: ConnectionNo, socket: Arc<End>) -> AbortHandle {
        let arrivals = self.arrivals.clone();
        let reading = async move {
            while let Some(frame) = socket.read().await {
                if arrivals.send(Arrival::Frame(no, frame)).await.is_err() {
                    return;
                }
            }
            let _ = arrivals.send(Arrival::Over(no)).await;
        };
        tokio::spawn(reading).abort_handle()
    }

    fn show(&self) {
        *self.tickets.lock() = self.client.tickets();
        *self.shown.lock() = Some(LastClient {
            client: self.no,
            promises: Speaks::Native.promises(self.receipts),
            peer: self.client.peer(),
            wants: self.client.wants(),
            views: self.client.views(),
            listed: None,
            unanswered: self.client.unanswered(),
        });
    }
}

/// What a client says is JSON.
fn text_frame(json: &Bytes) -> Frame {
    let text = std::str::from_utf8(json).expect("JSON is UTF-8");
    Frame::Text(text.into())
}

fn new_client(
    recorder: &Recorder,
    no: ClientNo,
    random: &Random,
    receipts: bool,
    baggage: Option<Baggage>,
) -> Client {
    let user = format!("user-{no}");
    let now = Instant::now();
    Client::new(
        no,
        recorder.clone(),
        random.clone(),
        receipts,
        user,
        baggage,
        now,
    )
}
