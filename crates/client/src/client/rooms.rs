//! The rooms that the application wants to be in, and who else is there.

use std::collections::{HashMap, HashSet};
use std::time::Instant;

use switchboard_protocol::client_message::StatePatch;
use switchboard_protocol::{MemberState, PeerId, RoomId};

use super::command::Join;

/// Outlives a connection: what a new one has to ask for.
#[derive(Default)]
pub(super) struct Rooms(HashMap<RoomId, Wanted>);

struct Wanted {
    join: Join,
    members: HashSet<PeerId>,
    /// When to ask again, after a refusal that named a time.
    retry_at: Option<Instant>,
}

impl Rooms {
    /// The room was entered.
    pub(super) fn joined(&mut self, join: Join, members: impl Iterator<Item = PeerId>) {
        let wanted = Wanted {
            members: members.collect(),
            retry_at: None,
            join,
        };
        self.0.insert(wanted.join.room.clone(), wanted);
    }

    /// It is not wanted any more, or not to be had.
    pub(super) fn remove(&mut self, room: &RoomId) {
        self.0.remove(room);
    }

    /// What to ask for on a new connection.
    pub(super) fn joins(&self) -> Vec<Join> {
        self.0.values().map(|wanted| wanted.join.clone()).collect()
    }

    /// Entering it again was refused for now.
    pub(super) fn retry_at(&mut self, room: &RoomId, at: Instant) {
        if let Some(wanted) = self.0.get_mut(room) {
            wanted.retry_at = Some(at);
        }
    }

    /// When the next of [`Self::due`] is.
    pub(super) fn next_retry(&self) -> Option<Instant> {
        self.0.values().filter_map(|wanted| wanted.retry_at).min()
    }

    /// What to ask for again by now.
    pub(super) fn due(&mut self, now: Instant) -> Vec<Join> {
        self.0
            .values_mut()
            .filter_map(|wanted| {
                wanted.retry_at.take_if(|at| *at <= now)?;
                Some(wanted.join.clone())
            })
            .collect()
    }

    /// Our own state there changed, as the gateway confirmed.
    pub(super) fn merge_state(&mut self, room: &RoomId, patch: &StatePatch) {
        let Some(wanted) = self.0.get_mut(room) else {
            return;
        };
        let state = wanted
            .join
            .state
            .take()
            .unwrap_or_else(MemberState::default);
        // The gateway merged the same with the same bound; were it ever to differ, the older state is the better one.
        wanted.join.state = Some(state.merge(patch).unwrap_or(state));
    }

    pub(super) fn member_joined(&mut self, room: &RoomId, peer: PeerId) {
        if let Some(wanted) = self.0.get_mut(room) {
            wanted.members.insert(peer);
        }
    }

    /// Whether we share no room with it any more.
    pub(super) fn member_left(&mut self, room: &RoomId, peer: &PeerId) -> bool {
        if let Some(wanted) = self.0.get_mut(room) {
            wanted.members.remove(peer);
        }
        !self.0.values().any(|wanted| wanted.members.contains(peer))
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn join(room: &str) -> Join {
        Join {
            room: room.parse().expect("a room id"),
            state: MemberState::from_json(r#"{"muted":true}"#).ok(),
            capacity: None,
        }
    }

    #[test]
    fn a_room_is_entered_again_with_the_state_of_the_moment() {
        let mut rooms = Rooms::default();
        rooms.joined(join("a"), std::iter::empty());
        let patch = StatePatch::from_json(r#"{"muted":null,"hand":1}"#).expect("a patch");
        rooms.merge_state(&join("a").room, &patch);
        let joins = rooms.joins();
        let state = joins[0].state.as_ref().expect("a state");
        assert_eq!(state.as_json(), r#"{"hand":1}"#);
    }

    #[test]
    fn a_peer_is_a_stranger_once_it_left_the_last_shared_room() {
        let peer = PeerId::random();
        let mut rooms = Rooms::default();
        rooms.joined(join("a"), [peer].into_iter());
        rooms.joined(join("b"), std::iter::empty());
        rooms.member_joined(&join("b").room, peer);
        assert!(!rooms.member_left(&join("a").room, &peer));
        assert!(rooms.member_left(&join("b").room, &peer));
    }

    #[test]
    fn a_room_refused_for_now_is_asked_for_once_at_its_time() {
        let now = Instant::now();
        let later = now + Duration::from_secs(1);
        let mut rooms = Rooms::default();
        rooms.joined(join("a"), std::iter::empty());
        rooms.retry_at(&join("a").room, later);
        assert_eq!(rooms.next_retry(), Some(later));
        assert!(rooms.due(now).is_empty());
        assert_eq!(rooms.due(later).len(), 1);
        assert!(rooms.due(later).is_empty());
    }
}
