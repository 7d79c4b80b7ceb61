//! What follows for the signals of this node's sessions when a room changes: what waits for its members goes where they are
//! now, and what waits for those that are gone is answered.

use std::sync::Arc;

use parking_lot::Mutex;
use switchboard_protocol::PeerId;
use switchboard_protocol::server_message::{LeaveReason, Reason};

use crate::backend::record::MemberRecord;
use crate::node::Inner;
use crate::room::{After, Room};
use crate::sessions::local_session::LocalSession;
use crate::signal::unanswered::target::Placement;

impl Inner {
    /// Sends unanswered signals of this room's sessions where their receivers are after a change.
    pub(crate) fn reroute(&self, room: &Room, after: &After) {
        for local in &after.entered {
            self.reroute_all_of(room, local);
        }
        for member in &after.joined {
            self.reroute_to_joined(room, member);
        }
        for member in &after.moved {
            self.reroute_to_moved(room, member);
        }
        for (peer, reason) in &after.lost {
            self.give_up_on(room, peer, *reason);
        }
    }

    /// A session came into a room: what waits for its members, from another room that the two share, goes where they are
    /// now. Nothing else would tell it, and what comes next must not overtake it.
    fn reroute_all_of(&self, room: &Room, local: &LocalSession) {
        let mut unanswered = local.streams.unanswered.lock();
        if unanswered.is_empty() {
            return;
        }
        for member in room.roster().iter().flat_map(|roster| roster.members()) {
            unanswered.find_by_roster(room.id(), member, &self.links);
            unanswered.retarget(Placement::of(member), &self.links);
        }
    }

    /// A member came in that may have been here before, over another connection or under another name: what waits for it
    /// from then, and for the one that has its name now, goes before what comes next.
    fn reroute_to_joined(&self, room: &Room, member: &MemberRecord) {
        for local in room.locals() {
            let mut unanswered = local.streams.unanswered.lock();
            unanswered.find_by_roster(room.id(), member, &self.links);
            if unanswered.waits_for(&member.peer) {
                unanswered.retarget(Placement::of(member), &self.links);
            }
        }
    }

    /// A member has another epoch, node or connection: what the sessions here have for it goes there.
    fn reroute_to_moved(&self, room: &Room, member: &MemberRecord) {
        self.sessions
            .let_go(&member.peer, member.epoch, &member.node);
        let is_misplaced = |local: &Arc<LocalSession>| {
            local.epoch > member.epoch
                || local.epoch == member.epoch && (member.node != self.id || member.flags.away)
        };
        if self
            .sessions
            .live(&member.peer)
            .as_ref()
            .is_some_and(is_misplaced)
        {
            self.repairs.doubt.assert_now();
        }
        for local in room.locals() {
            let mut unanswered = local.streams.unanswered.lock();
            unanswered.retarget(Placement::of(member), &self.links);
        }
    }

    /// A member is gone, and for what waits for it here no answer comes from anywhere.
    fn give_up_on(&self, room: &Room, peer: &PeerId, reason: LeaveReason) {
        for local in room.locals() {
            let mut unanswered = local.streams.unanswered.lock();
            let ended = unanswered.end_where(|id, _, target| {
                // A node that lives answers for what was sent to it.
                let node_lives = !matches!(reason, LeaveReason::NodeLost | LeaveReason::Expired);
                let is_answered = node_lives && target.is_queued();
                id == room.id() && target.peer == *peer && !is_answered
            });
            drop(unanswered);
            for ended in ended {
                let reason = match reason {
                    // What a link still holds arrives where the member comes again, or was not gone.
                    _ if ended.receiver.may_be_on_its_way() => Reason::Unconfirmed,
                    LeaveReason::Expired => Reason::Expired,
                    _ => Reason::Left,
                };
                self.tell_outcome(local, ended, Err(reason));
            }
        }
    }

    /// A member may be in several rooms of a session that came into this one, and one of them may have heard less than
    /// another. What the session sends in any of them goes one way.
    pub(crate) fn compare_rosters(&self, entered: &Arc<Mutex<Room>>, local: &LocalSession) {
        let rooms = local.directory.room_ids();
        let rooms = rooms
            .iter()
            .filter_map(|room| self.rooms.get(room.as_str()))
            .filter(|room| !Arc::ptr_eq(room, entered));
        for other in rooms {
            let elsewhere: Vec<_> = {
                let other = other.lock();
                let roster = other.roster().into_iter();
                roster
                    .flat_map(|roster| roster.members().map(Placement::of))
                    .collect()
            };
            let room = entered.lock();
            let mut unanswered = local.streams.unanswered.lock();
            for other in elsewhere {
                let roster = room.roster();
                let Some(member) = roster.and_then(|roster| roster.member(&other.peer)) else {
                    continue;
                };
                let here = Placement::of(member);
                if other.is_ahead_of(&here) {
                    unanswered.retarget(other, &self.links);
                } else if here.is_ahead_of(&other) {
                    unanswered.retarget(here, &self.links);
                }
            }
        }
    }
}
