//! A session enters, changes and leaves rooms: first in the directory, then told to every node with members.

use std::sync::Arc;

use parking_lot::Mutex;
use switchboard_protocol::client_message::StatePatch;
use switchboard_protocol::server_message::{LeaveReason, RoomSnapshot};
use switchboard_protocol::{NodeId, PeerId, RoomId};
use tokio::sync::{MutexGuard, OwnedMutexGuard, oneshot};
use tokio::time::{Duration, Instant, timeout};

use crate::backend::directory::{
    Claim, DirectoryError, JoinOutcome, JoinRequest, LeaveOutcome, Place, Rename, RenameOutcome,
    UpdateOutcome,
};
use crate::backend::record::{Epoch, Flags, MemberRecord, Profile, RosterSnapshot};
use crate::link::Urgency;
use crate::link::envelope::{Change, Envelope, RosterChange};
use crate::node::{Inner, Node, Status};
use crate::observe::Observation;
use crate::room::allowance::{member_bytes, record_bytes};
use crate::room::rooms::Opening;
use crate::room::{After, Entry, Room};
use crate::sessions::local_session::LocalSession;

/// A join that the directory carried out reaches this node's roster within this, or is given up.
pub(crate) const JOIN_PATIENCE: Duration = Duration::from_secs(5);
/// How long a join waits for another one that reads the same room.
const FIRST_PATIENCE: Duration = Duration::from_secs(1);
/// How long a join waits for its turn to read a room, and how often it looks.
const READ_PATIENCE: Duration = Duration::from_secs(2);
const READ_AGAIN: Duration = Duration::from_millis(20);

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
    /// The rooms that this session joined list more than it may be told.
    #[error("the rooms that this session joins are too large for so many joins")]
    TooMuch {
        /// When it may join again.
        retry_after: Duration,
    },
    /// This node reads as many rosters as it may.
    #[error("this node reads as many rosters as it may")]
    Busy {
        /// When there is room for another one.
        retry_after: Duration,
    },
    /// The directory did not answer, or is being filled again.
    #[error("the cluster cannot do this at the moment")]
    Unavailable,
}

/// Why somebody does not get a name in a room where it is.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RenameError {
    /// It is not in the room, or nobody sees it there.
    #[error("not a member of the room")]
    NotAMember,
    /// Another member holds the name.
    #[error("another member of the room holds this name")]
    NameTaken,
    /// The directory did not answer.
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
    pub async fn join(&self, local: &Arc<LocalSession>, join: JoinRoom) -> Result<(), JoinError> {
        if join.claim.is_some() && join.profile.name.is_none() {
            return Err(JoinError::Nameless);
        }
        let node = &self.0;
        let now = Instant::now();
        if let Some(retry_after) = local.listing.lock().pause(now) {
            return Err(JoinError::TooMuch { retry_after });
        }
        node.doubt.until_looked().await;
        let turn = local.turn.lock().await;
        let serves = *node.status.borrow() == Status::Serving;
        if local.has_ended() || !serves || node.doubt.may_show_the_past() {
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
        if !intended.map_err(|_| JoinError::Unavailable)? {
            return Err(JoinError::Unavailable);
        }
        local.note_room(&join.room, join.profile.clone());
        node.enter(local, &join, turn).await
    }

    /// Takes another name in a room, its own from then on. `Ok` means that the roster of this node has it, and that the
    /// session was told.
    pub async fn rename(
        &self,
        local: &Arc<LocalSession>,
        room: &RoomId,
        name: &Arc<str>,
        claim: Claim,
    ) -> Result<(), RenameError> {
        let node = &self.0;
        let turn = local.turn.lock().await;
        let profile = local.profile(room).ok_or(RenameError::NotAMember)?;
        let rename = Rename {
            room: room.clone(),
            peer: local.peer,
            epoch: local.epoch,
            profile: Profile {
                name: Some(name.clone()),
                ..profile
            },
            claim,
        };
        let outcome = node.backend.directory.rename(&rename).await;
        let (changed, place) = match outcome.map_err(|_| RenameError::Unavailable)? {
            RenameOutcome::NotAMember => return Err(RenameError::NotAMember),
            RenameOutcome::NameTaken => return Err(RenameError::NameTaken),
            RenameOutcome::Renamed {
                changed,
                place,
                evicted,
            } => {
                if let Some(evicted) = &evicted {
                    node.tell_evicted(room, evicted, &place).await;
                }
                (changed, *place)
            }
        };
        local.note_room(room, rename.profile);
        let (revision, nodes) = (place.revision, node.with_own(place.nodes));
        if changed {
            let member = place.member;
            let step = RosterChange {
                room: room.clone(),
                revision,
                change: Change::Moved { member },
            };
            node.announce(&nodes, step);
        } else {
            node.hint(&nodes, room, revision);
        }
        drop(turn);
        node.until_reached(room, revision).await;
        Ok(())
    }

    /// How many are in a room, hidden ones too, as far as this node knows.
    pub fn members_of(&self, room: &str) -> usize {
        let room = self.0.rooms.get(room);
        room.map_or(0, |room| {
            let room = room.lock();
            room.roster().map_or(0, |roster| roster.members().count())
        })
    }

    /// Leaves a room: the session hears nothing of it any more.
    pub async fn leave(
        &self,
        local: &Arc<LocalSession>,
        room: &RoomId,
    ) -> Result<(), DirectoryError> {
        let _turn = local.turn.lock().await;
        self.0.leave(local, room, LeaveReason::Left).await
    }

    /// Merges a patch into the session's state in a room.
    pub async fn update(
        &self,
        local: &Arc<LocalSession>,
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
        match updated.map_err(|_| UpdateError::Unavailable)? {
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
        local: &Arc<LocalSession>,
        join: &JoinRoom,
        turn: MutexGuard<'_, ()>,
    ) -> Result<(), JoinError> {
        let opening = self.rooms.open(&join.room, local.peer);
        let first = self.until_first(&opening.room).await;
        let whole = opening.room.lock().roster().is_none();
        let outcome = match self.reads_of(whole).await {
            Ok(reading) => {
                let request = self.request(local, join, whole);
                let outcome = self.backend.directory.join(&request).await;
                self.note_read(reading, outcome.as_ref().ok());
                outcome.map_err(|_| JoinError::Unavailable)
            }
            Err(retry_after) => Err(JoinError::Busy { retry_after }),
        };
        let refused = match outcome {
            // What it would be shown may lack those who have come in since.
            Ok(JoinOutcome::Joined { .. } | JoinOutcome::Entered { .. })
                if self.doubt.may_show_the_past() =>
            {
                JoinError::Unavailable
            }
            Ok(JoinOutcome::Joined { roster, evicted }) => {
                let Some(place) = Place::in_room(&roster, &local.peer) else {
                    return self
                        .give_up(local, join, opening, JoinError::Unavailable)
                        .await;
                };
                let held = (turn, first);
                return self
                    .entered((local, join, opening), held, (place, evicted, Some(roster)))
                    .await;
            }
            Ok(JoinOutcome::Entered { place, evicted }) => {
                let held = (turn, first);
                return self
                    .entered((local, join, opening), held, (place, evicted, None))
                    .await;
            }
            Ok(JoinOutcome::Full { capacity }) => JoinError::Full { capacity },
            Ok(JoinOutcome::NameTaken) => JoinError::NameTaken,
            Ok(JoinOutcome::NoSuchRoom) => JoinError::NoSuchRoom,
            Ok(JoinOutcome::Stale { .. }) => JoinError::Stale,
            Err(refused) => refused,
        };
        self.give_up(local, join, opening, refused).await
    }

    /// It was not let in.
    async fn give_up(
        &self,
        local: &LocalSession,
        join: &JoinRoom,
        opening: Opening<'_>,
        refused: JoinError,
    ) -> Result<(), JoinError> {
        drop(opening);
        local.note_undone(&join.room);
        if refused != JoinError::Unavailable {
            let taken_back = self
                .backend
                .directory
                .intend(&local.peer, local.epoch, &join.room, false)
                .await;
            if taken_back.is_ok() {
                local.forget_room(&join.room);
            }
        }
        Err(refused)
    }

    /// It was let in: the others are told, and it is once the roster here has that step.
    async fn entered(
        &self,
        (local, join, opening): (&Arc<LocalSession>, &JoinRoom, Opening<'_>),
        held: (MutexGuard<'_, ()>, Option<OwnedMutexGuard<()>>),
        (place, evicted, roster): (Place, Option<MemberRecord>, Option<RosterSnapshot>),
    ) -> Result<(), JoinError> {
        if let Some(evicted) = &evicted {
            self.tell_evicted(&join.room, evicted, &place).await;
        }
        let revision = place.revision;
        let has_roster = roster.is_none();
        self.announce_join(&join.room, place, has_roster, evicted.as_ref());
        let entry = Entry::Join(join.re);
        let admit = |room: &mut Room| room.admit(local, entry, revision, roster);
        let joined = self.in_room(&opening.room, admit);
        opening.admitted();
        tracing::debug!(session.id = %local.peer, room.id = %join.room, "a session joined a room");
        // What the session is in is asserted meanwhile: the directory may have forgotten it since.
        drop(held);
        self.until_joined(local, join, joined).await
    }

    /// Of those who come into a room that nobody of this node is in, the first reads it, and the others wait for him.
    pub(crate) async fn until_first(&self, room: &Mutex<Room>) -> Option<OwnedMutexGuard<()>> {
        let first = room.lock().first()?;
        // Whoever waits too long reads the room himself.
        timeout(FIRST_PATIENCE, first.lock_owned()).await.ok()
    }

    /// Waits until this node may read one more room, if it is to; or says how long that would take.
    async fn reads_of(&self, whole: bool) -> Result<Option<usize>, Duration> {
        if !whole {
            return Ok(None);
        }
        let until = Instant::now() + READ_PATIENCE;
        loop {
            let now = Instant::now();
            let begun = self.reads.lock().begin(now);
            match begun {
                Ok(counted) => return Ok(Some(counted)),
                Err(pause) if now + pause > until => return Err(pause),
                Err(_) => {}
            }
            tokio::time::sleep(READ_AGAIN).await;
        }
    }

    fn note_read(&self, reading: Option<usize>, outcome: Option<&JoinOutcome>) {
        let Some(counted) = reading else { return };
        let bytes = match outcome {
            Some(JoinOutcome::Joined { roster, .. }) => {
                Some(roster.members.iter().map(record_bytes).sum())
            }
            _ => None,
        };
        self.reads.lock().end(counted, bytes, Instant::now());
    }

    pub(crate) fn with_own(&self, mut nodes: Vec<NodeId>) -> Vec<NodeId> {
        if !nodes.contains(&self.id) {
            nodes.push(self.id.clone());
        }
        nodes
    }

    /// Waits until the roster of this node has a revision, but not for ever.
    async fn until_reached(&self, room: &RoomId, revision: u64) {
        let Some(room) = self.rooms.get(room.as_str()) else {
            return;
        };
        let reached = room.lock().reaches(revision);
        drop(room);
        let _ = timeout(JOIN_PATIENCE, reached).await;
    }

    fn request(&self, local: &LocalSession, join: &JoinRoom, whole: bool) -> JoinRequest {
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
            whole,
        }
    }

    /// Waits until the roster of this node has reached the join.
    async fn until_joined(
        &self,
        local: &LocalSession,
        join: &JoinRoom,
        joined: oneshot::Receiver<RoomSnapshot>,
    ) -> Result<(), JoinError> {
        let refused = match timeout(JOIN_PATIENCE, joined).await {
            Ok(Ok(told)) => {
                let bytes = told.members.iter().map(member_bytes).sum();
                local.listing.lock().spend(bytes, Instant::now());
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

    /// Tells the nodes of all who were in before, this one if it has, or just had, others in the room.
    fn announce_join(
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
    async fn tell_evicted(&self, room: &RoomId, evicted: &MemberRecord, place: &Place) {
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

    /// Takes a session out of a room, here and in the directory. Where the directory does not answer, the room stays
    /// noted with the session: its next join of that room, its next assertion, or its end, completes this.
    pub(crate) async fn leave(
        &self,
        local: &Arc<LocalSession>,
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
        let left = directory.leave(room, peer, epoch).await?;
        self.tell_leave(room, peer, &left, reason);
        directory.intend(peer, epoch, room, false).await?;
        Ok(left)
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
}

fn each_once(mut nodes: Vec<NodeId>) -> Vec<NodeId> {
    nodes.sort_unstable();
    nodes.dedup();
    nodes
}
