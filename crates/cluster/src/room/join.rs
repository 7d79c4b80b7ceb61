//! A session enters a room: first in the directory, then every node with members is told.

use std::sync::Arc;

use switchboard_protocol::RoomId;
use switchboard_protocol::server_message::{LeaveReason, RoomSnapshot};
use switchboard_traces::TracedOperation;
use tokio::sync::{MutexGuard, oneshot};
use tokio::time::{Duration, Instant, timeout};

use crate::backend::directory::{JoinOutcome, JoinRequest, Place};
use crate::backend::record::{Flags, MemberRecord, Profile, RosterSnapshot};
use crate::node::{Inner, Node};
use crate::observe::Observation;
use crate::room::allowance::member_bytes;
use crate::room::rooms::Opening;
use crate::room::{EnteredBy, JOIN_PATIENCE, Room};
use crate::sessions::local_session::LocalSession;

/// Why a session is not let into a room.
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

impl Node {
    /// What a session asks for that enters a room, and creates it with that capacity if need be, without a claim to its name.
    pub fn join_request(
        &self,
        local: &LocalSession,
        room: RoomId,
        capacity: u32,
        profile: Profile,
    ) -> JoinRequest {
        JoinRequest {
            room,
            peer: local.peer,
            epoch: local.epoch,
            node: self.0.id.clone(),
            user: local.user.clone(),
            flags: Flags {
                hidden: local.hidden,
                away: false,
                resumable: local.resumable,
                named: false,
            },
            capacity,
            may_create: true,
            profile,
            claim: None,
            whole: false,
        }
    }

    /// Enters a room, as the message with the id `re` asked for. `Ok` means that `joined` is in the session's outbox, before
    /// anything else about that room.
    pub async fn join(
        &self,
        local: &Arc<LocalSession>,
        re: u64,
        join: JoinRequest,
    ) -> Result<(), JoinError> {
        let room = join.room.clone();
        let about = (&local.peer, Some(room.as_str()));
        let joining = self.try_to_join(local, re, join);
        self.0.traced(TracedOperation::Join, about, joining).await
    }

    async fn try_to_join(
        &self,
        local: &Arc<LocalSession>,
        re: u64,
        join: JoinRequest,
    ) -> Result<(), JoinError> {
        if join.claim.is_some() && join.profile.name.is_none() {
            return Err(JoinError::Nameless);
        }
        let node = &self.0;
        let now = Instant::now();
        if let Some(retry_after) = local.directory.listing.lock().pause(now) {
            return Err(JoinError::TooMuch { retry_after });
        }
        node.repairs.doubt.until_looked().await;
        let turn = local.directory.turn.lock().await;
        if local.has_ended() || !node.lease.is_serving() || node.repairs.doubt.may_show_the_past() {
            return Err(JoinError::Unavailable);
        }
        if local.directory.may_be_listed(&join.room) {
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
        local.directory.note_room(&join.room, join.profile.clone());
        node.enter(local, re, join, turn).await
    }
}

/// What the directory gave a join: the member's place, who made way for it, and the whole room if that was asked for.
struct LetIn {
    place: Place,
    evicted: Option<MemberRecord>,
    roster: Option<RosterSnapshot>,
}

impl Inner {
    async fn enter(
        &self,
        local: &Arc<LocalSession>,
        re: u64,
        mut join: JoinRequest,
        turn: MutexGuard<'_, ()>,
    ) -> Result<(), JoinError> {
        let opening = self.rooms.open(&join.room, local.peer);
        let first = self.rooms.until_first(&opening.room).await;
        join.whole = opening.room.lock().roster().is_none();
        let let_in = match self.ask_to_join(&join).await {
            Ok(let_in) => let_in,
            Err(refused) => return self.give_up(local, &join, opening, refused).await,
        };
        let joined = self.entered((local, re, &join), opening, let_in).await;
        // What the session is in is asserted meanwhile: the directory may have forgotten it since.
        drop((turn, first));
        self.until_joined(local, &join, joined).await
    }

    async fn ask_to_join(&self, join: &JoinRequest) -> Result<LetIn, JoinError> {
        let reading = self.rooms.until_may_read(join.whole).await;
        let reading = reading.map_err(|retry_after| JoinError::Busy { retry_after })?;
        let outcome = self.backend.directory.join(join).await;
        self.rooms.note_read(reading, outcome.as_ref().ok());
        match outcome.map_err(|_| JoinError::Unavailable)? {
            // What it would be shown may lack those who have come in since.
            JoinOutcome::Joined { .. } | JoinOutcome::Entered { .. }
                if self.repairs.doubt.may_show_the_past() =>
            {
                Err(JoinError::Unavailable)
            }
            JoinOutcome::Joined { roster, evicted } => Ok(LetIn {
                place: Place::in_room(&roster, &join.peer).ok_or(JoinError::Unavailable)?,
                evicted,
                roster: Some(roster),
            }),
            JoinOutcome::Entered { place, evicted } => Ok(LetIn {
                place,
                evicted,
                roster: None,
            }),
            JoinOutcome::Full { capacity } => Err(JoinError::Full { capacity }),
            JoinOutcome::NameTaken => Err(JoinError::NameTaken),
            JoinOutcome::NoSuchRoom => Err(JoinError::NoSuchRoom),
            JoinOutcome::Stale { .. } => Err(JoinError::Stale),
        }
    }

    /// It was not let in.
    async fn give_up(
        &self,
        local: &LocalSession,
        join: &JoinRequest,
        opening: Opening<'_>,
        refused: JoinError,
    ) -> Result<(), JoinError> {
        drop(opening);
        local.directory.note_undone(&join.room);
        if refused != JoinError::Unavailable {
            let taken_back = self
                .backend
                .directory
                .intend(&local.peer, local.epoch, &join.room, false)
                .await;
            if taken_back.is_ok() {
                local.directory.forget_room(&join.room);
            }
        }
        Err(refused)
    }

    /// It was let in: the others are told. What it gives comes once the roster here has that step.
    async fn entered(
        &self,
        (local, re, join): (&Arc<LocalSession>, u64, &JoinRequest),
        opening: Opening<'_>,
        let_in: LetIn,
    ) -> oneshot::Receiver<RoomSnapshot> {
        let LetIn {
            place,
            evicted,
            roster,
        } = let_in;
        if let Some(evicted) = &evicted {
            self.tell_evicted(&join.room, evicted, &place).await;
        }
        let revision = place.revision;
        let has_roster = roster.is_none();
        self.announce_join(&join.room, place, has_roster, evicted.as_ref());
        let admit = |room: &mut Room| room.admit(local, EnteredBy::Join(re), revision, roster);
        let joined = self.in_room(&opening.room, admit);
        opening.admitted();
        tracing::debug!(session.id = %local.peer, room.id = %join.room, "a session joined a room");
        joined
    }

    /// Waits until the roster of this node has reached the join.
    async fn until_joined(
        &self,
        local: &LocalSession,
        join: &JoinRequest,
        joined: oneshot::Receiver<RoomSnapshot>,
    ) -> Result<(), JoinError> {
        let refused = match timeout(JOIN_PATIENCE, joined).await {
            Ok(Ok(told)) => {
                let bytes = told.members.iter().map(member_bytes).sum();
                local.directory.listing.lock().spend(bytes, Instant::now());
                self.observe.observe(Observation::MemberJoined);
                return Ok(());
            }
            // It was in and is out again: another member has taken the name since.
            Ok(Err(_)) if join.claim.is_some() && !local.has_ended() => JoinError::NameTaken,
            _ => JoinError::Unavailable,
        };
        // The room stays noted with the session: its next join or assertion, or its end, undoes this one.
        self.rooms.remove_local(local, &join.room);
        local.directory.note_undone(&join.room);
        Err(refused)
    }
}
