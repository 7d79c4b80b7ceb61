//! What follows in this node's sessions when a room changes: what waits for its members goes where they are now, and what
//! waits for those who are gone is answered.

use std::sync::Arc;

use parking_lot::Mutex;
use switchboard_protocol::PeerId;
use switchboard_protocol::server_message::{LeaveReason, Reason};

use crate::backend::record::MemberRecord;
use crate::node::Inner;
use crate::room::Room;
use crate::sessions::local_session::LocalSession;
use crate::signal::unanswered::{Ended, Placement, Unanswered};

impl Inner {
    /// A member has another epoch, node or connection: what the sessions here have for it goes there.
    pub(crate) fn follow(&self, room: &Room, member: &MemberRecord) {
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
            self.doubt.assert_now();
        }
        for local in room.locals() {
            self.retarget(local, &mut local.unanswered.lock(), member);
        }
    }

    /// A member came in that may have been here before, over another connection or under another name: what waits for it
    /// from then, and for whoever has its name now, goes before what comes next.
    pub(crate) fn follow_again(&self, room: &Room, member: &MemberRecord) {
        for local in room.locals() {
            let mut unanswered = local.unanswered.lock();
            self.find_by_roster(room.id(), local, &mut unanswered, member);
            if unanswered.waits_for(&member.peer) {
                self.retarget(local, &mut unanswered, member);
            }
        }
    }

    pub(crate) fn retarget(
        &self,
        local: &LocalSession,
        unanswered: &mut Unanswered,
        member: &MemberRecord,
    ) {
        let link = self.links.to(&member.node);
        unanswered.retarget((local.peer, local.epoch), member, &link);
    }

    /// A session came into a room: what waits for its members, from another room that the two shared, goes where they are
    /// now. Nobody else would say, and what comes next must not overtake it.
    pub(crate) fn follow_all(&self, room: &Room, local: &LocalSession) {
        let mut unanswered = local.unanswered.lock();
        if unanswered.is_empty() {
            return;
        }
        for member in room.roster().iter().flat_map(|roster| roster.members()) {
            self.find_by_roster(room.id(), local, &mut unanswered, member);
            self.retarget(local, &mut unanswered, member);
        }
    }

    /// Of somebody in several rooms of a session that came into this one, one of them may have heard less than another.
    /// What the session says in any of them goes one way.
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
            let mut unanswered = local.unanswered.lock();
            for other in elsewhere {
                let roster = room.roster();
                let Some(member) = roster.and_then(|roster| roster.member(&other.peer)) else {
                    continue;
                };
                let here = Placement::of(member);
                if other.is_ahead_of(&here) {
                    unanswered.note_moved(other);
                } else if here.is_ahead_of(&other) {
                    unanswered.note_moved(here);
                }
            }
        }
    }

    /// A member is gone, and for what waits for it here no answer comes from anywhere.
    pub(crate) fn give_up_on(&self, room: &Room, peer: &PeerId, reason: LeaveReason) {
        for local in room.locals() {
            let ended = local.unanswered.lock().end_where(|id, _, target| {
                // A node that lives answers for what was sent to it.
                let node_lives = !matches!(reason, LeaveReason::NodeLost | LeaveReason::Expired);
                let is_answered = node_lives && target.queued.is_some();
                id == room.id() && target.peer == *peer && !is_answered
            });
            for ended in ended {
                let reason = match reason {
                    // What a link still holds arrives where the member comes again, or was not gone.
                    _ if ended.target.may_be_on_its_way() => Reason::Unconfirmed,
                    LeaveReason::Expired => Reason::Expired,
                    _ => Reason::Left,
                };
                self.tell_outcome(local, ended, Err(reason));
            }
        }
    }

    /// Whether a signal that nobody answered may have been published.
    pub(crate) fn may_have_arrived(&self, ended: &Ended) -> bool {
        let target = &ended.target;
        let published = |position| {
            self.links
                .known(&target.node)
                .is_none_or(|link| link.may_be_published(position))
        };
        target.sent || target.sent_elsewhere || target.queued.is_some_and(published)
    }
}
