//! The TCP connections of a listener: how many there may be, and which of them goes when there is one too many.
//!
//! A connection is a file, and files are what runs out first. So one more is always taken in, and another one is cut off for
//! it: the oldest of the largest source among those that nobody waits for. That way the ops routes answer on a listener
//! that is full, and whoever holds many connections and finishes nothing pushes out his own.
//!
//! ```text
//! accept ─► unfinished ─► waiting ─► unfinished ─► …         HTTP: no whole request ─► its answer is being made ─► …
//!               └─► 101: unfinished ─► hello: a session's     a WebSocket
//! ```

mod body;
mod file_body;
mod passage;
#[cfg(test)]
mod tests;

use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::Waker;
use std::time::Duration;

use futures_util::task::AtomicWaker;
use parking_lot::Mutex;
use tokio::sync::Notify;
use tokio::time::timeout;

pub(crate) use self::body::{TimedBody, TooSlow};
pub(crate) use self::file_body::count_file;
pub(crate) use self::passage::Passage;
use crate::crowd::Crowd;
use crate::metrics::{Shed, ShedCounters};
use crate::source::Source;

/// While there are so few of the unfinished, those that wait for an answer go instead: new ones need some moments.
const UNFINISHED_LEFT: usize = 16;

/// So many more than there may be are taken in before the first of them are closed. Files that are kept cover them.
const OVER: usize = 8;
/// For so long at most is their closing waited for.
const PAUSE: Duration = Duration::from_millis(20);

/// The connections of one listener.
pub(crate) struct Doors {
    most: usize,
    inside: Mutex<Inside>,
    shed: ShedCounters,
    left: Notify,
}

#[derive(Default)]
struct Inside {
    /// Open connections, and files that are being sent over them.
    files: usize,
    /// No whole request has come, or its answer is being written; or a WebSocket before its hello.
    unfinished: Crowd<Arc<Visit>>,
    /// A whole request has come and its answer is being made, as in long polling.
    waiting: Crowd<Arc<Visit>>,
    next_number: u64,
}

/// One TCP connection, from accept to close.
pub(crate) struct Visit {
    doors: Arc<Doors>,
    standing: Mutex<Standing>,
    /// It is to end at once: its place is wanted.
    is_cut: AtomicBool,
    /// It speaks TLS.
    is_encrypted: AtomicBool,
    /// The proxy that it comes from has not said for whom.
    is_for_nobody: AtomicBool,
    /// It does not speak HTTP any more.
    is_upgraded: AtomicBool,
    /// It is a session's, and stays.
    is_settled: AtomicBool,
    /// It is closed.
    has_left: AtomicBool,
    waker: AtomicWaker,
}

#[derive(Clone, Copy)]
struct Standing {
    stage: Stage,
    peer: IpAddr,
    source: Source,
    number: u64,
    /// Its session said hello, perhaps before this connection became a part of it.
    is_greeted: bool,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Stage {
    Unfinished,
    Waiting,
    /// A session's: it is not cut off for others.
    Session,
}

impl Doors {
    /// For at most so many connections.
    pub(crate) fn new(most: usize, shed: ShedCounters) -> Arc<Self> {
        Arc::new(Self {
            most,
            inside: Mutex::default(),
            shed,
            left: Notify::new(),
        })
    }

    /// Takes a connection in. Where that is one too many, another one is cut off.
    pub(crate) fn enter(self: &Arc<Self>, peer: IpAddr) -> Arc<Visit> {
        let mut inside = self.inside.lock();
        let visit = Arc::new(Visit {
            doors: self.clone(),
            standing: Mutex::new(Standing {
                stage: Stage::Unfinished,
                peer,
                source: Source::of(peer),
                number: inside.number(),
                is_greeted: false,
            }),
            is_cut: AtomicBool::new(false),
            is_encrypted: AtomicBool::new(false),
            is_for_nobody: AtomicBool::new(false),
            is_upgraded: AtomicBool::new(false),
            is_settled: AtomicBool::new(false),
            has_left: AtomicBool::new(false),
            waker: AtomicWaker::new(),
        });
        inside.enter_crowd(&visit);
        let one_too_many = inside.one_more_file(self.most);
        drop(inside);
        self.cut_off(one_too_many, Shed::Http);
        visit
    }

    /// Waits until those that were cut off are closed, but for some: they do that themselves, and are files until then.
    pub(crate) async fn settled(&self) {
        let settled = async {
            while self.inside.lock().files > self.most + OVER {
                self.left.notified().await;
            }
        };
        // Where sessions have more than their part, no waiting helps.
        let _ = timeout(PAUSE, settled).await;
    }

    /// The system has no file left: cuts some off, if there are any.
    pub(crate) fn make_room(&self, connections: usize) {
        for _ in 0..connections {
            let oldest = self.inside.lock().take_one();
            self.cut_off(oldest, Shed::OpenFiles);
        }
    }

    fn cut_off(&self, visit: Option<Arc<Visit>>, why: Shed) {
        if let Some(visit) = visit {
            self.shed.count(why, 1);
            visit.waker.wake();
        }
    }
}

impl Inside {
    fn number(&mut self) -> u64 {
        self.next_number += 1;
        self.next_number
    }

    fn crowd(&mut self, stage: Stage) -> Option<&mut Crowd<Arc<Visit>>> {
        match stage {
            Stage::Unfinished => Some(&mut self.unfinished),
            Stage::Waiting => Some(&mut self.waiting),
            Stage::Session => None,
        }
    }

    fn enter_crowd(&mut self, visit: &Arc<Visit>) {
        let standing = *visit.standing.lock();
        if let Some(crowd) = self.crowd(standing.stage)
            && !visit.is_cut()
        {
            crowd.enter(standing.source, standing.number, visit.clone());
        }
    }

    fn leave_crowd(&mut self, visit: &Visit) {
        let standing = *visit.standing.lock();
        if let Some(crowd) = self.crowd(standing.stage) {
            crowd.leave(standing.source, standing.number);
        }
    }

    /// Counts it. Whoever has to go for it.
    fn one_more_file(&mut self, most: usize) -> Option<Arc<Visit>> {
        self.files += 1;
        (self.files > most).then(|| self.take_one()).flatten()
    }

    fn take_one(&mut self) -> Option<Arc<Visit>> {
        let others_wait = self.waiting.len() > 0;
        let crowd = if self.unfinished.len() <= UNFINISHED_LEFT && others_wait {
            &mut self.waiting
        } else {
            &mut self.unfinished
        };
        let oldest = crowd.take_oldest_of_largest()?;
        oldest.is_cut.store(true, Ordering::Relaxed);
        Some(oldest)
    }
}

impl Visit {
    /// The other end of the TCP connection, or of the one that a proxy says it carries on (PROXY protocol): a client, or
    /// another proxy.
    pub(crate) fn peer(&self) -> IpAddr {
        self.standing.lock().peer
    }

    /// A trusted proxy says that it connects for `client`, which counts as the peer from now on.
    pub(crate) fn came_for(self: &Arc<Self>, client: IpAddr) {
        self.change(|standing| {
            standing.peer = client;
            standing.source = Source::of(client);
        });
    }

    /// A trusted proxy says that it connects for itself, or for it does not know which client. Headers are then those of
    /// anybody, although it is the proxy that sends them.
    pub(crate) fn came_for_nobody(&self) {
        self.is_for_nobody.store(true, Ordering::Relaxed);
    }

    /// Whether it is looked into headers for who asks and how, where the peer is a trusted proxy.
    pub(crate) fn may_forward(&self) -> bool {
        !self.is_for_nobody.load(Ordering::Relaxed)
    }

    /// The TLS handshake is done.
    pub(crate) fn encrypted(&self) {
        self.is_encrypted.store(true, Ordering::Relaxed);
    }

    /// Whether the peer speaks TLS with this node.
    pub(crate) fn speaks_tls(&self) -> bool {
        self.is_encrypted.load(Ordering::Relaxed)
    }

    /// Whom the connection is counted for, as its last request said.
    pub(crate) fn source(&self) -> Source {
        self.standing.lock().source
    }

    /// The head of a request has come, and perhaps all of it.
    pub(crate) fn asked(self: &Arc<Self>, source: Source, is_whole: bool) {
        self.change(|standing| {
            standing.source = source;
            standing.is_greeted = false;
            standing.stage = if is_whole {
                Stage::Waiting
            } else {
                Stage::Unfinished
            };
        });
    }

    /// The rest of the request has come.
    pub(crate) fn asked_all(self: &Arc<Self>) {
        self.change(|standing| standing.stage = Stage::Waiting);
    }

    /// The answer is there, and is yet to be written.
    pub(crate) fn answered(self: &Arc<Self>) {
        self.change(|standing| standing.stage = Stage::Unfinished);
    }

    /// The answer is 101: what comes now is no HTTP.
    pub(crate) fn upgraded(self: &Arc<Self>) {
        self.is_upgraded.store(true, Ordering::Relaxed);
        self.change(|standing| {
            standing.stage = if standing.is_greeted {
                Stage::Session
            } else {
                Stage::Unfinished
            };
        });
    }

    /// The session that this connection carries, or is about to carry, has said hello. A connection that speaks HTTP is
    /// nobody's: each of its requests may be another one's.
    pub(crate) fn greeted(self: &Arc<Self>) {
        let is_upgraded = self.is_upgraded();
        self.change(|standing| {
            standing.is_greeted = true;
            if is_upgraded {
                standing.stage = Stage::Session;
            }
        });
    }

    fn change(self: &Arc<Self>, change: impl FnOnce(&mut Standing)) {
        let mut inside = self.doors.inside.lock();
        // A body or an answer may outlive its connection for a moment.
        if self.has_left() {
            return;
        }
        inside.leave_crowd(self);
        let number = inside.number();
        {
            let mut standing = self.standing.lock();
            standing.number = number;
            change(&mut standing);
            let is_settled = standing.stage == Stage::Session;
            self.is_settled.store(is_settled, Ordering::Relaxed);
        }
        inside.enter_crowd(self);
    }

    /// The connection is closed. What was not written by now never will be.
    pub(crate) fn has_left(&self) -> bool {
        self.has_left.load(Ordering::Relaxed)
    }

    fn leave(&self) {
        let mut inside = self.doors.inside.lock();
        self.has_left.store(true, Ordering::Relaxed);
        inside.leave_crowd(self);
        inside.files -= 1;
        drop(inside);
        self.doors.left.notify_one();
    }

    fn is_cut(&self) -> bool {
        self.is_cut.load(Ordering::Relaxed)
    }

    fn is_upgraded(&self) -> bool {
        self.is_upgraded.load(Ordering::Relaxed)
    }

    /// Whom to wake when it is cut off. True: it is.
    fn poll_cut(&self, waker: &Waker) -> bool {
        if self.is_settled.load(Ordering::Relaxed) {
            return false;
        }
        self.waker.register(waker);
        self.is_cut()
    }
}
