//! The sessions of this node: how they come, go on over another connection, are away, and end.

pub(crate) mod attach;
pub(crate) mod away;
pub(crate) mod detach;
pub(crate) mod directory_state;
pub(crate) mod evict;
pub(crate) mod former_places;
pub(crate) mod keep_away;
pub(crate) mod local_session;
pub(crate) mod of_user;
mod places;
mod re_enter;
pub(crate) mod resume;
pub(crate) mod secret;
mod take_up;
pub(crate) mod ways_back;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use dashmap::DashMap;
use switchboard_protocol::{NodeId, PeerId};
use tokio::sync::{Mutex, Semaphore, SemaphorePermit};
use tokio::time::Instant;

use self::away::Away;
use self::former_places::FormerPlaces;
use self::local_session::LocalSession;
use crate::backend::record::Epoch;
use crate::observe::repeated::Repeated;

/// Sessions that resume here at the same time share so many turns, each always the same one.
const ATTACH_TURNS: usize = 256;
/// Sessions that leave the directory at the same time.
const DEPARTURES_MAX: usize = 64;

/// Every session of a node.
pub(crate) struct Sessions {
    own: NodeId,
    /// With a connection here.
    live: DashMap<PeerId, Arc<LocalSession>>,
    /// Without one: this node keeps their places.
    away: DashMap<PeerId, Arc<Away>>,
    /// What they weigh, and those on their way out.
    away_bytes: Arc<AtomicUsize>,
    former_places: FormerPlaces,
    departures: Semaphore,
    /// Held while a session is attached here again: of two that come at the same time, the later one finds the other.
    attach_turns: Box<[Mutex<()>]>,
    /// What a fault can repeat, and an operator need not read each time.
    cannot_leave: Repeated,
    away_shed: Repeated,
}

/// A session that this node answers for.
pub(crate) enum OwnedSession {
    Live(Arc<LocalSession>),
    Away(Arc<Away>),
}

impl OwnedSession {
    pub(crate) fn peer(&self) -> PeerId {
        match self {
            Self::Live(local) => local.peer,
            Self::Away(away) => away.peer,
        }
    }
}

impl Sessions {
    pub(crate) fn new(own: NodeId) -> Self {
        Self {
            own,
            live: DashMap::new(),
            away: DashMap::new(),
            away_bytes: Arc::default(),
            former_places: FormerPlaces::default(),
            departures: Semaphore::new(DEPARTURES_MAX),
            attach_turns: (0..ATTACH_TURNS).map(|_| Mutex::default()).collect(),
            cannot_leave: Repeated::default(),
            away_shed: Repeated::default(),
        }
    }

    pub(crate) fn live(&self, peer: &PeerId) -> Option<Arc<LocalSession>> {
        self.live.get(peer).map(|local| local.clone())
    }

    /// The same, if it is that epoch's.
    pub(crate) fn live_in(&self, (peer, epoch): &(PeerId, Epoch)) -> Option<Arc<LocalSession>> {
        self.live(peer).filter(|local| local.epoch == *epoch)
    }

    /// Every session with a connection here, by peer id.
    pub(crate) fn all_live(&self) -> Vec<Arc<LocalSession>> {
        let mut live: Vec<_> = self.live.iter().map(|local| local.clone()).collect();
        live.sort_unstable_by_key(|local| local.peer);
        live
    }

    pub(crate) fn live_count(&self) -> usize {
        self.live.len()
    }

    pub(crate) fn away(&self, peer: &PeerId) -> Option<Arc<Away>> {
        self.away.get(peer).map(|away| away.clone())
    }

    /// Every session without a connection, in no order.
    pub(crate) fn all_away(&self) -> Vec<Arc<Away>> {
        self.away.iter().map(|away| away.clone()).collect()
    }

    pub(crate) fn away_count(&self) -> usize {
        self.away.len()
    }

    /// About what the away sessions take in the directory.
    pub(crate) fn away_bytes(&self) -> usize {
        self.away_bytes.load(Ordering::Relaxed)
    }

    /// Where an away session counts its weight.
    pub(crate) fn away_total(&self) -> Arc<AtomicUsize> {
        self.away_bytes.clone()
    }

    /// Every session that this node answers for, by peer id.
    pub(crate) fn all(&self) -> Vec<OwnedSession> {
        let live = self
            .live
            .iter()
            .map(|local| OwnedSession::Live(local.clone()));
        let away = self
            .away
            .iter()
            .map(|away| OwnedSession::Away(away.clone()));
        let mut all: Vec<_> = live.chain(away).collect();
        all.sort_unstable_by_key(OwnedSession::peer);
        all
    }

    /// Whether the session is here, with a connection or without.
    pub(crate) fn has(&self, peer: &PeerId) -> bool {
        self.live.contains_key(peer) || self.away.contains_key(peer)
    }

    /// Of the session as this node has it; 0: it has not.
    pub(crate) fn epoch_of(&self, peer: &PeerId) -> Epoch {
        let live = self.live(peer).map_or(0, |local| local.epoch);
        let away = self.away(peer).map_or(0, |away| away.epoch);
        live.max(away)
    }

    /// Places of sessions that this node has just let go of.
    pub(crate) fn former_places(&self) -> &FormerPlaces {
        &self.former_places
    }

    /// The session has a connection here.
    pub(crate) fn add(&self, local: Arc<LocalSession>) {
        self.live.insert(local.peer, local);
    }

    /// The connection is over, unless the session already has another one here.
    pub(crate) fn remove(&self, local: &Arc<LocalSession>) {
        self.live
            .remove_if(&local.peer, |_, known| Arc::ptr_eq(known, local));
    }

    /// Keeps the places of a session until its window ends or another connection has it.
    pub(crate) fn keep(&self, away: Arc<Away>) {
        let known = self.away(&away.peer).map(|known| known.epoch);
        if known.is_none_or(|known| known <= away.epoch) {
            self.away.insert(away.peer, away);
        }
    }

    /// Whether the session is still this node's to keep.
    pub(crate) fn keeps(&self, away: &Arc<Away>) -> bool {
        let known = self.away.get(&away.peer);
        known.is_some_and(|known| Arc::ptr_eq(&known, away))
    }

    /// Keeps it no longer. False: it was not kept any more.
    pub(crate) fn stop_keeping(&self, away: &Arc<Away>) -> bool {
        let is_it = |_: &PeerId, known: &Arc<Away>| Arc::ptr_eq(known, away);
        self.away.remove_if(&away.peer, is_it).is_some()
    }

    /// Takes out those whose window is over, by peer id.
    pub(crate) fn take_expired(&self, now: Instant) -> Vec<Arc<Away>> {
        let mut over = self.all_away();
        over.retain(|away| away.is_over(now) && self.stop_keeping(away));
        over.sort_unstable_by_key(|away| away.peer);
        over
    }

    /// The session is this epoch's on that node now: whatever this one has of it is over. The note in the directory that
    /// it is here goes with the next cycle of assertions.
    pub(crate) fn let_go(&self, peer: &PeerId, epoch: Epoch, node: &NodeId) {
        if let Some(local) = self.live(peer).filter(|local| local.epoch < epoch) {
            local.ended.store(true, Ordering::Release);
            local.recipient.superseded();
        }
        let is_over = |_: &PeerId, away: &Arc<Away>| {
            away.epoch < epoch || (away.epoch == epoch && *node != self.own)
        };
        if let Some((_, away)) = self.away.remove_if(peer, is_over) {
            self.former_places.note(away.places());
        }
    }

    /// Held while a session is attached here again.
    pub(crate) fn attach_turn(&self, peer: &PeerId) -> &Mutex<()> {
        let id = peer.as_str().as_bytes();
        // An id is in base64: six bits a byte.
        let turn = usize::from(id[0]) * 64 + usize::from(id[1]);
        &self.attach_turns[turn % ATTACH_TURNS]
    }

    /// Held while a session leaves the directory, or is marked as away there.
    pub(crate) async fn departure_turn(&self) -> Option<SemaphorePermit<'_>> {
        // The semaphore is never closed.
        self.departures.acquire().await.ok()
    }
}
