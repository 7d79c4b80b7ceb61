//! A session goes from this node, in the order that [`attach`](crate::sessions::attach) tells.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use switchboard_protocol::server_message::LeaveReason;
use switchboard_protocol::{PeerId, RoomId, UserId};
use tokio::time::{Duration, Instant};

use crate::backend::directory::{AssertMember, DirectoryError};
use crate::backend::record::{Epoch, PeerRecord};
use crate::node::{Inner, Node};
use crate::sessions::away::Away;
use crate::sessions::local_session::LocalSession;
use crate::signal::answer::Fate;
use crate::signal::tombstones::REMEMBERED;
use crate::tasks::Task;

/// Between two tries to tell the directory that a session went.
pub(crate) const RETRY: Duration = Duration::from_millis(500);

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

impl Node {
    /// The session has ended here. Returns at once; its rooms hear of it as soon as the directory does.
    pub fn detach(&self, local: Arc<LocalSession>, departure: Departure) {
        let node = &self.0;
        let departure = match departure {
            Departure::Away(_) | Departure::Leave(_) if local.revoked.load(Ordering::Acquire) => {
                Departure::Leave(LeaveReason::Kicked)
            }
            Departure::Away(_)
                if !local.resumable || node.sessions.away_count() >= node.settings.away_max =>
            {
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
        let places = node
            .tasks
            .guarded(Task::Departure, ending)
            .unwrap_or_default();
        node.sessions.remove(&local);
        match departure {
            Departure::Leave(reason) => {
                let deputy = node.clone();
                node.spawn_last_step(local.clone(), async move {
                    deputy.finish_turn(&local).await;
                    deputy.depart(Departing::of(&local), reason).await;
                });
            }
            Departure::Away(window) => node.keep_places(&local, places, window),
            Departure::Superseded => {
                node.sessions.former_places().note(places);
                let (deputy, gone) = (node.clone(), local.clone());
                node.spawn_last_step(local.clone(), async move {
                    deputy.finish_turn(&gone).await;
                    deputy.delist_unless_here(&gone.peer).await;
                });
                let deputy = node.clone();
                node.tasks.aside(Task::Departure, async move {
                    deputy.clear_up_after(&local).await;
                });
            }
        }
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
            rooms: local.directory.room_ids(),
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
    /// The session is over here: its senders are answered. Where it was.
    fn end(&self, local: &Arc<LocalSession>, fate: Fate, remembered: Instant) -> Vec<AssertMember> {
        let answers = local
            .streams
            .inbound
            .lock()
            .end((local.peer, local.epoch), fate);
        for (to, receipt) in answers {
            self.send_receipt(&to, receipt);
        }
        self.signals.tombstones.note(local, fate, remembered);
        self.sessions.remove(local);
        // There is no client to be told any more, and the node's bound is for sessions that are there. A client that resumes sends again
        // what was not answered.
        local.streams.unanswered.lock().end_all();
        let places = self.places_to_keep(local);
        for room in local.directory.room_ids() {
            self.rooms.remove_local(local, &room);
        }
        places
    }

    /// Tells the directory what becomes of a session that has ended here. However that ends, a stop of the node does not wait
    /// for the session any longer.
    pub(crate) fn spawn_last_step(
        self: &Arc<Self>,
        local: Arc<LocalSession>,
        step: impl Future<Output = ()> + Send + 'static,
    ) {
        let node = self.clone();
        self.tasks.errand(Task::Departure, async move {
            node.tasks.guarded_in(Task::Departure, step).await;
            local.directory.note_told();
        });
    }

    pub(crate) fn spawn_departure(self: &Arc<Self>, departing: Departing, reason: LeaveReason) {
        let node = self.clone();
        self.tasks.errand(Task::Departure, async move {
            node.depart(departing, reason).await;
        });
    }

    /// Takes a session out of the directory, as often as it takes. What is not done when the node stops is the reaper's.
    async fn depart(&self, departing: Departing, reason: LeaveReason) {
        if let Some(away) = &departing.away {
            // An assertion under way would write again what has left. None begins: it is not kept any more.
            drop(away.turn.lock().await);
        }
        while let Err(error) = self.leave_in_turn(&departing, reason).await {
            if let DirectoryError::Corrupt(_) = error {
                if let Some(said) = self.sessions.cannot_leave.happened() {
                    tracing::error!(session.id = %departing.peer, %error, "a session could not leave the directory{said}");
                }
                return;
            }
            if !self.tasks.pause(RETRY).await {
                return;
            }
        }
    }

    /// A turn is given back between tries: sessions that cannot leave yet do not hold up those that can.
    async fn leave_in_turn(
        &self,
        departing: &Departing,
        reason: LeaveReason,
    ) -> Result<(), DirectoryError> {
        let _turn = self.sessions.departure_turn().await;
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
        if self.sessions.has(peer) || successor.is_some_and(|record| record.node == self.id) {
            return Ok(());
        }
        directory.delist(&self.id, peer).await
    }

    /// What was begun for the session under this epoch is finished first; nothing more begins, and it hears nothing more.
    pub(crate) async fn finish_turn(&self, local: &LocalSession) {
        drop(local.directory.turn.lock().await);
        for room in local.directory.room_ids() {
            self.rooms.remove_local(local, &room);
        }
    }

    /// A join that was under way when another connection took the session may have taken effect after that one had looked.
    async fn clear_up_after(&self, superseded: &LocalSession) {
        self.finish_turn(superseded).await;
        let rooms = superseded.directory.room_ids();
        if rooms.is_empty() {
            return;
        }
        if !self.tasks.pause(REMEMBERED).await {
            return;
        }
        for room in rooms {
            // No other node would find it: its node lives.
            while let Err(DirectoryError::Unavailable(_) | DirectoryError::Forgotten) = self
                .expel_left_behind(&room, &superseded.peer, superseded.epoch)
                .await
            {
                if !self.tasks.pause(RETRY).await {
                    return;
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
    /// session's record names this node, the note stays: without it, no node would find what is left of the session.
    pub(crate) async fn delist_unless_here(&self, peer: &PeerId) {
        if self.sessions.has(peer) {
            return;
        }
        let directory = &self.backend.directory;
        let record = directory.peer(peer).await;
        let is_elsewhere =
            record.is_ok_and(|record| record.is_none_or(|record| record.node != self.id));
        if is_elsewhere && !self.sessions.has(peer) {
            let _ = directory.delist(&self.id, peer).await;
        }
    }
}
