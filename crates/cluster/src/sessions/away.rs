//! A session that has no connection while its window lasts, as the node knows it that keeps its places: its last node, or the
//! one that cleaned up after that. The window is counted on the keeper's monotonic clock.

mod weight;

use std::sync::Arc;
use std::sync::atomic::AtomicUsize;

use parking_lot::Mutex;
use switchboard_protocol::{PeerId, RoomId, UserId};
use tokio::time::{Duration, Instant};

use self::weight::Weight;
use crate::backend::directory::AssertMember;
use crate::backend::record::Epoch;
use crate::backend::revocation::Credential;

/// A session without a connection whose places this node keeps.
pub(crate) struct Away {
    pub(crate) peer: PeerId,
    pub(crate) epoch: Epoch,
    /// See [`PeerRecord::proven`](crate::backend::record::PeerRecord::proven).
    pub(crate) proven: Epoch,
    pub(crate) user: UserId,
    /// What its client showed. `None`: it came to another node, which is no more.
    pub(crate) credential: Option<Credential>,
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

impl Away {
    /// One whose window begins now. It counts in `total`, the bytes of all that the node keeps.
    pub(crate) fn new(
        (peer, epoch, proven): (PeerId, Epoch, Epoch),
        (user, credential): (UserId, Option<Credential>),
        rooms: Vec<RoomId>,
        window: Duration,
        total: Arc<AtomicUsize>,
    ) -> Arc<Self> {
        let away = Self {
            peer,
            epoch,
            proven,
            user,
            credential,
            rooms: Mutex::new(rooms),
            until: Instant::now() + window,
            places: Mutex::default(),
            weight: Weight::new(total),
            turn: tokio::sync::Mutex::default(),
        };
        away.weigh();
        Arc::new(away)
    }

    /// What it weighs, bytes.
    pub(crate) fn bytes(&self) -> usize {
        self.weight.bytes()
    }

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

    /// The youngest are the greatest; one in no room is younger than all.
    pub(crate) fn age(&self) -> (u64, PeerId) {
        let places = self.places.lock();
        let joined_at = places.iter().map(|place| place.member.joined_at).min();
        (joined_at.unwrap_or(u64::MAX), self.peer)
    }
}
