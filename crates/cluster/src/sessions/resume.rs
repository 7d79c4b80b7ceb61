//! A session goes on over another connection: any node may take it, with any secret from the proven epoch on.
//!
//! ```text
//! secret? ─► attach with the next epoch ─► the former owner is told ─► take over each room ─► welcome
//!              (refuses outdated ones)       (it lets go: 4409)         (its members are told)
//! ```

use std::collections::HashSet;
use std::sync::Arc;

use switchboard_protocol::server_message::RoomSnapshot;
use switchboard_protocol::{NodeId, PeerId, RoomId};
use tokio::time::{Duration, Instant, timeout};

use crate::backend::directory::{
    Attach, AttachOutcome, DirectoryError, Place, TakeOver, TakeOverOutcome,
};
use crate::backend::leases::Renewal;
use crate::backend::record::{Epoch, PeerRecord, Profile};
use crate::link::Link;
use crate::node::{Inner, Node};
use crate::observe::{Observation, ResumeOutcome};
use crate::room::Entry;
use crate::room::JOIN_PATIENCE;
use crate::sessions::detach::{Departure, RETRY};
use crate::sessions::local_session::LocalSession;
use crate::sessions::local_session::NewSession;
use crate::sessions::secret;
use crate::signal::inbound::{Inbound, Seen};
use crate::tasks::Task;

/// Others that resume the same session at the same time can make an attempt void so often.
const ATTEMPTS: u32 = 8;
/// How long a session waits for its turn to be attached. Shorter than the patience of a client, 10 s: what comes later is
/// for nobody.
const TURN_PATIENCE: Duration = Duration::from_secs(4);
/// A former owner that was not told knows after this: it has asserted the session since.
const TOLD_AGAIN_FOR: Duration = Duration::from_secs(60);

/// A session that goes on.
pub struct Resumed {
    /// As this node has it now.
    pub local: Arc<LocalSession>,
    /// The rooms it is in, as they are now.
    pub rooms: Vec<RoomSnapshot>,
}

/// Why a session does not go on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ResumeError {
    /// The secret is not good for it, or it is no more: the client gets a new session.
    #[error("there is no such session to resume")]
    Refused,
    /// The session is another user's, whose secret this is.
    #[error("this session is another user's")]
    OtherUser,
    /// Another connection resumed it at the same time, and later.
    #[error("another connection has resumed this session")]
    Superseded,
    /// The directory did not answer, or is being filled again. The secret is as good as before.
    #[error("the cluster cannot tell at the moment whether the session can be resumed")]
    Unavailable,
}

impl From<DirectoryError> for ResumeError {
    fn from(_: DirectoryError) -> Self {
        Self::Unavailable
    }
}

/// What an attach brought.
struct Attached {
    epoch: Epoch,
    former: Option<(NodeId, Epoch)>,
    rooms: Vec<RoomId>,
}

impl Node {
    /// What a client shows to resume this session.
    pub fn secret(&self, local: &LocalSession) -> String {
        let key = self.0.lease.key.keyring().agreed();
        secret::issue(&key, &local.peer, &local.user, local.epoch)
    }

    /// Takes a session over from wherever it was. `seen`: what its client has handled.
    ///
    /// What the cluster has for the session from now on is in its outbox behind what is there already; `rooms` are as they
    /// were just before. Not cancel safe: to be awaited to its end.
    pub async fn resume(
        &self,
        session: NewSession,
        shown: &str,
        seen: impl Into<Seen>,
    ) -> Result<Resumed, ResumeError> {
        let resumed = self.try_to_resume(session, shown, seen.into()).await;
        let outcome = match &resumed {
            Ok(_) => ResumeOutcome::Resumed,
            Err(ResumeError::Refused | ResumeError::OtherUser) => ResumeOutcome::Refused,
            Err(ResumeError::Superseded) => ResumeOutcome::Superseded,
            Err(ResumeError::Unavailable) => ResumeOutcome::Unavailable,
        };
        self.0.observe.observe(Observation::Resume(outcome));
        resumed
    }

    async fn try_to_resume(
        &self,
        session: NewSession,
        shown: &str,
        seen: Seen,
    ) -> Result<Resumed, ResumeError> {
        let node = &self.0;
        node.doubt.until_looked().await;
        if !node.lease.is_serving() || node.doubt.may_show_the_past() {
            return Err(ResumeError::Unavailable);
        }
        let Some(shown) = node.epoch_of(&session, shown).await? else {
            return Err(node.why_refused(&session, shown).await);
        };
        let (local, rooms) = node.take_up(session, shown, seen).await?;
        let entering = node
            .tasks
            .guarded_in(Task::Attach, node.go_on(&local, &rooms));
        match entering.await.unwrap_or(Err(ResumeError::Unavailable)) {
            Ok(rooms) => Ok(Resumed { local, rooms }),
            Err(error) => {
                let departure = match error {
                    ResumeError::Superseded => Departure::Superseded,
                    _ => Departure::Away(node.settings.resume_window),
                };
                self.detach(local.clone(), departure);
                node.take_early(&local);
                Err(error)
            }
        }
    }

    /// The client of a resumed session has said something: it has its `welcome`, and older secrets are worth nothing.
    pub async fn prove(&self, local: &LocalSession) {
        local.directory.note_proven(local.epoch);
        let proven = self.0.backend.directory.prove(&local.peer, local.epoch);
        // Where the directory cannot be told now, the next assertion tells it.
        let _ = proven.await;
    }
}

impl Inner {
    /// The epoch of a secret that is good. Before one is refused, this node looks whether the cluster has agreed on another
    /// key than it knows.
    async fn epoch_of(
        &self,
        session: &NewSession,
        shown: &str,
    ) -> Result<Option<Epoch>, ResumeError> {
        let check = || {
            secret::check(
                self.lease.key.keyring(),
                shown,
                &session.peer,
                &session.user,
            )
        };
        if let Some(epoch) = check() {
            return Ok(Some(epoch));
        }
        let agreed = self.lease.key.look_for(|| check().is_some()).await;
        agreed.map_err(|_| ResumeError::Unavailable)?;
        Ok(check())
    }

    /// A secret that is wrong for this user may be right for the session's.
    async fn why_refused(&self, session: &NewSession, shown: &str) -> ResumeError {
        let record = self.backend.directory.peer(&session.peer).await;
        let Ok(Some(record)) = record else {
            return ResumeError::Refused;
        };
        match secret::check(self.lease.key.keyring(), shown, &session.peer, &record.user) {
            Some(_) => ResumeError::OtherUser,
            None => ResumeError::Refused,
        }
    }

    /// Makes the session this node's, in no room yet.
    async fn take_up(
        self: &Arc<Self>,
        session: NewSession,
        shown: Epoch,
        seen: Seen,
    ) -> Result<(Arc<LocalSession>, Vec<RoomId>), ResumeError> {
        let turn = timeout(
            TURN_PATIENCE,
            self.sessions.attach_turn(&session.peer).lock(),
        );
        let _turn = turn.await.map_err(|_| ResumeError::Unavailable)?;
        if session.recipient.is_gone() {
            return Err(ResumeError::Unavailable);
        }
        let attached = self.attach_again(&session, shown).await?;
        let places = self.places_known_here(&session.peer);
        self.tell_former(&session.peer, &attached);
        let inbound = Inbound::resumed(seen);
        let local = self.new_local(session, (attached.epoch, shown), inbound);
        if let Some((former, _)) = &attached.former {
            let _ = local.directory.former.set((former.clone(), Instant::now()));
        }
        let _ = local.directory.inherited.set(places);
        for room in &attached.rooms {
            local.directory.note_room(room, Profile::default());
        }
        self.hold_early(&local);
        self.sessions.add(local.clone());
        Ok((local, attached.rooms))
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

    /// Makes the session this node's, with an epoch above all that are known.
    async fn attach_again(
        self: &Arc<Self>,
        session: &NewSession,
        shown: Epoch,
    ) -> Result<Attached, ResumeError> {
        let directory = &self.backend.directory;
        directory.enlist(&self.id, &session.peer).await?;
        let mut known = directory.peer(&session.peer).await?;
        for _ in 0..ATTEMPTS {
            let known_there = known.as_ref().map_or(0, |record| record.epoch);
            // A directory that went back in time may be behind what this node has.
            let epoch = known_there
                .max(shown)
                .max(self.sessions.epoch_of(&session.peer))
                + 1;
            let attach = Attach {
                peer: session.peer,
                epoch,
                node: self.id.clone(),
                user: session.user.clone(),
                shown: Some(shown),
            };
            let attached = directory.attach(&attach).await;
            match attached.inspect_err(|_| self.spawn_settling(session.peer, epoch))? {
                AttachOutcome::Attached { former, rooms } => {
                    let admitted =
                        directory.admit(&session.user, &session.peer, &self.id, u32::MAX);
                    // It was counted before; if it is not now, the next assertion does it.
                    let _ = admitted.await;
                    return Ok(Attached {
                        epoch,
                        former,
                        rooms,
                    });
                }
                // The directory forgot it, and this node, which was frozen perhaps, is about to write it again.
                AttachOutcome::Unknown if self.sessions.has(&session.peer) => {
                    return Err(ResumeError::Unavailable);
                }
                AttachOutcome::Unknown if self.finds_it_forgotten().await? => {
                    return Err(ResumeError::Unavailable);
                }
                AttachOutcome::Unknown | AttachOutcome::Outdated => {
                    self.delist_unless_here(&session.peer).await;
                    return Err(ResumeError::Refused);
                }
                AttachOutcome::Stale { .. } => {
                    known = directory.peer(&session.peer).await?;
                }
            }
        }
        Err(ResumeError::Superseded)
    }

    /// Whether the directory has just lost what was in it: this node's lease is there, or it is gone with the rest. Where
    /// that happened as its rooms were being opened, they are open all the same, and a session that it does not have may
    /// be another node's that is about to write it again.
    async fn finds_it_forgotten(&self) -> Result<bool, ResumeError> {
        let renewal = self
            .lease
            .renew()
            .await
            .map_err(|_| ResumeError::Unavailable)?;
        let is_there = matches!(renewal, Renewal::Renewed { .. });
        Ok(!is_there || self.doubt.went_back())
    }

    /// An attach got no answer. Where it took effect, nobody else keeps the session any more: it is away here.
    fn spawn_settling(self: &Arc<Self>, peer: PeerId, epoch: Epoch) {
        let node = self.clone();
        self.tasks.errand(Task::Departure, async move {
            node.settle(peer, epoch).await;
        });
    }

    async fn settle(self: &Arc<Self>, peer: PeerId, epoch: Epoch) {
        let settled = loop {
            match self.look_at_attach(peer, epoch).await {
                Ok(settled) => break settled,
                Err(DirectoryError::Corrupt(_)) => return,
                Err(_) => {}
            }
            if !self.tasks.pause(RETRY).await {
                return;
            }
        };
        let is_here = self
            .sessions
            .live(&peer)
            .is_some_and(|local| local.epoch >= epoch);
        let Some((record, attached)) = settled.filter(|_| !is_here) else {
            return self.delist_unless_here(&peer).await;
        };
        self.tell_former(&peer, &attached);
        let away = self.new_away(
            (peer, epoch, record.proven),
            record.user,
            attached.rooms,
            self.settings.resume_window,
        );
        self.sessions.keep(away.clone());
        self.mark_away(&away).await;
    }

    /// What an attach brought that got no answer: said once more, it answers as it would have then. `None`: it took no
    /// effect, and is not said again.
    async fn look_at_attach(
        &self,
        peer: PeerId,
        epoch: Epoch,
    ) -> Result<Option<(PeerRecord, Attached)>, DirectoryError> {
        let directory = &self.backend.directory;
        let record = directory.peer(&peer).await?;
        let own = record.filter(|record| record.epoch == epoch && record.node == self.id);
        let Some(record) = own else {
            return Ok(None);
        };
        let attach = Attach {
            peer,
            epoch,
            node: self.id.clone(),
            user: record.user.clone(),
            shown: Some(epoch),
        };
        Ok(match directory.attach(&attach).await? {
            AttachOutcome::Attached { former, rooms } => Some((
                record,
                Attached {
                    epoch,
                    former,
                    rooms,
                },
            )),
            _ => None,
        })
    }

    /// Whoever had the session closes its connection there and lets go of it.
    fn tell_former(self: &Arc<Self>, peer: &PeerId, attached: &Attached) {
        self.sessions.let_go(peer, attached.epoch, &self.id);
        let Some((former, _)) = attached
            .former
            .as_ref()
            .filter(|(node, _)| *node != self.id)
        else {
            return;
        };
        self.links.to(former).tell_moved(*peer, attached.epoch);
    }

    /// A link has lost what it had: to that node's former sessions, perhaps nobody else would ever say that they are here.
    pub(crate) fn tell_former_again(&self, link: &Link) {
        for local in self.sessions.all_live() {
            let is_from_there =
                local.directory.former.get().is_some_and(|(node, since)| {
                    node == link.to() && since.elapsed() < TOLD_AGAIN_FOR
                });
            if is_from_there && *link.to() != self.id {
                link.tell_moved(local.peer, local.epoch);
            }
        }
    }

    /// In all its rooms again, with all that came for it meanwhile.
    async fn go_on(
        &self,
        local: &Arc<LocalSession>,
        rooms: &[RoomId],
    ) -> Result<Vec<RoomSnapshot>, ResumeError> {
        let rooms = still_its(local, self.re_enter_all(local, rooms).await?)?;
        let members = self.members_of(&rooms);
        local.inbound.lock().keep_members(&members);
        self.take_early(local);
        Ok(rooms)
    }

    async fn re_enter_all(
        &self,
        local: &Arc<LocalSession>,
        rooms: &[RoomId],
    ) -> Result<Vec<RoomSnapshot>, ResumeError> {
        let mut snapshots = Vec::with_capacity(rooms.len());
        for room in rooms {
            snapshots.extend(self.re_enter(local, room).await?);
        }
        Ok(snapshots)
    }

    /// `None`: it is not in that room any more, or never was.
    async fn re_enter(
        &self,
        local: &Arc<LocalSession>,
        id: &RoomId,
    ) -> Result<Option<RoomSnapshot>, ResumeError> {
        let turn = local.directory.turn.lock().await;
        let opening = self.rooms.open(id, local.peer);
        let first = self.rooms.until_first(&opening.room).await;
        let (whole, told) = {
            let room = opening.room.lock();
            (room.roster().is_none(), room.told())
        };
        let told = told.max(local.directory.inherited_revision(id));
        let wish = TakeOver {
            room: id.clone(),
            peer: local.peer,
            epoch: local.epoch,
            node: self.id.clone(),
            away: false,
            whole,
        };
        let directory = &self.backend.directory;
        let taken = match directory.take_over(&wish).await {
            Ok(TakeOverOutcome::Taken { changed, roster }) => {
                let place = Place::in_room(&roster, &local.peer);
                Ok(place.map(|place| (changed, place, Some(roster))))
            }
            Ok(TakeOverOutcome::Moved { changed, place }) => Ok(Some((changed, place, None))),
            Ok(TakeOverOutcome::NotAMember) => Ok(None),
            Ok(TakeOverOutcome::Stale { .. }) => Err(ResumeError::Superseded),
            Err(_) => Err(ResumeError::Unavailable),
        };
        let refused = match taken {
            // The client would be shown a past of the room.
            Ok(Some((_, place, _))) if self.is_of_the_past(place.revision, told) => {
                Some(ResumeError::Unavailable)
            }
            Ok(Some((changed, mut place, roster))) => {
                local.directory.note_room(id, place.member.profile.clone());
                if roster.is_none() {
                    place.nodes = self.with_own(place.nodes);
                }
                self.tell_taken(id, &place, changed);
                let (entry, revision) = (Entry::Resume, place.revision);
                let admitted = self.in_room(&opening.room, |room| {
                    room.admit(local, entry, revision, roster)
                });
                opening.admitted();
                // The roster may be long in coming, and what the session is in is asserted meanwhile.
                drop((turn, first));
                if let Ok(Ok(snapshot)) = timeout(JOIN_PATIENCE, admitted).await {
                    return Ok(Some(snapshot));
                }
                self.rooms.dismiss(local, id);
                return Err(ResumeError::Unavailable);
            }
            Ok(None) => None,
            Err(refused) => Some(refused),
        };
        drop(opening);
        match refused {
            Some(error) => Err(error),
            None => {
                local.directory.forget_room(id);
                let intended = directory.intend(&local.peer, local.epoch, id, false);
                intended.await?;
                Ok(None)
            }
        }
    }

    /// Whether an answer comes from a directory that went back in time, or may have. It has this revision of a room of
    /// which `told` was told before it was asked.
    fn is_of_the_past(&self, revision: u64, told: u64) -> bool {
        let went_back = revision < told;
        if went_back {
            self.doubt.note_went_back();
        }
        went_back || self.doubt.may_show_the_past()
    }
}

/// Whom another connection has overtaken meanwhile, nobody welcomes: its client could not tell which of two secrets is good.
fn still_its(
    local: &LocalSession,
    rooms: Vec<RoomSnapshot>,
) -> Result<Vec<RoomSnapshot>, ResumeError> {
    match local.has_ended() {
        true => Err(ResumeError::Superseded),
        false => Ok(rooms),
    }
}
