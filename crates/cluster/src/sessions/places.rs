//! Where a session is, as far as this node knows.

use switchboard_protocol::{PeerId, RoomId};

use crate::backend::directory::AssertMember;
use crate::node::Inner;
use crate::sessions::local_session::LocalSession;

impl Inner {
    /// Where a session is, as far as this node knows: by its rosters, or, of a room that it resumed and has not entered
    /// again, as it was there before.
    pub(crate) fn places_to_keep(&self, local: &LocalSession) -> Vec<AssertMember> {
        let inherited = local.directory.inherited.get();
        let before = |room: &RoomId| {
            let mut places = inherited.into_iter().flatten();
            places.find(|place| place.room == *room).cloned()
        };
        let rooms = local.directory.kept_rooms();
        let places = rooms
            .iter()
            .filter_map(|room| match self.rooms.knows_roster(room) {
                true => self.rooms.place_of(local, room),
                false => before(room),
            });
        let mut places: Vec<_> = places.collect();
        places.retain(|place| place.member.epoch <= local.epoch);
        for place in &mut places {
            place.member.epoch = local.epoch;
        }
        places
    }

    /// The same of a session that is about to resume here.
    pub(crate) fn places_known_here(&self, peer: &PeerId) -> Vec<AssertMember> {
        if let Some(local) = self.sessions.live(peer) {
            return self.places_to_keep(&local);
        }
        let away = self.sessions.away(peer);
        away.map_or_else(Vec::new, |away| away.places())
    }
}
