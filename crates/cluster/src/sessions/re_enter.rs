//! A resumed session enters its rooms again, all at the same time: in DESIGN's order of keys the rooms are one place.

use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use futures_util::{StreamExt, stream};
use switchboard_protocol::server_message::RoomSnapshot;
use switchboard_protocol::{PeerId, RoomId};
use tokio::sync::oneshot;
use tokio::time::timeout;

use crate::backend::directory::{Place, TakeOver, TakeOverOutcome};
use crate::backend::record::RosterSnapshot;
use crate::node::Inner;
use crate::room::rooms::Opening;
use crate::room::{EnteredBy, JOIN_PATIENCE};
use crate::sessions::local_session::LocalSession;
use crate::sessions::resume::ResumeError;

/// Rooms that one session enters again at the same time. Their rosters, which may be long, come over one connection within
/// the time of a command.
const AT_ONCE: usize = 8;

/// A room that has let the session in: comes when the roster of this node has that step.
struct Entered {
    room: RoomId,
    admitted: oneshot::Receiver<RoomSnapshot>,
}

/// What the directory gave: whether the place is another than before, the place, and the whole room where this node
/// had no session in it.
type Taken = (bool, Place, Option<RosterSnapshot>);

impl Inner {
    /// In all its rooms again, with all that came for it meanwhile.
    pub(super) async fn go_on(
        &self,
        local: &Arc<LocalSession>,
        rooms: &[RoomId],
    ) -> Result<Vec<RoomSnapshot>, ResumeError> {
        let rooms = still_its(local, self.re_enter_all(local, rooms).await?)?;
        let members = self.members_of(&rooms);
        local.streams.inbound.lock().keep_members(&members);
        self.stop_holding_all_back(local);
        Ok(rooms)
    }

    /// Where one room cannot be entered, what is under way for the others is awaited: the session departs after it.
    async fn re_enter_all(
        &self,
        local: &Arc<LocalSession>,
        rooms: &[RoomId],
    ) -> Result<Vec<RoomSnapshot>, ResumeError> {
        let turn = local.directory.turn.lock().await;
        let has_failed = AtomicBool::new(false);
        let entering = stream::iter(rooms.to_vec()).map(|room| async {
            // The others would be told of a session that is back, and then that it is away.
            if has_failed.load(Ordering::Relaxed) {
                return Err(ResumeError::Unavailable);
            }
            let entered = self.re_enter(local, room).await;
            has_failed.fetch_or(entered.is_err(), Ordering::Relaxed);
            entered
        });
        let entered: Vec<_> = entering.buffered(AT_ONCE).collect().await;
        // The rosters may be long in coming, and what the session is in is asserted meanwhile.
        drop(turn);
        let entered: Vec<_> = entered.into_iter().collect::<Result<_, _>>()?;
        let mut snapshots = Vec::with_capacity(rooms.len());
        for entered in entered.into_iter().flatten() {
            snapshots.push(self.until_admitted(local, entered).await?);
        }
        Ok(snapshots)
    }

    async fn until_admitted(
        &self,
        local: &LocalSession,
        entered: Entered,
    ) -> Result<RoomSnapshot, ResumeError> {
        if let Ok(Ok(snapshot)) = timeout(JOIN_PATIENCE, entered.admitted).await {
            return Ok(snapshot);
        }
        self.rooms.remove_local(local, &entered.room);
        Err(ResumeError::Unavailable)
    }

    /// `None`: it is not in that room any more, or never was.
    async fn re_enter(
        &self,
        local: &Arc<LocalSession>,
        id: RoomId,
    ) -> Result<Option<Entered>, ResumeError> {
        let opening = self.rooms.open(&id, local.peer);
        // Until the room is admitted, others that come into it wait.
        let _first = self.rooms.until_first(&opening.room).await;
        let (whole, told) = {
            let room = opening.room.lock();
            (room.roster().is_none(), room.told())
        };
        let told = told.max(local.directory.inherited_revision(&id));
        if let Some(taken) = self.take_over(local, &id, whole).await? {
            // The client would be shown a past of the room.
            if self.is_of_the_past(taken.1.revision, told) {
                return Err(ResumeError::Unavailable);
            }
            return Ok(Some(self.admit_again(local, (id, opening), taken)));
        }
        drop(opening);
        local.directory.forget_room(&id);
        let directory = &self.backend.directory;
        let intended = directory.intend(&local.peer, local.epoch, &id, false);
        intended.await?;
        Ok(None)
    }

    async fn take_over(
        &self,
        local: &LocalSession,
        room: &RoomId,
        whole: bool,
    ) -> Result<Option<Taken>, ResumeError> {
        let wish = TakeOver {
            room: room.clone(),
            peer: local.peer,
            epoch: local.epoch,
            node: self.id.clone(),
            away: false,
            whole,
        };
        match self.backend.directory.take_over(&wish).await? {
            TakeOverOutcome::Taken { changed, roster } => {
                let place = Place::in_room(&roster, &local.peer);
                Ok(place.map(|place| (changed, place, Some(roster))))
            }
            TakeOverOutcome::Moved { changed, place } => Ok(Some((changed, place, None))),
            TakeOverOutcome::NotAMember => Ok(None),
            TakeOverOutcome::Stale { .. } => Err(ResumeError::Superseded),
        }
    }

    fn admit_again(
        &self,
        local: &Arc<LocalSession>,
        (id, opening): (RoomId, Opening<'_>),
        (changed, mut place, roster): Taken,
    ) -> Entered {
        local.directory.note_room(&id, place.member.profile.clone());
        if roster.is_none() {
            place.nodes = self.with_own(place.nodes);
        }
        self.tell_taken(&id, &place, changed);
        let (entry, revision) = (EnteredBy::Resume, place.revision);
        let admitted = self.in_room(&opening.room, |room| {
            room.admit(local, entry, revision, roster)
        });
        opening.admitted();
        Entered { room: id, admitted }
    }

    /// Hidden ones too.
    fn members_of(&self, rooms: &[RoomSnapshot]) -> HashSet<PeerId> {
        let known = rooms
            .iter()
            .filter_map(|room| self.rooms.get(room.room.as_str()));
        let mut members = HashSet::new();
        for room in known {
            let room = room.lock();
            let roster = room.roster().into_iter();
            members.extend(roster.flat_map(|roster| roster.members().map(|member| member.peer)));
        }
        members
    }

    /// Whether an answer comes from a directory that went back in time, or may have. It has this revision of a room of
    /// which `told` was told before it was asked.
    fn is_of_the_past(&self, revision: u64, told: u64) -> bool {
        let went_back = revision < told;
        if went_back {
            self.repairs.doubt.note_went_back();
        }
        went_back || self.repairs.doubt.may_show_the_past()
    }
}

/// A session that another connection has taken meanwhile is not welcomed: its client could not tell which of two secrets is
/// good.
fn still_its(
    local: &LocalSession,
    rooms: Vec<RoomSnapshot>,
) -> Result<Vec<RoomSnapshot>, ResumeError> {
    match local.has_ended() {
        true => Err(ResumeError::Superseded),
        false => Ok(rooms),
    }
}
