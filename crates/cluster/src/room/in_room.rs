//! The gate of most changes of a room: what follows from one in this node's sessions follows before anybody else gets at the
//! room.

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::Arc;

use parking_lot::Mutex;

use crate::node::Inner;
use crate::room::{After, Room};

impl Inner {
    /// Does something in a room and, before anybody else gets at it, what follows. A panic leaves the room with a roster
    /// that is half changed: it is read again, whatever its revision.
    pub(crate) fn in_room<T>(
        &self,
        shared: &Arc<Mutex<Room>>,
        change: impl FnOnce(&mut Room) -> (T, After),
    ) -> T {
        let changed = catch_unwind(AssertUnwindSafe(|| self.change_room(shared, change)));
        changed.unwrap_or_else(|panic| {
            shared.lock().distrust();
            self.rooms.note_behind(shared);
            resume_unwind(panic)
        })
    }

    fn change_room<T>(
        &self,
        shared: &Arc<Mutex<Room>>,
        change: impl FnOnce(&mut Room) -> (T, After),
    ) -> T {
        let mut room = shared.lock();
        let (result, after) = change(&mut room);
        self.reroute(&room, &after);
        if room.read_at().is_some() {
            self.rooms.note_behind(shared);
        }
        let waiting = self.held_back_in(&room);
        drop(room);
        for local in after.entered {
            self.compare_rosters(shared, &local);
        }
        for local in waiting {
            self.try_held_back(&local);
        }
        result
    }
}
