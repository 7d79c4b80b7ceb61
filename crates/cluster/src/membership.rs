//! A session enters, changes and leaves rooms: first in the directory, then told to every node with members.

use std::sync::Arc;

use switchboard_protocol::client_message::StatePatch;
use switchboard_protocol::server_message::{LeaveReason, RoomSnapshot};
use switchboard_protocol::{NodeId, PeerId, RoomId};
use tokio::sync::{MutexGuard, oneshot};
use tokio::time::{Duration, timeout};

use crate::directory::{
    Claim, DirectoryError, JoinOutcome, JoinRequest, LeaveOutcome, UpdateOutcome,
};
use crate::envelope::{Change, Envelope, RosterChange};
use crate::link::Urgency;
use crate::local::Local;
use crate::node::{Inner, Node, Status};
use crate::observe::Observation;
use crate::record::{Epoch, Flags, MemberRecord, Profile, RosterSnapshot};
use crate::resync::tell_revisions;
use crate::room::{After, Entry};

/// A join that the directory carried out reaches this node's roster within this, or is given up.
pub(crate) const JOIN_PATIENCE: Duration = Duration::from_secs(5);
/// How long somebody who comes in waits for [`Inner::until_looked_back`].
const LOOK_PATIENCE: Duration = Duration::from_secs(1);

/// A wish to enter a room.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JoinRoom {
    /// The message's id: `re` of the answer.
    pub re: u64,
    /// Which room.
    pub room: RoomId,
    /// Its capacity if this join creates it.
    pub capacity: u32,
    /// Whether this join may create it.
    pub may_create: bool,
    /// What the peer tells of itself.
    pub profile: Profile,
    /// Whether the name in its profile, which must have one, is to be its own there.
    pub claim: Option<Claim>,
}

/// Why somebody is not let into a room.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum JoinError {
    /// As many visible members as it may have.
    #[error("the room is full ({capacity} members)")]
    Full {
        /// That many.
        capacity: u32,
    },
    /// Another member holds the name that it claims.
    #[error("another member of the room holds this name")]
    NameTaken,
    /// It claims a name and has none.
    #[error("there is no name to claim")]
    Nameless,
    /// It does not exist, and this join may not create it.
    #[error("there is no such room")]
    NoSuchRoom,
    /// A newer connection of the same session is in it.
    #[error("a newer connection of this session is in the room")]
    Stale,
    /// The directory did not answer, or is being filled again.
    #[error("the cluster cannot do this at the moment")]
    Unavailable,
}

/// Why somebody's state was not changed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum UpdateError {
    /// It is not in the room.
    #[error("not a member of the room")]
    NotAMember,
    /// The state would be over its bound.
    #[error("the state would be too large")]
    TooLarge,
    /// The directory did not answer.
    #[error("the cluster cannot do this at the moment")]
    Unavailable,
}

impl Node {
    /// Enters a room. `Ok` means that `joined` is in the session's outbox, before anything else about that room.
    pub async fn join(&self, local: &Arc<Local>, join: JoinRoom) -> Result<(), JoinError> {
        if join.claim.is_some() && join.profile.name.is_none() {
            return Err(JoinError::Nameless);
        }
        let node = &self.0;
        node.until_looked_back().await;
        let turn = local.turn.lock().await;
        let serves = *node.status.borrow() == Status::Serving;
        if local.has_ended() || !serves || node.may_be_shown_the_past() {
            return Err(JoinError::Unavailable);
        }
        if local.profile(&join.room).is_some() {
            // An earlier join got no answer: whether it took effect is unknown, so it is undone first.
            node.leave(local, &join.room, LeaveReason::Left)
                .await
                .map_err(|_| JoinError::Unavailable)?;
        }
        let intended = node
            .backend
            .directory
            .intend(&local.peer, local.epoch, &join.room, true)
            .await;
        // False: the directory has forgotten this session, or a newer connection has it.
        if !node.checked(intended).map_err(|_| JoinError::Unavailable)? {
            return Err(JoinError::Unavailable);
        }
        local.note_room(&join.room, join.profile.clone());
        node.enter(local, &join, turn).await
    }

    /// Leaves a room: the session hears nothing of it any more.
    pub async fn leave(&self, local: &Arc<Local>, room: &RoomId) -> Result<(), DirectoryError> {
        let _turn = local.turn.lock().await;
        self.0.leave(local, room, LeaveReason::Left).await
    }

    /// Merges a patch into the session's state in a room.
    pub async fn update(
        &self,
        local: &Arc<Local>,
        room: &RoomId,
        patch: &StatePatch,
    ) -> Result<(), UpdateError> {
        let node = &self.0;
        let _turn = local.turn.lock().await;
        let mut profile = local.profile(room).ok_or(UpdateError::NotAMember)?;
        profile.state = profile
            .state
            .merge(patch)
            .map_err(|_| UpdateError::TooLarge)?;
        let updated = node
            .backend
            .directory
            .update(room, &local.peer, local.epoch, &profile)
            .await;
        match node
            .checked(updated)
            .map_err(|_| UpdateError::Unavailable)?
        {
            UpdateOutcome::NotAMember => Err(UpdateError::NotAMember),
            UpdateOutcome::Updated {
                changed: false,
                revision,
                nodes,
            } => {
                local.note_room(room, profile);
                node.hint(&nodes, room, revision);
                Ok(())
            }
            UpdateOutcome::Updated {
                revision, nodes, ..
            } => {
                local.note_room(room, profile.clone());
                let change = Change::Updated {
                    peer: local.peer,
                    profile,
                };
                node.announce(
                    &nodes,
                    RosterChange {
                        room: room.clone(),
                        revision,
                        change,
                    },
                );
                Ok(())
            }
        }
    }
}

impl Inner {
    async fn enter(
        &self,
        local: &Arc<Local>,
        join: &JoinRoom,
        turn: MutexGuard<'_, ()>,
    ) -> Result<(), JoinError> {
        let room = self.rooms.open(&join.room, local.peer);
        let request = self.request(local, join);
        let outcome = self.backend.directory.join(&request).await;
        let refused = match self.checked(outcome) {
            Ok(JoinOutcome::Joined { roster, evicted }) => {
                if let Some(evicted) = &evicted {
                    self.tell_evicted(&join.room, evicted, &roster).await;
                }
                self.announce_join(local, &join.room, &roster, evicted.as_ref());
                let entry = Entry::Join(join.re);
                let joined = self.in_room(&room, |room| room.admit(local, entry, roster));
                // What the session is in is asserted meanwhile: the directory may have forgotten it since.
                drop(turn);
                return self.until_joined(local, join, joined).await;
            }
            Ok(JoinOutcome::Full { capacity }) => JoinError::Full { capacity },
            Ok(JoinOutcome::NameTaken) => JoinError::NameTaken,
            Ok(JoinOutcome::NoSuchRoom) => JoinError::NoSuchRoom,
            Ok(JoinOutcome::Stale { .. }) => JoinError::Stale,
            Err(_) => JoinError::Unavailable,
        };
        room.lock().give_up_opening(&local.peer);
        self.rooms.sweep(&join.room);
        local.note_undone(&join.room);
        if refused != JoinError::Unavailable {
            let taken_back = self
                .backend
                .directory
                .intend(&local.peer, local.epoch, &join.room, false)
                .await;
            if self.checked(taken_back).is_ok() {
                local.forget_room(&join.room);
            }
        }
        Err(refused)
    }

    fn request(&self, local: &Local, join: &JoinRoom) -> JoinRequest {
        JoinRequest {
            room: join.room.clone(),
            peer: local.peer,
            epoch: local.epoch,
            node: self.id.clone(),
            user: local.user.clone(),
            flags: Flags {
                hidden: local.hidden,
                away: false,
                resumable: local.resumable,
                named: false,
            },
            capacity: join.capacity,
            may_create: join.may_create,
            profile: join.profile.clone(),
            claim: join.claim,
        }
    }

    /// Waits until the roster of this node has reached the join.
    async fn until_joined(
        &self,
        local: &Local,
        join: &JoinRoom,
        joined: oneshot::Receiver<RoomSnapshot>,
    ) -> Result<(), JoinError> {
        let refused = match timeout(JOIN_PATIENCE, joined).await {
            Ok(Ok(_)) => {
                self.observe.observe(Observation::MemberJoined);
                return Ok(());
            }
            // It was in and is out again: somebody else has taken the name since.
            Ok(Err(_)) if join.claim.is_some() && !local.has_ended() => JoinError::NameTaken,
            _ => JoinError::Unavailable,
        };
        // The room stays noted with the session: its next join or assertion, or its end, undoes this one.
        self.dismiss(local, &join.room);
        local.note_undone(&join.room);
        Err(refused)
    }

    /// Tells the nodes of all who were in before, this one if it has or had others in the room.
    fn announce_join(
        &self,
        local: &Local,
        room: &RoomId,
        roster: &RosterSnapshot,
        evicted: Option<&MemberRecord>,
    ) {
        let Some(member) = roster.member(&local.peer).cloned() else {
            return;
        };
        let ready = roster.ready == roster.revision;
        let mut nodes = roster.nodes_of_others(&local.peer);
        nodes.extend(evicted.map(|evicted| evicted.node.clone()));
        let step = RosterChange {
            room: room.clone(),
            revision: roster.revision,
            change: Change::Joined { member, ready },
        };
        self.announce(&each_once(nodes), step);
    }

    /// Tells the step that led to `roster` to the nodes of all others.
    pub(crate) fn tell_step(
        &self,
        room: &RoomId,
        roster: &RosterSnapshot,
        about: &PeerId,
        change: Change,
    ) {
        let step = RosterChange {
            room: room.clone(),
            revision: roster.revision,
            change,
        };
        self.announce(&roster.nodes_of_others(about), step);
    }

    /// A member has made way for a new one: it left with the step before.
    async fn tell_evicted(&self, room: &RoomId, evicted: &MemberRecord, roster: &RosterSnapshot) {
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
            revision: roster.revision - 1,
            change,
        };
        let mut nodes = roster.nodes_of_others(&evicted.peer);
        nodes.push(evicted.node.clone());
        let nodes = each_once(nodes);
        self.announce(&nodes, step.clone());
        // The node of a live one may be asserting it just now, and takes it out again as long as the room is noted with it.
        if !evicted.flags.away {
            return;
        }
        let directory = &self.backend.directory;
        let record = self.checked(directory.peer(&evicted.peer).await);
        let Ok(Some(record)) = record else { return };
        // Another node keeps its places by now, perhaps.
        if !nodes.contains(&record.node) {
            self.announce(std::slice::from_ref(&record.node), step);
        }
        let intended = directory.intend(&evicted.peer, record.epoch, room, false);
        let _ = self.checked(intended.await);
    }

    /// Takes a session out of a room, here and in the directory. Where the directory does not answer, the room stays
    /// noted with the session: its next join of that room, its next assertion, or its end, completes this.
    pub(crate) async fn leave(
        &self,
        local: &Arc<Local>,
        room: &RoomId,
        reason: LeaveReason,
    ) -> Result<(), DirectoryError> {
        self.dismiss(local, room);
        local.note_undone(room);
        self.leave_room(room, &local.peer, local.epoch, reason)
            .await?;
        local.forget_room(room);
        Ok(())
    }

    /// Takes a member out of a room in the directory, and tells the others.
    pub(crate) async fn leave_room(
        &self,
        room: &RoomId,
        peer: &PeerId,
        epoch: Epoch,
        reason: LeaveReason,
    ) -> Result<LeaveOutcome, DirectoryError> {
        let directory = &self.backend.directory;
        let left = self.checked(directory.leave(room, peer, epoch).await)?;
        if left.changed {
            self.observe.observe(Observation::MemberLeft(reason));
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
        self.checked(directory.intend(peer, epoch, room, false).await)?;
        Ok(left)
    }

    /// Tells a step to nodes. This one counts it as known at once: if a link loses it, revisions are compared by that.
    pub(crate) fn announce(&self, nodes: &[NodeId], step: RosterChange) {
        self.hint_here(&step.room, step.revision);
        let step = Envelope::Roster(step);
        for node in nodes {
            let _ = self.link(node).enqueue(&step, Urgency::Now);
        }
    }

    /// Tells nodes that a room has this revision, where which step led to it is not known.
    pub(crate) fn hint(&self, nodes: &[NodeId], room: &RoomId, revision: u64) {
        self.hint_here(room, revision);
        for node in nodes.iter().filter(|node| **node != self.id) {
            tell_revisions(&self.link(node), &[(room.clone(), revision)]);
        }
    }

    pub(crate) fn hint_here(&self, room: &RoomId, revision: u64) {
        if let Some(room) = self.rooms.get(room.as_str()) {
            self.in_room(&room, |room| (room.hint(revision), After::default()));
        }
    }

    pub(crate) fn note_forgotten(&self) {
        self.doubt.note();
        self.forgotten.notify_one();
    }

    /// Waits for a while until it was looked whether the directory went back in time. That follows soon upon reaching it
    /// (again), and whoever wants to come in need not be sent away for it.
    pub(crate) async fn until_looked_back(&self) {
        let looked = async {
            loop {
                let look = self.doubt.next_look();
                if !self.may_be_shown_the_past() {
                    return;
                }
                look.await;
            }
        };
        let _ = timeout(LOOK_PATIENCE, looked).await;
    }

    /// Whether nobody can be let in: this node has just reached the directory (again), or its rooms are to be closed.
    pub(crate) fn may_be_shown_the_past(&self) -> bool {
        self.doubt.may_show_the_past(*self.backend.doubts.borrow())
    }

    /// Counts and logs a failure of the directory.
    pub(crate) fn checked<T>(
        &self,
        result: Result<T, DirectoryError>,
    ) -> Result<T, DirectoryError> {
        result.inspect_err(|error| {
            self.observe.observe(Observation::DirectoryFailed);
            if *error == DirectoryError::Forgotten {
                self.note_forgotten();
            }
            tracing::debug!(%error, "the directory did not do as asked");
        })
    }
}

fn each_once(mut nodes: Vec<NodeId>) -> Vec<NodeId> {
    nodes.sort_unstable();
    nodes.dedup();
    nodes
}
