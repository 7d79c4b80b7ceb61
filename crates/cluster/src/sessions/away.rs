//! Sessions without a connection whose places this node keeps: their own last node, or the one that cleaned up after it.
//! The window is counted on this node's monotonic clock.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use parking_lot::Mutex;
use switchboard_protocol::server_message::LeaveReason;
use switchboard_protocol::{NodeId, PeerId, RoomId, UserId};
use tokio::sync::watch;
use tokio::time::{Duration, Instant, sleep};

use crate::backend::Reach;
use crate::backend::directory::{AssertMember, DirectoryError, Place, TakeOver, TakeOverOutcome};
use crate::backend::record::Epoch;
use crate::link::envelope::{Change, RosterChange};
use crate::node::Inner;
use crate::sessions::attach::{Departing, RETRY};
use crate::sessions::local_session::LocalSession;

mod weight;

use self::weight::Weight;

/// While the directory was away, nobody could resume. Whoever tried has this long from when it is back, whatever his window
/// says: clients try again within it.
const GRACE: Duration = Duration::from_secs(10);

/// Whether clients could come back, so that windows may end.
pub(crate) struct Ways {
    reach: watch::Receiver<Reach>,
    /// When the directory was last seen to be away, or to have been, or to lack what it forgot: then its rooms are closed.
    barred_at: Option<Instant>,
}

impl Ways {
    pub(crate) fn new(mut reach: watch::Receiver<Reach>) -> Self {
        reach.mark_unchanged();
        Self {
            reach,
            barred_at: None,
        }
    }

    /// To be asked often: an outage between two times counts from the second one. `is_in_doubt`: see
    /// [`Doubt`](crate::repair::doubt::Doubt).
    pub(crate) fn are_open(&mut self, is_in_doubt: bool, now: Instant) -> bool {
        let has_changed = self.reach.has_changed().unwrap_or(false);
        let is_reached = self.reach.borrow_and_update().is_reached();
        if has_changed || !is_reached || is_in_doubt {
            self.barred_at = Some(now);
        }
        let in_grace = |at| now.saturating_duration_since(at) < GRACE;
        !self.barred_at.is_some_and(in_grace)
    }
}

/// One of them.
pub(crate) struct Away {
    pub(crate) peer: PeerId,
    pub(crate) epoch: Epoch,
    /// See [`PeerRecord::proven`](crate::backend::record::PeerRecord::proven).
    pub(crate) proven: Epoch,
    pub(crate) user: UserId,
    /// Rooms that the directory may list it in.
    rooms: Mutex<Vec<RoomId>>,
    /// When its window ends.
    until: Instant,
    /// Its places as the directory had them last, in case it forgets.
    places: Mutex<Vec<AssertMember>>,
    weight: Weight,
    /// Held while the directory is told something about it: one step after another.
    pub(crate) turn: tokio::sync::Mutex<()>,
}

/// What became of an attempt to mark a session as away.
pub(crate) enum Marked {
    /// Everywhere; these are to know.
    Done(Vec<Told>),
    /// It is another connection's.
    Superseded,
}

/// A step in a room, and who is to know of it.
pub(crate) struct Told {
    pub(crate) room: RoomId,
    /// Of the roster after it.
    pub(crate) revision: u64,
    pub(crate) nodes: Vec<NodeId>,
}

impl Away {
    fn weigh(&self) {
        let rooms = self.rooms.lock().len();
        self.weight.set(rooms, &self.places.lock());
    }

    pub(crate) fn is_over(&self, now: Instant) -> bool {
        self.until <= now
    }

    pub(crate) fn rooms(&self) -> Vec<RoomId> {
        self.rooms.lock().clone()
    }

    pub(crate) fn has_room(&self, room: &RoomId) -> bool {
        self.rooms.lock().contains(room)
    }

    pub(crate) fn add_rooms(&self, more: impl IntoIterator<Item = RoomId>) {
        let mut rooms = self.rooms.lock();
        for room in more {
            if !rooms.contains(&room) {
                rooms.push(room);
            }
        }
        drop(rooms);
        self.weigh();
    }

    pub(crate) fn has_place(&self, room: &RoomId) -> bool {
        let places = self.places.lock();
        places.iter().any(|place| place.room == *room)
    }

    pub(crate) fn places(&self) -> Vec<AssertMember> {
        self.places.lock().clone()
    }

    /// The session has no place in that room any more.
    pub(crate) fn forget_place(&self, room: &RoomId) {
        self.places.lock().retain(|place| place.room != *room);
        self.weigh();
    }

    pub(crate) fn note_place(&self, mut place: AssertMember) {
        let mut places = self.places.lock();
        if let Some(at) = places.iter().position(|known| known.room == place.room) {
            place.stay_above(&places.swap_remove(at));
        }
        places.push(place);
        drop(places);
        self.weigh();
    }
}

impl Inner {
    pub(crate) fn new_away(
        &self,
        (peer, epoch, proven): (PeerId, Epoch, Epoch),
        user: UserId,
        rooms: Vec<RoomId>,
        window: Duration,
    ) -> Arc<Away> {
        let away = Away {
            peer,
            epoch,
            proven,
            user,
            rooms: Mutex::new(rooms),
            until: Instant::now() + window,
            places: Mutex::default(),
            weight: Weight::new(self.away_bytes.clone()),
            turn: tokio::sync::Mutex::default(),
        };
        away.weigh();
        Arc::new(away)
    }

    /// A session has lost its connection: its places are kept, and it is told as away.
    /// `places`: where it was, as far as it is known here.
    pub(crate) fn hold(
        self: &Arc<Self>,
        local: &Arc<LocalSession>,
        places: Vec<AssertMember>,
        window: Duration,
    ) {
        let proven = local.proven.load(Ordering::Relaxed);
        let away = self.new_away(
            (local.peer, local.epoch, proven),
            local.user.clone(),
            local.room_ids(),
            window,
        );
        for mut place in places {
            place.member.node = self.id.clone();
            place.member.flags.away = true;
            away.note_place(place);
        }
        self.keep(away.clone());
        let (node, local) = (self.clone(), local.clone());
        self.spawn_last_step(local.clone(), async move {
            node.finish_turn(&local).await;
            away.add_rooms(local.room_ids());
            node.mark_away(&away).await;
        });
    }

    /// Keeps the places of a session until its window ends or another connection has it.
    pub(crate) fn keep(&self, away: Arc<Away>) {
        let known = self.away.get(&away.peer).map(|known| known.epoch);
        if known.is_none_or(|known| known <= away.epoch) {
            self.away.insert(away.peer, away);
        }
    }

    /// Whether the session is still this node's to keep.
    pub(crate) fn keeps(&self, away: &Arc<Away>) -> bool {
        let known = self.away.get(&away.peer);
        known.is_some_and(|known| Arc::ptr_eq(&known, away))
    }

    /// Marks a session as away in its rooms, as often as it takes.
    pub(crate) async fn mark_away(&self, away: &Arc<Away>) {
        while self.keeps(away) {
            match self.mark_in_turn(away).await {
                Ok(Marked::Done(_)) => return,
                Ok(Marked::Superseded) => return self.stop_keeping(away).await,
                Err(error) => {
                    tracing::debug!(session.id = %away.peer, %error, "a session could not be marked as away");
                }
            }
            tokio::select! {
                biased;
                () = self.stop.cancelled() => return,
                () = sleep(RETRY) => {}
            }
        }
    }

    pub(crate) async fn mark_in_turn(&self, away: &Away) -> Result<Marked, DirectoryError> {
        let _turn = self.departures.acquire().await;
        let _own_turn = away.turn.lock().await;
        let mut told = Vec::new();
        let directory = &self.backend.directory;
        let noted = directory.note_away(&away.peer, away.epoch, &self.id);
        if !noted.await? {
            return Ok(Marked::Superseded);
        }
        for room in &away.rooms() {
            let wish = TakeOver {
                room: room.clone(),
                peer: away.peer,
                epoch: away.epoch,
                node: self.id.clone(),
                away: true,
                whole: false,
            };
            let outcome = self.backend.directory.take_over(&wish).await;
            match outcome? {
                TakeOverOutcome::Moved { changed, place } => {
                    self.tell_taken(room, &place, changed);
                    away.note_place(place.to_assert(room));
                    told.push(Told {
                        room: room.clone(),
                        revision: place.revision,
                        nodes: place.nodes,
                    });
                }
                TakeOverOutcome::Taken { .. } | TakeOverOutcome::NotAMember => {
                    away.forget_place(room);
                }
                TakeOverOutcome::Stale { .. } => return Ok(Marked::Superseded),
            }
        }
        Ok(Marked::Done(told))
    }

    /// Another connection, or another node, has the session.
    pub(crate) async fn stop_keeping(&self, away: &Arc<Away>) {
        let is_it = |_: &PeerId, known: &Arc<Away>| Arc::ptr_eq(known, away);
        if self.away.remove_if(&away.peer, is_it).is_some() {
            self.former.note(away.places());
        }
        self.delist_unless_here(&away.peer).await;
    }

    /// Ends the sessions whose window is over. Not to be called while clients cannot come back, see [`Ways`].
    pub(crate) fn expire(self: &Arc<Self>, now: Instant) {
        let mut over: Vec<_> = self
            .away
            .iter()
            .filter(|away| away.is_over(now))
            .map(|away| away.clone())
            .collect();
        over.sort_unstable_by_key(|away| away.peer);
        for away in over {
            self.away
                .remove_if(&away.peer, |_, known| Arc::ptr_eq(known, &away));
            self.spawn_departure(Departing::of_away(&away), LeaveReason::Expired);
        }
    }

    /// The session is this epoch's on that node now: whatever this one has of it is over. The note in the directory that
    /// it is here goes with the next cycle of assertions.
    pub(crate) fn let_go(&self, peer: &PeerId, epoch: Epoch, node: &NodeId) {
        if let Some(local) = self.local(peer).filter(|local| local.epoch < epoch) {
            local.ended.store(true, Ordering::Release);
            local.recipient.superseded();
        }
        let is_over = |_: &PeerId, away: &Arc<Away>| {
            away.epoch < epoch || (away.epoch == epoch && *node != self.id)
        };
        if let Some((_, away)) = self.away.remove_if(peer, is_over) {
            self.former.note(away.places());
        }
    }

    /// Tells that a member changed hands; or, where that was so before, that there is a revision.
    pub(crate) fn tell_taken(&self, room: &RoomId, place: &Place, changed: bool) {
        let (revision, nodes) = (place.revision, &place.nodes);
        if changed {
            let member = place.member.clone();
            let step = RosterChange {
                room: room.clone(),
                revision,
                change: Change::Moved { member },
            };
            self.announce(nodes, step);
        } else {
            self.hint(nodes, room, revision);
        }
    }
}
