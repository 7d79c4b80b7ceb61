//! What the sessions of this node are told of a room.

use switchboard_protocol::server_message::{
    LeaveReason, MemberJoined, MemberLeft, MemberUpdated, Ready, RoomClosed,
};
use switchboard_protocol::{MemberState, PeerId, ServerMessage};

use super::state::{After, Room};
use crate::backend::record::MemberRecord;
use crate::link::envelope::Change;
use crate::room::roster::Roster;

impl Room {
    pub(super) fn tell_difference(&mut self, stale: &Roster, after: &mut After) {
        let Some(fresh) = &self.roster else { return };
        let revision = fresh.revision;
        let gone: Vec<_> = stale
            .members()
            .filter(|old| {
                fresh
                    .member(&old.peer)
                    .is_none_or(|new| new.order != old.order)
            })
            .cloned()
            .collect();
        let come: Vec<_> = fresh
            .members()
            .filter(|new| {
                stale
                    .member(&new.peer)
                    .is_none_or(|old| old.order != new.order)
            })
            .cloned()
            .collect();
        let stayed: Vec<_> = fresh
            .members()
            .filter_map(|new| {
                let old = stale.member(&new.peer)?;
                (old.order == new.order && old != new).then(|| (old.clone(), new.clone()))
            })
            .collect();
        let ready = fresh.ready > stale.ready;
        for member in gone {
            let reason = self.leave_reason_to_come(&member.peer).unwrap_or_else(|| {
                // Its node may have died: then no node answers for it, unless it came again.
                if !come.iter().any(|new| new.peer == member.peer) {
                    after.lost.push((member.peer, LeaveReason::NodeLost));
                }
                match come.iter().any(|new| new.has_name_of(&member)) {
                    true => LeaveReason::Kicked,
                    false => LeaveReason::Disconnected,
                }
            });
            self.tell_left(member.peer, reason, revision, !member.flags.hidden, after);
        }
        for member in come {
            self.tell_joined(member, revision, after);
        }
        for (old, new) in stayed {
            self.tell_moved(&old, new, revision, after);
        }
        if ready {
            self.tell_ready_to_locals(revision);
        }
    }

    /// A snapshot does not say why a member left; a step that waits may.
    pub(super) fn leave_reason_to_come(&self, peer: &PeerId) -> Option<LeaveReason> {
        self.out_of_order
            .iter()
            .find_map(|step| match &step.change {
                Change::Left { peer: left, reason } if left == peer => Some(*reason),
                _ => None,
            })
    }

    /// To those who were in before the step: the joiner hears it with its own `joined`.
    pub(super) fn tell_ready_to_locals(&self, revision: u64) {
        let Some(peers) = self.roster.as_ref().and_then(Roster::pair) else {
            return;
        };
        let joiner = self
            .roster
            .as_ref()
            .filter(|roster| roster.ready == revision)
            .map(|_| peers[1]);
        let ready = ServerMessage::from(Ready {
            room: self.id.clone(),
            offerer: peers[0],
            peers,
        });
        for local in self
            .locals
            .iter()
            .filter(|local| Some(local.peer) != joiner)
        {
            local.tell(ready.clone());
        }
    }

    pub(super) fn tell_joined(&self, member: MemberRecord, revision: u64, after: &mut After) {
        if !member.flags.hidden {
            let joined = MemberJoined {
                room: self.id.clone(),
                revision,
                member: member.to_member(),
            };
            self.tell_others(&member.peer, &joined.into());
        }
        after.joined.push(member);
    }

    /// A member that stayed is another in some way.
    pub(super) fn tell_moved(
        &self,
        before: &MemberRecord,
        member: MemberRecord,
        revision: u64,
        after: &mut After,
    ) {
        let connection = (before.flags.away != member.flags.away).then(|| member.connection());
        let state =
            (before.profile.state != member.profile.state).then(|| member.profile.state.clone());
        let is_renamed = before.profile.name != member.profile.name;
        if is_renamed && !member.flags.hidden {
            self.tell_renamed(&member, revision);
        } else if before.order != member.order && !member.flags.hidden {
            self.tell_came_again(&member, revision);
        } else if !member.flags.hidden && (connection.is_some() || state.is_some()) {
            let update = MemberUpdated {
                room: self.id.clone(),
                revision,
                peer: member.peer,
                state,
                connection,
            };
            self.tell_others(&member.peer, &update.into());
        }
        // A signal may wait for the member that has that name, and what waits goes before what comes next.
        if is_renamed {
            after.joined.push(member.clone());
        }
        let is_elsewhere = before.epoch != member.epoch || before.node != member.node;
        if is_elsewhere || connection.is_some() {
            after.moved.push(member);
        }
    }

    /// Clients have no word for it: to them it is gone and there again, in one revision, in its place in the order. The
    /// member itself hears what it is called now, before the answer to its request.
    fn tell_renamed(&self, member: &MemberRecord, revision: u64) {
        let left = MemberLeft {
            room: self.id.clone(),
            revision,
            peer: member.peer,
            reason: LeaveReason::Left,
        };
        self.tell_others(&member.peer, &left.into());
        let joined = ServerMessage::from(MemberJoined {
            room: self.id.clone(),
            revision,
            member: member.to_member(),
        });
        for local in &self.locals {
            local.tell(joined.clone());
        }
    }

    /// It has another place in the order: the directory went back to when it had been in before, or has forgotten that.
    fn tell_came_again(&self, member: &MemberRecord, revision: u64) {
        let left = MemberLeft {
            room: self.id.clone(),
            revision,
            peer: member.peer,
            reason: LeaveReason::Disconnected,
        };
        self.tell_others(&member.peer, &left.into());
        let joined = MemberJoined {
            room: self.id.clone(),
            revision,
            member: member.to_member(),
        };
        self.tell_others(&member.peer, &joined.into());
    }

    pub(super) fn tell_state(&self, peer: PeerId, state: MemberState, revision: u64) {
        let update = MemberUpdated {
            room: self.id.clone(),
            revision,
            peer,
            state: Some(state),
            connection: None,
        };
        self.tell_others(&peer, &update.into());
    }

    pub(super) fn tell_left(
        &mut self,
        peer: PeerId,
        reason: LeaveReason,
        revision: u64,
        visible: bool,
        after: &mut After,
    ) {
        after.lost.push((peer, reason));
        if visible {
            let left = MemberLeft {
                room: self.id.clone(),
                revision,
                peer,
                reason,
            };
            self.tell_others(&peer, &left.into());
        }
        if let Ok(index) = self.locals.binary_search_by_key(&peer, |local| local.peer) {
            let local = self.locals.remove(index);
            local.directory.forget_room(&self.id);
            local.tell(RoomClosed {
                room: self.id.clone(),
                reason: why_closed(reason).into(),
            });
        }
    }

    pub(super) fn tell_others(&self, about: &PeerId, message: &ServerMessage) {
        for local in self.locals.iter().filter(|local| local.peer != *about) {
            local.tell(message.clone());
        }
    }
}

/// For a session that did not leave by itself.
fn why_closed(reason: LeaveReason) -> &'static str {
    match reason {
        LeaveReason::Kicked => {
            "somebody else took your name in this room; join again under another one"
        }
        _ => "the cluster took this session for gone; join again",
    }
}
