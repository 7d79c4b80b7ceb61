//! Who is in a room, as the application was told.

use std::collections::BTreeMap;
use std::sync::Arc;

use switchboard_protocol::server_message::{
    LeaveReason, MemberJoined, MemberLeft, MemberUpdated, Ready, RoomSnapshot,
};
use switchboard_protocol::{Member, PeerId};

use super::Event;

/// Its members; hidden ones are in no list.
#[derive(Debug, Default)]
pub(super) struct Roster(BTreeMap<PeerId, Member>);

impl Roster {
    pub(super) fn new(members: &[Member]) -> Self {
        let members = members.iter().map(|member| (member.peer, member.clone()));
        Self(members.collect())
    }

    pub(super) fn get(&self, peer: &PeerId) -> Option<&Member> {
        self.0.get(peer)
    }

    pub(super) fn get_mut(&mut self, peer: &PeerId) -> Option<&mut Member> {
        self.0.get_mut(peer)
    }

    pub(super) fn joined(&mut self, member: Member) {
        self.0.insert(member.peer, member);
    }

    pub(super) fn updated(&mut self, updated: &MemberUpdated) {
        let Some(member) = self.0.get_mut(&updated.peer) else {
            return;
        };
        if let Some(state) = &updated.state {
            member.state = state.clone();
        }
        if let Some(connection) = updated.connection {
            member.connection = connection;
        }
    }

    pub(super) fn left(&mut self, peer: &PeerId) {
        self.0.remove(peer);
    }

    /// What the application has to hear to come from this roster to that of the snapshot: who went, who came, what
    /// changed. Whoever went and came again has another place in the order; this session itself has done neither.
    pub(super) fn changes(&self, snapshot: &RoomSnapshot, me: &PeerId) -> Vec<Event> {
        let now = Self::new(&snapshot.members);
        let is_same = |old: &Member, new: &Member| old.order == new.order || old.peer == *me;
        let mut changes = Vec::new();
        for old in self.0.values() {
            if old.peer != *me && !now.get(&old.peer).is_some_and(|new| is_same(old, new)) {
                changes.push(Event::MemberLeft(MemberLeft {
                    room: snapshot.room.clone(),
                    revision: snapshot.revision,
                    peer: old.peer,
                    reason: LeaveReason::Disconnected,
                }));
            }
        }
        let mut somebody_came = false;
        for new in &snapshot.members {
            match self.get(&new.peer).filter(|old| is_same(old, new)) {
                Some(old) => changes.extend(update(old, new, snapshot)),
                None if new.peer == *me => {}
                None => {
                    somebody_came = true;
                    changes.push(Event::MemberJoined(Arc::new(MemberJoined {
                        room: snapshot.room.clone(),
                        revision: snapshot.revision,
                        member: new.clone(),
                    })));
                }
            }
        }
        if somebody_came {
            changes.extend(ready(snapshot));
        }
        changes
    }
}

fn update(old: &Member, new: &Member, snapshot: &RoomSnapshot) -> Option<Event> {
    let state = (old.state != new.state).then(|| new.state.clone());
    let connection = (old.connection != new.connection).then_some(new.connection);
    if state.is_none() && connection.is_none() {
        return None;
    }
    Some(Event::MemberUpdated(Arc::new(MemberUpdated {
        room: snapshot.room.clone(),
        revision: snapshot.revision,
        peer: new.peer,
        state,
        connection,
    })))
}

/// The newcomer, if it made the room two, was told `ready` and waits for an offer. If others came and went meanwhile
/// there was none; one offer too many is better than none at all.
fn ready(snapshot: &RoomSnapshot) -> Option<Event> {
    let [a, b] = &*snapshot.members else {
        return None;
    };
    let (first, second) = if a.order < b.order { (a, b) } else { (b, a) };
    Some(Event::Ready(Ready {
        room: snapshot.room.clone(),
        offerer: first.peer,
        peers: [first.peer, second.peer],
    }))
}
