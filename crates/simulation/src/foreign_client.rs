//! Clients of other dialects, beside the native ones and in their rooms. They promise less and are promised less: no
//! session outlives its connection, nobody says what it has handled, and few are told what became of a signal.
//!
//! One task is one client: it keeps a connection open, says what its application wants in its own words, and writes down
//! what it is told.

mod hear;
mod line;
mod mdn;
mod say;
mod socketio;
mod stomp;
mod wording;

use std::collections::BTreeMap;
use std::sync::Arc;

use parking_lot::Mutex;
use switchboard_dialects::Frame;
use switchboard_protocol::RoomId;
use tokio::sync::mpsc;
use tokio::time::{Duration, Instant, sleep, sleep_until};

use self::line::Line;
use self::wording::wording;
use crate::client::Command;
use crate::client_task::{Handle, Wish};
use crate::random::Random;
use crate::speaks::Speaks;
use crate::trace::last::{LastClient, Listed};
use crate::trace::{ClientNo, Leaving, View, What};
use crate::world::{Dialled, World};

/// A connection over which nothing comes for so long is given up; a gateway pings every four seconds.
const SILENCE: Duration = Duration::from_secs(9);
/// Between two connections, at most.
const BACKOFF: u64 = 2_000;

/// Starts a client.
pub(crate) fn start(
    world: Arc<World>,
    no: ClientNo,
    random: Random,
    speaks: Speaks,
    clients: Vec<Speaks>,
) -> Handle {
    Handle::showing(|wished, shown, _| {
        ForeignClient {
            world,
            no,
            random,
            speaks,
            clients,
            room: speaks.room(no),
            wished,
            shown,
        }
        .run()
    })
}

struct ForeignClient {
    world: Arc<World>,
    no: ClientNo,
    random: Random,
    speaks: Speaks,
    /// What each client speaks, and so what it is called.
    clients: Vec<Speaks>,
    room: RoomId,
    wished: mpsc::Receiver<Wish>,
    shown: Arc<Mutex<Option<LastClient>>>,
}

/// Why a connection is not served any more.
enum Over {
    /// It is lost, or closed with a code.
    Lost(Option<u16>),
    /// The client opens another after this.
    Again(Duration),
    /// The client is no more.
    Gone,
}

impl ForeignClient {
    async fn run(mut self) {
        loop {
            let over = match self.world.dial(self.no, self.speaks, &self.random).await {
                Some(dialled) => self.connected(dialled).await,
                None => Over::Lost(None),
            };
            *self.shown.lock() = None;
            let pause = match over {
                Over::Gone => return,
                Over::Again(pause) => pause,
                Over::Lost(_) => self.random.millis(100..BACKOFF),
            };
            self.show(None);
            sleep(pause).await;
        }
    }

    async fn connected(&mut self, dialled: Dialled) -> Over {
        let (client, connection) = (self.no, dialled.connection);
        self.world.recorder.note(What::Greeted {
            client,
            connection,
            promises: self.speaks.promises(false),
            resume: None,
            seen: BTreeMap::new(),
        });
        let mut line = Line::new(dialled, wording(self.speaks, client));
        let opening = line.wording.opening();
        line.write(opening);
        let over = self.serve(&mut line).await;
        if let Over::Lost(code) = over {
            self.world.recorder.note(What::Closed {
                client,
                connection,
                code,
            });
            self.goes(Leaving::Lost);
        }
        over
    }

    async fn serve(&mut self, line: &mut Line) -> Over {
        loop {
            self.show(Some(line));
            let wake_at = line.enter_at.into_iter().chain([line.heard_at + SILENCE]);
            let wake_at = wake_at.min().unwrap_or_else(Instant::now);
            let over = tokio::select! {
                biased;
                frame = line.socket.read() => self.read(line, frame),
                Some(wish) = self.wished.recv() => self.wish(line, wish).await,
                () = sleep_until(wake_at) => self.tick(line),
            };
            if let Some(over) = over {
                return over;
            }
        }
    }

    fn read(&mut self, line: &mut Line, frame: Option<Frame>) -> Option<Over> {
        line.heard_at = Instant::now();
        match frame {
            None => return Some(Over::Lost(None)),
            Some(Frame::Close(closing)) => {
                return Some(Over::Lost(closing.map(|closing| closing.code.number())));
            }
            Some(Frame::Ping) => line.write([Frame::Pong]),
            Some(Frame::Pong | Frame::Binary(_)) => {}
            Some(Frame::Text(told)) => self.hear(line, &told),
        }
        None
    }

    async fn wish(&mut self, line: &mut Line, wish: Wish) -> Option<Over> {
        match wish {
            Wish::Command(Command::Signal { to, bytes, .. }) => self.say(line, to, bytes),
            // It is where it wants to be, and has one connection.
            Wish::Command(_) => {}
            Wish::Rest(pause) => {
                let client = self.no;
                self.world.recorder.note(What::Rests { client, pause });
                line.socket.pause(true);
                let socket = line.socket.clone();
                tokio::spawn(async move {
                    sleep(pause).await;
                    socket.pause(false);
                });
            }
            Wish::Reload { pause, .. } => {
                self.goes(Leaving::Lost);
                return Some(Over::Again(pause));
            }
            Wish::Bye => {
                self.goes(Leaving::Bye);
                let bye = line.wording.bye();
                line.write(bye);
                // The goodbye is on its way before the connection closes.
                sleep(Duration::from_millis(100)).await;
                return Some(Over::Gone);
            }
            Wish::Vanish => {
                self.goes(Leaving::Vanished);
                return Some(Over::Gone);
            }
        }
        None
    }

    fn tick(&self, line: &mut Line) -> Option<Over> {
        let now = Instant::now();
        if now >= line.heard_at + SILENCE {
            return Some(Over::Lost(None));
        }
        if line.enter_at.is_some_and(|at| now >= at) {
            line.enter();
        }
        None
    }

    fn goes(&self, how: Leaving) {
        let client = self.no;
        self.world.recorder.note(What::Gone { client, how });
    }

    fn show(&self, line: Option<&Line>) {
        let is_in = line.is_some_and(|line| line.is_in);
        let view = View {
            room: self.room.clone(),
            revision: 0,
            members: Vec::new(),
        };
        let listed = match (self.speaks, line.filter(|line| line.is_in)) {
            (Speaks::Video | Speaks::Stomp, Some(line)) => Some(Listed::Peers(line.peers.clone())),
            (Speaks::Mdn, Some(line)) => Some(Listed::Names(line.names.clone())),
            _ => None,
        };
        *self.shown.lock() = Some(LastClient {
            client: self.no,
            promises: self.speaks.promises(false),
            peer: line.filter(|line| line.is_welcomed).map(|line| line.peer),
            wants: vec![self.room.clone()],
            views: is_in.then_some(view).into_iter().collect(),
            listed,
            unanswered: Vec::new(),
        });
    }
}
