//! The rooms that have members on this node.

use std::sync::Arc;

use dashmap::DashMap;
use parking_lot::Mutex;
use switchboard_protocol::{PeerId, RoomId};
use tokio::sync::OwnedMutexGuard;
use tokio::time::{Duration, Instant, timeout};

use crate::backend::directory::{AssertMember, JoinOutcome};
use crate::room::Room;
use crate::room::allowance::{Reads, record_bytes};
use crate::sessions::local_session::LocalSession;

/// How long a join waits for another one that reads the same room.
const FIRST_PATIENCE: Duration = Duration::from_secs(1);
/// How long a join waits for its turn to read a room, and how often it looks.
const READ_PATIENCE: Duration = Duration::from_secs(2);
const READ_AGAIN: Duration = Duration::from_millis(20);

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

/// Rooms by id. A room is dropped as soon as no session here is in it or about to be.
#[derive(Default)]
pub(crate) struct Rooms {
    rooms: DashMap<RoomId, Arc<Mutex<Room>>>,
    /// Rooms that missed a step of their roster.
    behind: Mutex<Vec<Arc<Mutex<Room>>>>,
    /// Reads of whole rooms, for joins.
    reads: Mutex<Reads>,
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

    /// Drops the room if no session needs it.
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
        // Rooms are locked after the list is released: a task that holds a room may be about to note it.
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

    /// The session hears nothing of the room any more.
    pub(crate) fn remove_local(&self, local: &LocalSession, room: &RoomId) {
        if let Some(known) = self.get(room.as_str()) {
            known.lock().remove_local(local);
            self.sweep(room);
        }
    }

    /// Of the sessions that come into a room where this node has none, the first reads it, and the others wait for that.
    pub(crate) async fn until_first(&self, room: &Mutex<Room>) -> Option<OwnedMutexGuard<()>> {
        let first = room.lock().first()?;
        // One that waits too long reads the room itself.
        timeout(FIRST_PATIENCE, first.lock_owned()).await.ok()
    }

    /// Waits until this node may read one more room, if it is to; or says how long that would take.
    pub(crate) async fn until_may_read(&self, whole: bool) -> Result<Option<usize>, Duration> {
        if !whole {
            return Ok(None);
        }
        let until = Instant::now() + READ_PATIENCE;
        loop {
            let now = Instant::now();
            let begun = self.reads.lock().begin(now);
            match begun {
                Ok(counted) => return Ok(Some(counted)),
                Err(pause) if now + pause > until => return Err(pause),
                Err(_) => {}
            }
            tokio::time::sleep(READ_AGAIN).await;
        }
    }

    pub(crate) fn note_read(&self, reading: Option<usize>, outcome: Option<&JoinOutcome>) {
        let Some(counted) = reading else { return };
        let bytes = match outcome {
            Some(JoinOutcome::Joined { roster, .. }) => {
                Some(roster.members.iter().map(record_bytes).sum())
            }
            _ => None,
        };
        self.reads.lock().end(counted, bytes, Instant::now());
    }

    /// How many are in a room, hidden ones too, as far as this node knows.
    pub(crate) fn members_of(&self, room: &str) -> usize {
        self.get(room).map_or(0, |room| {
            let room = room.lock();
            room.roster().map_or(0, |roster| roster.members().count())
        })
    }

    /// A live member as the roster here has it, to be asserted.
    pub(crate) fn place_of(&self, local: &LocalSession, room: &RoomId) -> Option<AssertMember> {
        self.get(room.as_str())?.lock().place_of(&local.peer)
    }

    pub(crate) fn knows_roster(&self, room: &RoomId) -> bool {
        let known = self.get(room.as_str());
        known.is_some_and(|room| room.lock().roster().is_some())
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
