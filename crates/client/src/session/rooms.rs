//! The rooms that the application wants to be in, and who else is there.

use std::collections::BTreeMap;
use std::time::Instant;

use switchboard_protocol::client_message::StatePatch;
use switchboard_protocol::server_message::{MemberUpdated, RoomSnapshot};
use switchboard_protocol::{Member, PeerId, RoomId};

use super::roster::Roster;
use super::{Event, Join};

/// Outlives a connection: what a new one has to ask for.
#[derive(Debug, Default)]
pub(super) struct Rooms(BTreeMap<RoomId, Wanted>);

#[derive(Debug)]
struct Wanted {
    join: Join,
    /// While this session is in it.
    roster: Option<Roster>,
    /// When to ask again, after a refusal that named a time.
    retry_at: Option<Instant>,
}

impl Rooms {
    /// The room was entered.
    pub(super) fn joined(&mut self, join: Join, members: &[Member]) {
        let wanted = Wanted {
            roster: Some(Roster::new(members)),
            retry_at: None,
            join,
        };
        self.0.insert(wanted.join.room.clone(), wanted);
    }

    /// It is not wanted any more, or not to be had.
    pub(super) fn remove(&mut self, room: &RoomId) {
        self.0.remove(room);
    }

    pub(super) fn wants(&self, room: &RoomId) -> bool {
        self.0.contains_key(room)
    }

    /// This session is in none of its rooms any more but in those of the snapshots. What to ask for.
    pub(super) fn missing(&mut self, snapshots: &[RoomSnapshot]) -> Vec<Join> {
        let mut missing = Vec::new();
        for wanted in self.0.values_mut() {
            wanted.retry_at = None;
            if !snapshots.iter().any(|s| s.room == wanted.join.room) {
                wanted.roster = None;
                missing.push(wanted.join.clone());
            }
        }
        missing
    }

    /// A wanted room as it is now: what changed since it was seen, or nothing if this session was not in it.
    pub(super) fn resume(&mut self, snapshot: &RoomSnapshot, me: &PeerId) -> Option<Vec<Event>> {
        let wanted = self.0.get_mut(&snapshot.room)?;
        let now = Roster::new(&snapshot.members);
        if let Some(member) = now.get(me) {
            wanted.join.state = Some(member.state.clone());
        }
        let before = wanted.roster.replace(now)?;
        Some(before.changes(snapshot, me))
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
    pub(super) fn merge_state(&mut self, room: &RoomId, patch: &StatePatch, me: &PeerId) {
        let Some(wanted) = self.0.get_mut(room) else {
            return;
        };
        let state = wanted.join.state.take().unwrap_or_default();
        // The gateway merged the same with the same bound; were it ever to differ, the older state is the better one.
        let state = state.merge(patch).unwrap_or(state);
        if let Some(member) = wanted.roster.as_mut().and_then(|roster| roster.get_mut(me)) {
            member.state = state.clone();
        }
        wanted.join.state = Some(state);
    }

    pub(super) fn member_joined(&mut self, room: &RoomId, member: &Member) {
        if let Some(roster) = self.roster(room) {
            roster.joined(member.clone());
        }
    }

    pub(super) fn member_updated(&mut self, updated: &MemberUpdated) {
        if let Some(roster) = self.roster(&updated.room) {
            roster.updated(updated);
        }
    }

    pub(super) fn member_left(&mut self, room: &RoomId, peer: &PeerId) {
        if let Some(roster) = self.roster(room) {
            roster.left(peer);
        }
    }

    /// Whether we share no room with it.
    pub(super) fn is_stranger(&self, peer: &PeerId) -> bool {
        let mut rosters = self.0.values().filter_map(|wanted| wanted.roster.as_ref());
        !rosters.any(|roster| roster.get(peer).is_some())
    }

    fn roster(&mut self, room: &RoomId) -> Option<&mut Roster> {
        self.0.get_mut(room)?.roster.as_mut()
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use switchboard_protocol::MemberState;

    use super::*;
    use crate::test_gateway::member;

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
        rooms.joined(join("a"), &[]);
        let patch = StatePatch::from_json(r#"{"muted":null,"hand":1}"#).expect("a patch");
        rooms.merge_state(&join("a").room, &patch, &PeerId::random());
        let joins = rooms.missing(&[]);
        let state = joins[0].state.as_ref().expect("a state");
        assert_eq!(state.as_json(), r#"{"hand":1}"#);
    }

    #[test]
    fn a_peer_is_a_stranger_once_it_left_the_last_shared_room() {
        let peer = PeerId::random();
        let mut rooms = Rooms::default();
        rooms.joined(join("a"), &[member(peer, 1)]);
        rooms.joined(join("b"), &[]);
        rooms.member_joined(&join("b").room, &member(peer, 1));
        rooms.member_left(&join("a").room, &peer);
        assert!(!rooms.is_stranger(&peer));
        rooms.member_left(&join("b").room, &peer);
        assert!(rooms.is_stranger(&peer));
    }

    #[test]
    fn a_room_refused_for_now_is_asked_for_once_at_its_time() {
        let now = Instant::now();
        let later = now + Duration::from_secs(1);
        let mut rooms = Rooms::default();
        rooms.joined(join("a"), &[]);
        rooms.retry_at(&join("a").room, later);
        assert_eq!(rooms.next_retry(), Some(later));
        assert!(rooms.due(now).is_empty());
        assert_eq!(rooms.due(later).len(), 1);
        assert!(rooms.due(later).is_empty());
    }
}
