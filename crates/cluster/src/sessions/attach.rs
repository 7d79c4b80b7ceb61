//! A session comes to this node and goes: the steps in the directory, in an order that leaves something to complete after
//! a crash between any two of them.
//!
//! Coming: node's set → peer → user's hash, then rooms one by one. Going: rooms → user's hash → peer → node's set; the
//! node's set is the reaper's list, and the peer's record names the rooms, so each goes only after what it leads to.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};

use parking_lot::Mutex;
use switchboard_protocol::server_message::LeaveReason;
use switchboard_protocol::{NodeId, PeerId, RoomId, UserId};
use tokio::time::{Duration, Instant, sleep};

use crate::backend::directory::{AssertMember, Attach, AttachOutcome, DirectoryError};
use crate::backend::record::{Epoch, PeerRecord};
use crate::link::envelope::Receipt;
use crate::node::{Inner, Node, Status};
use crate::room::allowance::Allowance;
use crate::sessions::away::Away;
use crate::sessions::local_session::{LocalSession, Recipient};
use crate::signal::inbound::{Fate, Inbound};
use crate::signal::tombstones::REMEMBERED;
use crate::signal::unanswered::Unanswered;
use crate::tasks::Task;

/// Between two tries to tell the directory that a session went.
pub(crate) const RETRY: Duration = Duration::from_millis(500);
/// Others of the same user's that come at the same time can take a place that was made so often.
const EVICTIONS_MAX: usize = 8;
/// The first epoch of a session.
const FIRST_EPOCH: Epoch = 1;

/// A session that wants to come to this node.
pub struct NewSession {
    /// Its public id.
    pub peer: PeerId,
    /// The identity behind it.
    pub user: UserId,
    /// Whether its client says `received`.
    pub receipts: bool,
    /// Whether it is an observer.
    pub hidden: bool,
    /// Whether it may come back after it lost its connection.
    pub resumable: bool,
    /// Where to put what the cluster has for it.
    pub recipient: Arc<dyn Recipient>,
}

/// How a session goes from this node.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Departure {
    /// It leaves its rooms.
    Leave(LeaveReason),
    /// It lost its connection, and its places are kept for so long.
    Away(Duration),
    /// Another connection has it.
    Superseded,
}

/// Why a session cannot come.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AttachError {
    /// Its user has as many sessions as he may have.
    #[error("this user has as many sessions as allowed")]
    TooManySessions,
    /// The node is not serving, or the directory did not answer.
    #[error("the cluster cannot take a session at the moment")]
    Unavailable,
}

impl From<DirectoryError> for AttachError {
    fn from(_: DirectoryError) -> Self {
        Self::Unavailable
    }
}

impl Node {
    /// Takes a new session to this node.
    pub async fn attach(&self, session: NewSession) -> Result<Arc<LocalSession>, AttachError> {
        let node = &self.0;
        if *node.status.borrow() != Status::Serving {
            return Err(AttachError::Unavailable);
        }
        let local = node.new_local(session, FIRST_EPOCH, FIRST_EPOCH, Inbound::default());
        let entering = node.guarded_in(Task::Attach, node.enter_directory(&local));
        let entered = entering.await.unwrap_or(Err(AttachError::Unavailable));
        if let Err(error) = entered {
            self.detach(local, Departure::Leave(LeaveReason::Disconnected));
            return Err(error);
        }
        node.locals.insert(local.peer, local.clone());
        Ok(local)
    }

    /// The session has ended here. Returns at once; its rooms hear of it as soon as the directory does.
    pub fn detach(&self, local: Arc<LocalSession>, departure: Departure) {
        let node = &self.0;
        let departure = match departure {
            Departure::Away(_) if !local.resumable || node.away.len() >= node.settings.away_max => {
                Departure::Leave(LeaveReason::Disconnected)
            }
            other => other,
        };
        let (fate, remembered) = match departure {
            Departure::Leave(_) => (Fate::Left, REMEMBERED),
            Departure::Away(window) => (Fate::Moved, window.max(REMEMBERED)),
            Departure::Superseded => (Fate::Moved, REMEMBERED),
        };
        local.ended.store(true, Ordering::Release);
        let ending = || node.end(&local, fate, Instant::now() + remembered);
        // It leaves the directory whatever a panic has left of it here.
        let places = node.guarded(Task::Departure, ending).unwrap_or_default();
        node.forget_local(&local);
        match departure {
            Departure::Leave(reason) => {
                let deputy = node.clone();
                node.spawn_last_step(local.clone(), async move {
                    deputy.finish_turn(&local).await;
                    deputy.depart(Departing::of(&local), reason).await;
                });
            }
            Departure::Away(window) => node.hold(&local, places, window),
            Departure::Superseded => {
                node.former.note(places);
                let (deputy, gone) = (node.clone(), local.clone());
                node.spawn_last_step(local.clone(), async move {
                    deputy.finish_turn(&gone).await;
                    deputy.delist_unless_here(&gone.peer).await;
                });
                let deputy = node.clone();
                node.spawn_aside(Task::Departure, async move {
                    deputy.clear_up_after(&local).await;
                });
            }
        }
    }

    /// The session's client has handled everything from `sender` up to `id`.
    pub fn received(&self, local: &LocalSession, sender: &PeerId, id: u64) {
        let answer = local.inbound.lock().received(local.peer, sender, id);
        self.0.answer(answer);
    }

    /// The session's client may have read everything from `sender` up to `id`, though the kernel may lack a part of it.
    pub fn begun(&self, local: &LocalSession, sender: &PeerId, id: u64) {
        local.inbound.lock().begun(sender, id);
    }

    /// The kernel has everything from `sender` up to `id` for the session's socket.
    pub fn written(&self, local: &LocalSession, sender: &PeerId, id: u64) {
        let answer = local
            .inbound
            .lock()
            .written(local.peer, sender, id, !local.receipts);
        self.0.answer(answer);
    }
}

/// A session on its way out of the directory.
pub(crate) struct Departing {
    peer: PeerId,
    epoch: Epoch,
    user: UserId,
    rooms: Vec<RoomId>,
    away: Option<Arc<Away>>,
}

impl Departing {
    fn of(local: &Arc<LocalSession>) -> Self {
        Self {
            peer: local.peer,
            epoch: local.epoch,
            user: local.user.clone(),
            rooms: local.room_ids(),
            away: None,
        }
    }

    /// One that was taken from its client, under this epoch. Its rooms are those of its record.
    pub(crate) fn of_evicted(peer: PeerId, epoch: Epoch, user: &UserId) -> Self {
        Self {
            peer,
            epoch,
            user: user.clone(),
            rooms: Vec::new(),
            away: None,
        }
    }

    pub(crate) fn of_away(away: &Arc<Away>) -> Self {
        Self {
            peer: away.peer,
            epoch: away.epoch,
            user: away.user.clone(),
            rooms: away.rooms(),
            away: Some(away.clone()),
        }
    }
}

impl Inner {
    pub(crate) fn new_local(
        &self,
        session: NewSession,
        epoch: Epoch,
        proven: Epoch,
        inbound: Inbound,
    ) -> Arc<LocalSession> {
        Arc::new(LocalSession {
            peer: session.peer,
            epoch,
            user: session.user,
            receipts: session.receipts,
            hidden: session.hidden,
            resumable: session.resumable,
            proven: AtomicU64::new(proven),
            turn: tokio::sync::Mutex::default(),
            ended: AtomicBool::new(false),
            recipient: session.recipient,
            early: Mutex::new(None),
            taking: Mutex::new(()),
            unanswered: Mutex::new(Unanswered::new(self.in_flight_bytes.clone())),
            inbound: Mutex::new(inbound),
            listed: Mutex::new(Some(self.departing.token())),
            rooms: Mutex::new(Vec::new()),
            undone: Mutex::new(Vec::new()),
            listing: Mutex::new(Allowance::of_session()),
            former: OnceLock::new(),
            inherited: OnceLock::new(),
        })
    }

    /// The session is over here: its senders are answered. Where it was.
    fn end(&self, local: &Arc<LocalSession>, fate: Fate, remembered: Instant) -> Vec<AssertMember> {
        let answers = local.inbound.lock().end((local.peer, local.epoch), fate);
        for (to, receipt) in answers {
            self.send_receipt(&to, receipt);
        }
        self.gone.note(local, fate, remembered);
        self.forget_local(local);
        // Nobody is left to be told, and the node's bound is for those who are there. A client that resumes sends again
        // what was not answered.
        let mut unanswered = local.unanswered.lock();
        drop(unanswered.end_where(|_, _, _| true));
        drop(unanswered.end_sought_where(|_, _, _| true));
        drop(unanswered);
        let places = self.places_to_keep(local);
        for room in local.room_ids() {
            self.dismiss(local, &room);
        }
        places
    }

    fn forget_local(&self, local: &Arc<LocalSession>) {
        self.locals
            .remove_if(&local.peer, |_, known| Arc::ptr_eq(known, local));
    }

    async fn enter_directory(self: &Arc<Self>, local: &LocalSession) -> Result<(), AttachError> {
        let directory = &self.backend.directory;
        directory.enlist(&self.id, &local.peer).await?;
        let attach = Attach {
            peer: local.peer,
            epoch: local.epoch,
            node: self.id.clone(),
            user: local.user.clone(),
            shown: None,
        };
        let attached = directory.attach(&attach).await?;
        if !matches!(attached, AttachOutcome::Attached { .. }) {
            // Peer ids are random: one that is there already was lost track of.
            return Err(AttachError::Unavailable);
        }
        let most = self.settings.sessions_per_user;
        for _ in 0..EVICTIONS_MAX {
            let admitted = directory.admit(&local.user, &local.peer, &self.id, most);
            if admitted.await? {
                return Ok(());
            }
            if !self.evict_one_of(&local.user).await? {
                break;
            }
        }
        Err(AttachError::TooManySessions)
    }

    /// Tells the directory what becomes of a session that has ended here. However that ends, a stop of the node does not wait
    /// for the session any longer.
    pub(crate) fn spawn_last_step(
        self: &Arc<Self>,
        local: Arc<LocalSession>,
        step: impl Future<Output = ()> + Send + 'static,
    ) {
        let node = self.clone();
        self.spawn_errand(Task::Departure, async move {
            node.guarded_in(Task::Departure, step).await;
            local.listed.lock().take();
        });
    }

    pub(crate) fn spawn_departure(self: &Arc<Self>, departing: Departing, reason: LeaveReason) {
        let node = self.clone();
        self.spawn_errand(Task::Departure, async move {
            node.depart(departing, reason).await;
        });
    }

    /// Takes a session out of the directory, as often as it takes. What is not done when the node stops is the reaper's.
    async fn depart(&self, departing: Departing, reason: LeaveReason) {
        if let Some(away) = &departing.away {
            // An assertion under way would write again what has left. None begins: nobody keeps it any more.
            drop(away.turn.lock().await);
        }
        while let Err(error) = self.leave_in_turn(&departing, reason).await {
            if let DirectoryError::Corrupt(_) = error {
                if let Some(said) = self.warnings.cannot_leave.happened() {
                    tracing::error!(session.id = %departing.peer, %error, "a session could not leave the directory{said}");
                }
                return;
            }
            tokio::select! {
                biased;
                () = self.stop.cancelled() => return,
                () = sleep(RETRY) => {}
            }
        }
    }

    /// A turn is given back between tries: sessions that cannot leave yet do not hold up those that can.
    async fn leave_in_turn(
        &self,
        departing: &Departing,
        reason: LeaveReason,
    ) -> Result<(), DirectoryError> {
        let _turn = self.departures.acquire().await;
        self.leave_directory(departing, reason).await
    }

    async fn leave_directory(
        &self,
        departing: &Departing,
        reason: LeaveReason,
    ) -> Result<(), DirectoryError> {
        let (peer, epoch) = (&departing.peer, departing.epoch);
        let directory = &self.backend.directory;
        let record = directory.peer(peer).await?;
        let mut rooms = departing.rooms.clone();
        for room in record.iter().flat_map(|record| &record.rooms) {
            // Others may have found out about more rooms, after the directory forgot.
            if !rooms.contains(room) {
                rooms.push(room.clone());
            }
        }
        let is_elsewhere = |record: &PeerRecord| {
            record.epoch > epoch || (reason == LeaveReason::Expired && record.node != self.id)
        };
        let successor = record.filter(is_elsewhere);
        if successor.is_none() {
            for room in &rooms {
                self.leave_room(room, peer, epoch, reason).await?;
            }
            directory.dismiss(&departing.user, peer).await?;
            directory.forget(peer, epoch).await?;
        }
        // Back on this node, or about to be, over another connection.
        if self.has(peer) || successor.is_some_and(|record| record.node == self.id) {
            return Ok(());
        }
        directory.delist(&self.id, peer).await
    }

    /// What was begun for the session under this epoch is finished first; nothing more begins, and it hears nothing more.
    pub(crate) async fn finish_turn(&self, local: &LocalSession) {
        drop(local.turn.lock().await);
        for room in local.room_ids() {
            self.dismiss(local, &room);
        }
    }

    /// A join that was under way when another connection took the session may have taken effect after that one had looked.
    async fn clear_up_after(&self, superseded: &LocalSession) {
        self.finish_turn(superseded).await;
        let rooms = superseded.room_ids();
        if rooms.is_empty() {
            return;
        }
        tokio::select! {
            biased;
            () = self.stop.cancelled() => return,
            () = sleep(REMEMBERED) => {}
        }
        for room in rooms {
            // Nobody else would find it: its node lives.
            while let Err(DirectoryError::Unavailable(_) | DirectoryError::Forgotten) = self
                .expel_left_behind(&room, &superseded.peer, superseded.epoch)
                .await
            {
                tokio::select! {
                    biased;
                    () = self.stop.cancelled() => return,
                    () = sleep(RETRY) => {}
                }
            }
        }
    }

    /// Takes a member out of a room whose session has a higher epoch elsewhere, and does not want to be in it.
    pub(crate) async fn expel_left_behind(
        &self,
        room: &RoomId,
        peer: &PeerId,
        epoch: Epoch,
    ) -> Result<(), DirectoryError> {
        let record = self.backend.directory.peer(peer).await?;
        let is_left_behind =
            record.is_none_or(|record| record.epoch > epoch && !record.rooms.contains(room));
        if is_left_behind {
            let reason = LeaveReason::Disconnected;
            self.leave_room(room, peer, epoch, reason).await?;
        }
        Ok(())
    }

    /// This node has nothing of the session. If the directory cannot be told now, the next assertion does it. Where the
    /// session's record names this node, the note stays: without it, nobody would find what is left of the session.
    pub(crate) async fn delist_unless_here(&self, peer: &PeerId) {
        if self.has(peer) {
            return;
        }
        let directory = &self.backend.directory;
        let record = directory.peer(peer).await;
        let is_elsewhere =
            record.is_ok_and(|record| record.is_none_or(|record| record.node != self.id));
        if is_elsewhere && !self.has(peer) {
            let _ = directory.delist(&self.id, peer).await;
        }
    }

    /// Whether the session is here, with a connection or without.
    pub(crate) fn has(&self, peer: &PeerId) -> bool {
        self.locals.contains_key(peer) || self.away.contains_key(peer)
    }

    /// The session hears nothing of the room any more.
    pub(crate) fn dismiss(&self, local: &LocalSession, room: &RoomId) {
        if let Some(known) = self.rooms.get(room.as_str()) {
            known.lock().dismiss(local);
            self.rooms.sweep(room);
        }
    }

    fn answer(&self, answer: Option<(NodeId, Receipt)>) {
        if let Some((to, receipt)) = answer {
            self.send_receipt(&to, receipt);
        }
    }
}
