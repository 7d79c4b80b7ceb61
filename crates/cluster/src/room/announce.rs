//! What this node tells other nodes of rooms: a step of a roster, or that there is a revision.

use switchboard_protocol::server_message::LeaveReason;
use switchboard_protocol::{NodeId, PeerId, RoomId};

use crate::backend::directory::{LeaveOutcome, Place};
use crate::backend::record::MemberRecord;
use crate::link::Urgency;
use crate::link::envelope::{Change, Envelope, RosterChange};
use crate::node::Inner;
use crate::observe::Observation;
use crate::room::After;

impl Inner {
    /// Tells the nodes of all who were in before, this one if it has, or just had, others in the room.
    pub(crate) fn announce_join(
        &self,
        room: &RoomId,
        place: Place,
        has_roster: bool,
        evicted: Option<&MemberRecord>,
    ) {
        let Place {
            member,
            revision,
            ready,
            nodes,
            ..
        } = place;
        let mut nodes = if has_roster {
            self.with_own(nodes)
        } else {
            nodes
        };
        nodes.extend(evicted.map(|evicted| evicted.node.clone()));
        let ready = ready == revision;
        let step = RosterChange {
            room: room.clone(),
            revision,
            change: Change::Joined { member, ready },
        };
        self.announce(&each_once(nodes), step);
    }

    /// A member has made way for a new one: it left with the step before.
    pub(crate) async fn tell_evicted(&self, room: &RoomId, evicted: &MemberRecord, place: &Place) {
        let reason = match evicted.flags.away {
            true => LeaveReason::Expired,
            false => LeaveReason::Kicked,
        };
        self.observe.observe(Observation::MemberLeft(reason));
        let change = Change::Left {
            peer: evicted.peer,
            reason,
        };
        let step = RosterChange {
            room: room.clone(),
            revision: place.revision - 1,
            change,
        };
        let mut nodes = self.with_own(place.nodes.clone());
        nodes.push(evicted.node.clone());
        let nodes = each_once(nodes);
        self.announce(&nodes, step.clone());
        // The node of a live one may be asserting it just now, and takes it out again as long as the room is noted with it.
        if !evicted.flags.away {
            return;
        }
        let directory = &self.backend.directory;
        let record = directory.peer(&evicted.peer).await;
        let Ok(Some(record)) = record else { return };
        // Another node keeps its places by now, perhaps.
        if !nodes.contains(&record.node) {
            self.announce(std::slice::from_ref(&record.node), step);
        }
        let intended = directory.intend(&evicted.peer, record.epoch, room, false);
        let _ = intended.await;
    }

    /// Tells the others what became of a leave.
    pub(crate) fn tell_leave(
        &self,
        room: &RoomId,
        peer: &PeerId,
        left: &LeaveOutcome,
        reason: LeaveReason,
    ) {
        if left.changed {
            self.observe.observe(Observation::MemberLeft(reason));
            let why = reason.as_str();
            tracing::debug!(session.id = %peer, room.id = %room, why, "a session left a room");
            let change = Change::Left {
                peer: *peer,
                reason,
            };
            let step = RosterChange {
                room: room.clone(),
                revision: left.revision,
                change,
            };
            self.announce(&left.nodes, step);
        } else {
            // An earlier try may have taken effect without an answer, and so without a word to anybody.
            self.hint(&left.nodes, room, left.revision);
        }
    }

    /// Tells a step to nodes. This one counts it as known at once: if a link loses it, revisions are compared by that.
    pub(crate) fn announce(&self, nodes: &[NodeId], step: RosterChange) {
        self.hint_here(&step.room, step.revision);
        let step = Envelope::Roster(step);
        for node in nodes {
            let _ = self.links.to(node).enqueue(&step, Urgency::Now);
        }
    }

    /// Tells nodes that a room has this revision, where which step led to it is not known.
    pub(crate) fn hint(&self, nodes: &[NodeId], room: &RoomId, revision: u64) {
        self.hint_here(room, revision);
        for node in nodes.iter().filter(|node| **node != self.id) {
            self.links
                .to(node)
                .tell_revisions(&[(room.clone(), revision)]);
        }
    }

    pub(crate) fn hint_here(&self, room: &RoomId, revision: u64) {
        if let Some(room) = self.rooms.get(room.as_str()) {
            self.in_room(&room, |room| (room.hint(revision), After::default()));
        }
    }

    /// Tells that a member changed hands; or, where that was so before, that there is a revision.
    pub(crate) fn tell_taken(&self, room: &RoomId, place: &Place, changed: bool) {
        let (revision, nodes) = (place.revision, &place.nodes);
        if changed {
            let member = place.member.clone();
            let step = RosterChange {
                room: room.clone(),
                revision,
                change: Change::Moved { member },
            };
            self.announce(nodes, step);
        } else {
            self.hint(nodes, room, revision);
        }
    }

    pub(crate) fn with_own(&self, mut nodes: Vec<NodeId>) -> Vec<NodeId> {
        if !nodes.contains(&self.id) {
            nodes.push(self.id.clone());
        }
        nodes
    }
}

fn each_once(mut nodes: Vec<NodeId>) -> Vec<NodeId> {
    nodes.sort_unstable();
    nodes.dedup();
    nodes
}
