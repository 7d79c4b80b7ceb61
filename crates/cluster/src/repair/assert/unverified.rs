//! Places that this node wrote for sessions without a connection here. While such a write is on its way, the session may
//! resume and leave the room: then the write arrives last, and lists a member that nobody answers for. So each of these places
//! is verified once every step that its write could have crossed is over.

use std::collections::BTreeMap;

use parking_lot::Mutex;
use switchboard_protocol::server_message::LeaveReason;
use switchboard_protocol::{NodeId, PeerId, RoomId};
use tokio::time::Instant;

use crate::backend::directory::{AssertMember, DirectoryError};
use crate::backend::record::Epoch;
use crate::node::Inner;
use crate::signal::tombstones::REMEMBERED;
use crate::tasks::Task;

type Place = (PeerId, RoomId);

/// Not more than the places of away sessions.
#[derive(Default)]
pub(crate) struct Unverified(Mutex<BTreeMap<Place, Written>>);

/// What was written, and when.
#[derive(Clone)]
struct Written {
    epoch: Epoch,
    node: NodeId,
    at: Instant,
}

impl Unverified {
    /// Returns what was to be verified there before.
    fn note(&self, place: &AssertMember) -> Option<Written> {
        let member = &place.member;
        let written = Written {
            epoch: member.epoch,
            node: member.node.clone(),
            at: Instant::now(),
        };
        self.0.lock().insert(key(place), written)
    }

    /// The directory had the place: it is as it was before.
    fn take_back(&self, place: &AssertMember, before: Option<Written>) {
        let mut places = self.0.lock();
        match before {
            Some(before) => places.insert(key(place), before),
            None => places.remove(&key(place)),
        };
    }

    fn due(&self) -> Vec<(Place, Written)> {
        let places = self.0.lock();
        let due = places
            .iter()
            .filter(|(_, written)| written.at.elapsed() >= REMEMBERED);
        due.map(|(place, written)| (place.clone(), written.clone()))
            .collect()
    }

    fn remove(&self, place: &Place) {
        self.0.lock().remove(place);
    }
}

fn key(place: &AssertMember) -> Place {
    (place.member.peer, place.room.clone())
}

impl Inner {
    /// Writes a place of an away session where it is missing, to be verified later.
    pub(super) async fn assert_kept_place(
        &self,
        place: &AssertMember,
    ) -> Result<(), DirectoryError> {
        // Before the call: a write that fails, or whose cycle is broken off, may take effect all the same.
        let before = self.unverified.note(place);
        if !self.assert_place(place).await? {
            self.unverified.take_back(place, before);
        }
        Ok(())
    }

    /// Takes those members out whose sessions do not want their places any more.
    pub(super) async fn verify_places(&self) -> Result<(), DirectoryError> {
        for (place, written) in self.unverified.due() {
            let verified = self.guarded_in(Task::Assertion, self.verify(&place, &written));
            match verified.await.unwrap_or(Ok(true)) {
                Ok(true) => {}
                // A later cycle does it.
                Ok(false) | Err(DirectoryError::Forgotten) => continue,
                Err(DirectoryError::Corrupt(what)) => self.note_unreadable_session(&place.0, &what),
                Err(error) => return Err(error),
            }
            self.unverified.remove(&place);
        }
        Ok(())
    }

    /// False: the directory forgot the session, and this node is about to write it again.
    async fn verify(
        &self,
        (peer, room): &Place,
        written: &Written,
    ) -> Result<bool, DirectoryError> {
        let directory = &self.backend.directory;
        match directory.peer(peer).await? {
            Some(record) if record.rooms.contains(room) => return Ok(true),
            None if self.has(peer) => return Ok(false),
            _ => {}
        }
        let left = directory.leave_kept(room, peer, written.epoch, &written.node);
        let left = left.await?;
        self.tell_leave(room, peer, &left, LeaveReason::Disconnected);
        Ok(true)
    }
}
