//! The rooms that have members on this node.

use std::sync::Arc;

use dashmap::DashMap;
use parking_lot::Mutex;
use switchboard_protocol::{PeerId, RoomId};
use tokio::time::Instant;

use crate::room::Room;

/// A join or a resume in one room that is under way: what arrives for it meanwhile waits. Dropped without having been
/// admitted (it was refused, or panicked), it is under way no more.
pub(crate) struct Opening<'a> {
    rooms: &'a Rooms,
    pub(crate) room: Arc<Mutex<Room>>,
    id: RoomId,
    peer: PeerId,
    is_over: bool,
}

impl Opening<'_> {
    /// The room has admitted it.
    pub(crate) fn admitted(mut self) {
        self.is_over = true;
    }
}

impl Drop for Opening<'_> {
    fn drop(&mut self) {
        if !self.is_over {
            self.room.lock().give_up_opening(&self.peer);
            self.rooms.sweep(&self.id);
        }
    }
}

/// Rooms by id. A room is dropped as soon as nobody here is in it or about to be.
#[derive(Default)]
pub(crate) struct Rooms {
    rooms: DashMap<RoomId, Arc<Mutex<Room>>>,
    /// Rooms that missed a step of their roster.
    behind: Mutex<Vec<Arc<Mutex<Room>>>>,
}

impl Rooms {
    pub(crate) fn get(&self, room: &str) -> Option<Arc<Mutex<Room>>> {
        self.rooms.get(room).map(|room| room.clone())
    }

    /// The room, which counts a join of `peer` under way from now on.
    pub(crate) fn open(&self, id: &RoomId, peer: PeerId) -> Opening<'_> {
        let entry = self
            .rooms
            .entry(id.clone())
            .or_insert_with(|| Arc::new(Mutex::new(Room::new(id.clone()))));
        // Under the map's lock, so that `sweep` cannot drop the room in between.
        entry.lock().open(peer);
        Opening {
            rooms: self,
            room: entry.clone(),
            id: id.clone(),
            peer,
            is_over: false,
        }
    }

    /// Drops the room if nobody needs it.
    pub(crate) fn sweep(&self, room: &RoomId) {
        self.rooms
            .remove_if(room, |_, room| room.lock().is_unused());
    }

    /// Notes that a room misses a step.
    pub(crate) fn note_behind(&self, room: &Arc<Mutex<Room>>) {
        let mut behind = self.behind.lock();
        if !behind.iter().any(|known| Arc::ptr_eq(known, room)) {
            behind.push(room.clone());
        }
    }

    /// The rooms whose roster should be read now. They are on the list until they have caught up.
    pub(crate) fn take_behind(&self, now: Instant) -> Vec<Arc<Mutex<Room>>> {
        let mut due = Vec::new();
        // Rooms are locked after the list is released: whoever holds a room may be about to note it.
        let listed = std::mem::take(&mut *self.behind.lock());
        for room in listed {
            let mut locked = room.lock();
            let Some(read_at) = locked.read_at().filter(|_| !locked.is_unused()) else {
                continue;
            };
            if read_at <= now {
                locked.reading();
                due.push(room.clone());
            }
            drop(locked);
            self.note_behind(&room);
        }
        due
    }

    pub(crate) fn len(&self) -> usize {
        self.rooms.len()
    }

    /// By id.
    pub(crate) fn all(&self) -> Vec<Arc<Mutex<Room>>> {
        let rooms = self.rooms.iter();
        let mut rooms: Vec<_> = rooms
            .map(|room| (room.key().clone(), room.clone()))
            .collect();
        rooms.sort_unstable_by(|(one, _), (other, _)| one.cmp(other));
        rooms.into_iter().map(|(_, room)| room).collect()
    }
}
