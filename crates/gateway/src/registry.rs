//! Every connection of this node, greeted or not: how many there are, how to send them on, and how to end them.
//!
//! Those that said hello are sessions and have a bound of their own. Of the others, when there are too many, the oldest
//! of the largest source goes: [`crate::crowd`].

#[cfg(test)]
mod tests;

use std::sync::Arc;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};

use dashmap::DashMap;
use parking_lot::Mutex;
use switchboard_cluster::Recipient;
use switchboard_connection::{Coming, Mailbox, RETRY_AFTER};
use switchboard_protocol::server_message::Drain;
use switchboard_protocol::{CloseCode, PeerId};
use switchboard_session::Closing;

use crate::capacity::Capacity;
use crate::crowd::Crowd;
use crate::metrics::{Shed, ShedCounters};
use crate::session_places::{Full, SessionPlaces};
use crate::source::Source;
use crate::tally::Tally;

/// The connections, by the peer id that each has from its first moment.
pub(crate) struct Registry {
    connections: DashMap<PeerId, Entry>,
    count: AtomicUsize,
    sessions: SessionPlaces,
    ungreeted: Mutex<Crowd<Arc<Mailbox>>>,
    next_number: AtomicU64,
    capacity: Capacity,
    /// Once set, every connection is closed with it, also those that come later.
    closing: OnceLock<Closing>,
    /// New connections are part of the drain too.
    draining: AtomicBool,
    tally: Mutex<Tally>,
    shed: ShedCounters,
}

struct Entry {
    mailbox: Arc<Mailbox>,
    counted_as: CountedAs,
    resumability: Resumability,
    /// A drain waits until it ends.
    picked: bool,
}

/// For what a connection counts.
#[derive(Clone, Copy)]
enum CountedAs {
    /// It has said no `hello`.
    Ungreeted { source: Source, number: u64 },
    /// It counts for `limits.sessions` and `limits.sessions_per_address`.
    Session { source: Source },
}

/// What a drain can do with a connection.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Resumability {
    /// It has said no `hello`.
    None,
    /// It ends with its connection.
    Bound,
    /// It can be resumed elsewhere.
    Resumable,
}

/// A connection's place in the registry; gives it back when dropped.
pub(crate) struct Registration {
    registry: Arc<Registry>,
    peer: PeerId,
}

impl Registry {
    /// An empty one for at most so many connections.
    pub(crate) fn new(capacity: Capacity, shed: ShedCounters) -> Self {
        Self {
            connections: DashMap::new(),
            count: AtomicUsize::new(0),
            sessions: SessionPlaces::new(capacity),
            ungreeted: Mutex::new(Crowd::default()),
            next_number: AtomicU64::new(0),
            capacity,
            closing: OnceLock::new(),
            draining: AtomicBool::new(false),
            tally: Mutex::new(Tally::default()),
            shed,
        }
    }

    /// Enters a connection that has yet to say hello. Where that is one too many, another one goes.
    pub(crate) fn enter(
        self: &Arc<Self>,
        peer: PeerId,
        mailbox: &Arc<Mailbox>,
        source: Source,
    ) -> Registration {
        self.count.fetch_add(1, Ordering::Relaxed);
        let number = self.next_number.fetch_add(1, Ordering::Relaxed);
        let entry = Entry {
            mailbox: mailbox.clone(),
            counted_as: CountedAs::Ungreeted { source, number },
            resumability: Resumability::None,
            picked: self.draining.load(Ordering::Acquire),
        };
        self.connections.insert(peer, entry);
        if let Some(closing) = self.closing.get() {
            mailbox.close(closing.clone());
        }
        let most = self.capacity.ungreeted(self.sessions.len());
        let mut ungreeted = self.ungreeted.lock();
        ungreeted.enter(source, number, mailbox.clone());
        let one_too_many = (ungreeted.len() > most).then(|| ungreeted.take_oldest_of_largest());
        drop(ungreeted);
        if let Some(oldest) = one_too_many.flatten() {
            self.shed.count(Shed::NoHello, 1);
            let words = "too many connections have not said hello; say it sooner";
            oldest.shed(Closing::because(CloseCode::Unavailable, words).retry_after(RETRY_AFTER));
        }
        Registration {
            registry: self.clone(),
            peer,
        }
    }

    fn admit(&self, peer: &PeerId, coming: Coming) -> Result<(), Full> {
        let Some(mut entry) = self.connections.get_mut(peer) else {
            return Err(Full::Node);
        };
        let (source, number) = match entry.counted_as {
            CountedAs::Ungreeted { source, number } => (source, number),
            // It was to be resumed, and is a new one after all.
            CountedAs::Session { source } => return self.sessions.keep(source, coming),
        };
        self.sessions.take(source, coming)?;
        entry.counted_as = CountedAs::Session { source };
        drop(entry);
        self.ungreeted.lock().leave(source, number);
        Ok(())
    }

    fn welcomed(&self, peer: &PeerId, resumes: bool) {
        if let Some(mut entry) = self.connections.get_mut(peer) {
            entry.resumability = if resumes {
                Resumability::Resumable
            } else {
                Resumability::Bound
            };
        }
    }

    /// Makes all connections part of a drain, also those that come later. Those that are there, in any order.
    pub(crate) fn pick_all(&self) -> Vec<PeerId> {
        self.draining.store(true, Ordering::Release);
        let mut picked = Vec::with_capacity(self.len());
        for mut entry in self.connections.iter_mut() {
            entry.picked = true;
            picked.push(*entry.key());
        }
        picked
    }

    /// Makes `count` sessions, or as many as there are, part of a drain. They are picked at random.
    pub(crate) fn pick(&self, count: impl FnOnce(usize) -> usize) -> Vec<PeerId> {
        let sessions = self.connections.iter();
        let sessions = sessions.filter(|entry| entry.resumability != Resumability::None);
        let mut peers: Vec<_> = sessions.map(|entry| *entry.key()).collect();
        fastrand::shuffle(&mut peers);
        peers.truncate(count(peers.len()));
        peers.retain(|peer| {
            let entry = self.connections.get_mut(peer);
            entry.map(|mut entry| entry.picked = true).is_some()
        });
        peers
    }

    /// The drain that picked these is over. Those that are still there are not part of a drain any more.
    pub(crate) fn unpick(&self, peers: &[PeerId]) {
        if self.draining.load(Ordering::Acquire) {
            return;
        }
        for peer in peers {
            if let Some(mut entry) = self.connections.get_mut(peer) {
                entry.picked = false;
            }
        }
    }

    /// Tells the client of a connection to resume elsewhere. A connection without a session that can resume is closed,
    /// and its client connects again.
    pub(crate) fn send_on(&self, peer: &PeerId, drain: Drain, closing: &Closing) {
        let entry = self.connections.get(peer);
        let Some((mailbox, resumability)) =
            entry.map(|entry| (entry.mailbox.clone(), entry.resumability))
        else {
            return;
        };
        if resumability != Resumability::Resumable {
            mailbox.close(closing.clone());
        } else if mailbox.push(drain.into()).is_ok() {
            self.tally.lock().told += 1;
            tracing::debug!(session.id = %peer, "a session was told to go on at another node");
        }
    }

    /// From now on new connections are closed with this.
    pub(crate) fn refuse(&self, closing: Closing) {
        let _ = self.closing.set(closing);
    }

    /// Ends all connections, also those that are about to enter.
    pub(crate) fn close(&self, closing: Closing) {
        self.refuse(closing.clone());
        for mailbox in self.mailboxes() {
            mailbox.close(closing.clone());
        }
    }

    /// How the connections that drains picked have ended.
    pub(crate) fn tally(&self) -> Tally {
        *self.tally.lock()
    }

    /// How many there are.
    pub(crate) fn len(&self) -> usize {
        self.count.load(Ordering::Relaxed)
    }

    /// How many of these are still there.
    pub(crate) fn count_of(&self, peers: &[PeerId]) -> usize {
        let there = |peer: &&PeerId| self.connections.contains_key(*peer);
        peers.iter().filter(there).count()
    }

    /// Bytes that wait for clients.
    pub(crate) fn outbox_bytes(&self) -> usize {
        self.connections
            .iter()
            .map(|entry| entry.mailbox.bytes())
            .sum()
    }

    fn mailboxes(&self) -> Vec<Arc<Mailbox>> {
        self.connections
            .iter()
            .map(|entry| entry.mailbox.clone())
            .collect()
    }
}

impl Registration {
    /// The connection said a hello that is to be answered by `welcome`: it counts as a session from now on.
    pub(crate) fn admit(&self, coming: Coming) -> Result<(), Full> {
        self.registry.admit(&self.peer, coming)
    }

    /// The connection has got its `welcome`: a drain sends it on where it can go on elsewhere.
    pub(crate) fn welcomed(&self, resumes: bool) {
        self.registry.welcomed(&self.peer, resumes);
    }
}

impl Drop for Registration {
    fn drop(&mut self) {
        let removed = self.registry.connections.remove(&self.peer);
        let Some((_, entry)) = removed else { return };
        match entry.counted_as {
            CountedAs::Session { source } => self.registry.sessions.give_back(source),
            CountedAs::Ungreeted { source, number } => {
                self.registry.ungreeted.lock().leave(source, number);
            }
        }
        if entry.picked {
            let code = entry.mailbox.closing().map(|closing| closing.code);
            self.registry.tally.lock().ended(code);
        }
        self.registry.count.fetch_sub(1, Ordering::Relaxed);
    }
}
