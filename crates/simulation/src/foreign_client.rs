//! Clients of other dialects, beside the native ones and in their rooms. They promise less and are promised less: no
//! session outlives its connection, nobody says what it has handled, and few are told what became of a signal.
//!
//! One task is one client: it keeps a connection open, says what its application wants in its own words, and writes down
//! what it is told.

mod line;
mod mdn;
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
use self::wording::{Heard, To, client_of, name_of, wording};
use crate::client::Command;
use crate::client_task::{Handle, Wish};
use crate::mark::Mark;
use crate::random::Random;
use crate::speaks::Speaks;
use crate::trace::last::{LastClient, Listed};
use crate::trace::{ClientNo, Leaving, News, View, What};
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

    fn hear(&mut self, line: &mut Line, told: &str) {
        if let Some(mark) = Mark::find(told) {
            // Some dialects say back to a client what it said.
            if mark.from != line.peer {
                self.came(line, mark);
            }
            return;
        }
        let mut heard = Vec::new();
        line.wording.hear(told, &mut heard);
        for heard in heard {
            self.heard(line, heard);
        }
    }

    fn heard(&mut self, line: &mut Line, heard: Heard) {
        let client = self.no;
        match heard {
            Heard::Welcomed => {
                line.is_welcomed = true;
                self.world.recorder.note(What::Welcomed {
                    client,
                    connection: line.no,
                    peer: line.peer,
                    resumed: false,
                    rooms: Vec::new(),
                });
                line.enter();
            }
            Heard::In => self.is_in(line),
            Heard::Out => {
                line.is_in = false;
                line.peers.clear();
                self.told(line, News::Closed);
                line.enter_again();
            }
            Heard::Refused => line.enter_again(),
            Heard::Peers(peers) => {
                self.is_in(line);
                line.peers = peers;
                self.tell_peers(line);
            }
            Heard::Names(names) => line.names = names,
            Heard::Came(peer) => {
                line.peers.insert(peer);
                self.tell_peers(line);
            }
            Heard::Went(peer) => {
                line.peers.remove(&peer);
                self.tell_peers(line);
            }
            Heard::Delivered(id) => {
                if let Some(to) = line.asked.remove(&id) {
                    self.world.recorder.note(What::Answered {
                        client,
                        connection: line.no,
                        id,
                        to,
                        outcome: Ok(()),
                    });
                }
            }
        }
    }

    fn is_in(&self, line: &mut Line) {
        line.enter_at = None;
        if !std::mem::replace(&mut line.is_in, true) {
            self.told(line, News::Entered);
        }
    }

    /// What only some are promised is written down of those alone.
    fn tell_peers(&self, line: &Line) {
        if self.speaks.promises(false).joins_first {
            self.told(line, News::Listed(line.peers.clone()));
        }
    }

    fn told(&self, line: &Line, news: News) {
        self.world.recorder.note(What::Told {
            client: self.no,
            connection: line.no,
            room: self.room.clone(),
            news,
        });
    }

    fn came(&mut self, line: &mut Line, mark: Mark) {
        // MDN's clients are not told that they are in before they are told of the others.
        if self.speaks == Speaks::Mdn && line.is_welcomed {
            self.is_in(line);
        }
        let (client, room, Mark { from, id }) = (self.no, self.room.clone(), mark);
        self.world.recorder.note(What::Came {
            client,
            connection: line.no,
            room: room.clone(),
            from,
            id,
            numbered: None,
            intact: true,
        });
        self.world.recorder.note(What::Handled {
            client,
            peer: line.peer,
            room,
            from,
            id,
        });
        if self.speaks == Speaks::Rooms {
            line.peers.insert(from);
        }
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

    /// Says a signal to the member at this place of those that it knows, or to all, as far as its dialect has words.
    fn say(&mut self, line: &mut Line, to: Option<usize>, bytes: usize) {
        if !line.is_in {
            return;
        }
        let Some(to) = self.receiver(line, to) else {
            return;
        };
        let mark = Mark {
            from: line.peer,
            id: line.last_id + 1,
        };
        let Some(frame) = line.wording.say(&to, mark.id, &mark.payload(bytes)) else {
            return;
        };
        line.last_id = mark.id;
        let (peer, name) = match to {
            To::All => (None, None),
            To::Peer(peer) => {
                line.asked.insert(mark.id, peer);
                (Some(peer), None)
            }
            To::Client(client, _) => (None, Some(client)),
        };
        self.world.recorder.note(What::Said {
            client: self.no,
            connection: line.no,
            peer: line.peer,
            id: mark.id,
            room: self.room.clone(),
            to: peer,
            by_name: name,
            again: false,
        });
        line.write([frame]);
    }

    fn receiver(&self, line: &Line, to: Option<usize>) -> Option<To> {
        let others: Vec<_> = line
            .peers
            .iter()
            .filter(|peer| **peer != line.peer)
            .collect();
        match (self.speaks, to) {
            (Speaks::Rooms | Speaks::Video, to) => {
                let to = to.unwrap_or(0).checked_rem(others.len())?;
                Some(To::Peer(*others[to]))
            }
            (Speaks::Calls, to) => {
                let client = to.unwrap_or(0) % self.clients.len();
                let name = name_of(self.clients[client], client);
                (client != self.no).then_some(To::Client(client, name))
            }
            (Speaks::Mdn, Some(to)) => {
                let to = to.checked_rem(line.names.len())?;
                let name = &line.names[to];
                let client = client_of(name).filter(|client| *client != self.no)?;
                Some(To::Client(client, name.clone()))
            }
            _ => Some(To::All),
        }
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
