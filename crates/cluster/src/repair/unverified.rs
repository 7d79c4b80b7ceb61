//! Places that this node wrote for sessions without a connection here. While such a write is on its way, the session may
//! resume and leave the room: then the write arrives last, and lists a member that no node answers for. So each of these places
//! is verified once every step that its write could have crossed is over.

use std::collections::BTreeMap;

use parking_lot::Mutex;
use switchboard_protocol::{NodeId, PeerId, RoomId};
use tokio::time::Instant;

use crate::backend::directory::AssertMember;
use crate::backend::record::Epoch;
use crate::signal::tombstones::REMEMBERED;

pub(crate) type PlaceKey = (PeerId, RoomId);

/// Not more than the places of away sessions.
#[derive(Default)]
pub(crate) struct Unverified(Mutex<BTreeMap<PlaceKey, UnverifiedWrite>>);

/// What was written, and when.
#[derive(Clone)]
pub(crate) struct UnverifiedWrite {
    pub(crate) epoch: Epoch,
    pub(crate) node: NodeId,
    at: Instant,
}

impl Unverified {
    /// Returns what was to be verified there before.
    pub(crate) fn note(&self, place: &AssertMember) -> Option<UnverifiedWrite> {
        let member = &place.member;
        let written = UnverifiedWrite {
            epoch: member.epoch,
            node: member.node.clone(),
            at: Instant::now(),
        };
        self.0.lock().insert(key(place), written)
    }

    /// The directory had the place: it is as it was before.
    pub(crate) fn take_back(&self, place: &AssertMember, before: Option<UnverifiedWrite>) {
        let mut places = self.0.lock();
        match before {
            Some(before) => places.insert(key(place), before),
            None => places.remove(&key(place)),
        };
    }

    pub(crate) fn due(&self) -> Vec<(PlaceKey, UnverifiedWrite)> {
        let places = self.0.lock();
        let due = places
            .iter()
            .filter(|(_, written)| written.at.elapsed() >= REMEMBERED);
        due.map(|(place, written)| (place.clone(), written.clone()))
            .collect()
    }

    pub(crate) fn remove(&self, place: &PlaceKey) {
        self.0.lock().remove(place);
    }
}

fn key(place: &AssertMember) -> PlaceKey {
    (place.member.peer, place.room.clone())
}
