//! A session that is resumed becomes this node's, with the next epoch, and its former owner is told.

use std::sync::Arc;

use switchboard_protocol::{NodeId, PeerId, RoomId};
use tokio::time::{Duration, Instant, timeout};

use crate::backend::directory::{Admission, Admitted, Attach, AttachOutcome, DirectoryError};
use crate::backend::leases::Renewal;
use crate::backend::record::{Epoch, PeerRecord};
use crate::link::Link;
use crate::node::Inner;
use crate::sessions::detach::RETRY;
use crate::sessions::local_session::{LocalSession, NewSession};
use crate::sessions::resume::ResumeError;
use crate::signal::inbound::Inbound;
use crate::signal::seen::Seen;
use crate::tasks::Task;

/// Others that resume the same session at the same time can make an attempt void so often.
const ATTEMPTS: u32 = 8;
/// How long a session waits for its turn to be attached. Shorter than the patience of a client, 10 s: what comes later is
/// too late.
const TURN_PATIENCE: Duration = Duration::from_secs(4);
/// A former owner that was not told knows after this: it has asserted the session since.
const TOLD_AGAIN_FOR: Duration = Duration::from_secs(60);

/// What an attach brought.
struct Attached {
    epoch: Epoch,
    former: Option<(NodeId, Epoch)>,
    rooms: Vec<RoomId>,
}

impl Inner {
    /// Makes the session this node's, in no room yet.
    pub(super) async fn take_up(
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
            local.directory.note_resumed_room(room);
        }
        self.hold_all_back(&local);
        self.sessions.add(local.clone());
        Ok((local, attached.rooms))
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
                credential: Some(session.credential.clone()),
                shown: Some(shown),
            };
            let attached = directory.attach(&attach).await;
            match attached.inspect_err(|_| self.spawn_settling(session.peer, epoch))? {
                AttachOutcome::Attached { former, rooms } => {
                    let admission = Admission {
                        user: session.user.clone(),
                        peer: session.peer,
                        node: self.id.clone(),
                        sessions_max: u32::MAX,
                        issued_at: session.credential.issued_at,
                    };
                    // It was counted before; if it is not now, the next assertion does it.
                    if let Ok(Admitted::CutOff(_)) = directory.admit(&admission).await {
                        // This node has not read that in the log yet. Until it has, the session is away here.
                        self.spawn_settling(session.peer, epoch);
                        return Err(ResumeError::Revoked);
                    }
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
        Ok(!is_there || self.repairs.doubt.went_back())
    }

    /// An attach got no answer. Where it took effect, no other node keeps the session any more: it is away here.
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
            (record.user, record.credential),
            attached.rooms,
            self.settings.resume_window,
        );
        self.sessions.keep(away.clone());
        self.mark_away(&away).await;
        self.end_away_if_revoked(&away);
    }

    /// What an attach brought that got no answer: repeated, it is answered as it would have been then. `None`: it took no
    /// effect, and is not repeated.
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
            credential: None,
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

    /// The node that had the session closes its connection and lets go of it.
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

    /// A link has lost what it had. Perhaps nothing else would ever tell that node that its former sessions are here.
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
}
