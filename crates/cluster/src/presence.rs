//! A session comes to this node and goes: the steps in the directory, in an order that leaves something to complete after
//! a crash between any two of them.
//!
//! Coming: node's set → peer → user's hash, then rooms one by one. Going: rooms → user's hash → peer → node's set; the
//! node's set is the reaper's list, and the peer's record names the rooms, so each goes only after what it leads to.

use std::sync::Arc;

use parking_lot::Mutex;
use switchboard_protocol::server_message::LeaveReason;
use switchboard_protocol::{PeerId, RoomId, UserId};
use tokio::time::{Duration, sleep};

use crate::delivery::Inbound;
use crate::directory::{AttachOutcome, DirectoryError};
use crate::envelope::Receipt;
use crate::local::{Local, Recipient};
use crate::node::{Inner, Node, Status};
use crate::record::Epoch;
use crate::unanswered::Unanswered;

/// Between two tries to leave the directory.
const RETRY: Duration = Duration::from_millis(500);

/// A session that wants to come to this node.
pub struct NewSession {
    /// Its public id.
    pub peer: PeerId,
    /// Its epoch here.
    pub epoch: Epoch,
    /// The identity behind it.
    pub user: UserId,
    /// Whether its client says `received`.
    pub receipts: bool,
    /// Whether it is an observer.
    pub hidden: bool,
    /// Where to put what the cluster has for it.
    pub recipient: Arc<dyn Recipient>,
}

/// Why a session cannot come.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AttachError {
    /// Its user has as many sessions as he may have.
    #[error("this user has as many sessions as allowed")]
    TooManySessions,
    /// A newer connection holds the session.
    #[error("a newer connection holds this session")]
    Stale,
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
    /// Takes a session to this node.
    pub async fn attach(&self, session: NewSession) -> Result<Arc<Local>, AttachError> {
        let node = &self.0;
        let mut status = node.status.subscribe();
        if *status.borrow_and_update() != Status::Serving {
            return Err(AttachError::Unavailable);
        }
        let local = Arc::new(Local {
            peer: session.peer,
            epoch: session.epoch,
            user: session.user,
            receipts: session.receipts,
            hidden: session.hidden,
            recipient: session.recipient,
            unanswered: Mutex::new(Unanswered::new(node.in_flight_bytes.clone())),
            inbound: Mutex::new(Inbound::default()),
            listed: Mutex::new(Some(node.departing.token())),
            rooms: Mutex::new(Vec::new()),
        });
        let entered = node.enter_directory(&local).await;
        if let Err(error) = entered {
            self.detach(local, LeaveReason::Disconnected);
            return Err(error);
        }
        node.locals.insert(local.peer, local.clone());
        // A lease lost in between let go of all sessions but this one.
        if status.has_changed().unwrap_or(true) {
            self.detach(local, LeaveReason::Disconnected);
            return Err(AttachError::Unavailable);
        }
        Ok(local)
    }

    /// The session has ended. Returns at once; its rooms hear of it as soon as the directory does.
    pub fn detach(&self, local: Arc<Local>, reason: LeaveReason) {
        let node = self.0.clone();
        node.locals
            .remove_if(&local.peer, |_, known| Arc::ptr_eq(known, &local));
        let answers = local.inbound.lock().end(local.peer);
        for (to, receipt) in answers {
            node.send_receipt(&to, receipt);
        }
        // Its client is gone: nobody is left to be told, and the node's bound is for those who are there.
        drop(local.unanswered.lock().end_where(|_, _, _| true));
        for room in local.room_ids() {
            node.dismiss(&local, &room);
        }
        self.0
            .departing
            .spawn(async move { node.depart(&local, reason).await });
    }

    /// The session's client has handled everything from `sender` up to `id`.
    pub fn received(&self, local: &Local, sender: &PeerId, id: u64) {
        let answer = local.inbound.lock().received(local.peer, sender, id);
        self.0.answer(answer);
    }

    /// The session's client may have read everything from `sender` up to `id`, though the kernel may lack a part of it.
    pub fn begun(&self, local: &Local, sender: &PeerId, id: u64) {
        local.inbound.lock().begun(sender, id);
    }

    /// The kernel has everything from `sender` up to `id` for the session's socket.
    pub fn written(&self, local: &Local, sender: &PeerId, id: u64) {
        let answer = local
            .inbound
            .lock()
            .written(local.peer, sender, id, !local.receipts);
        self.0.answer(answer);
    }
}

impl Inner {
    async fn enter_directory(&self, local: &Local) -> Result<(), AttachError> {
        let directory = &self.backend.directory;
        self.checked(directory.enlist(&self.id, &local.peer).await)?;
        let attached = directory
            .attach(&local.peer, local.epoch, &self.id, &local.user)
            .await;
        if let AttachOutcome::Stale { .. } = self.checked(attached)? {
            return Err(AttachError::Stale);
        }
        let admitted = directory
            .admit(
                &local.user,
                &local.peer,
                &self.id,
                self.settings.sessions_per_user,
            )
            .await;
        if self.checked(admitted)? {
            Ok(())
        } else {
            Err(AttachError::TooManySessions)
        }
    }

    /// Takes a session out of the directory, as often as it takes. What is not done when the node stops is the reaper's.
    async fn depart(&self, local: &Arc<Local>, reason: LeaveReason) {
        while let Err(error) = self.leave_in_turn(local, reason).await {
            if let DirectoryError::Corrupt(_) = error {
                tracing::error!(session.id = %local.peer, %error, "a session could not leave the directory");
                return;
            }
            tokio::select! {
                () = sleep(RETRY) => {}
                () = self.stop.cancelled() => return,
            }
        }
        local.listed.lock().take();
    }

    /// A turn is given back between tries: sessions that cannot leave yet do not hold up those that can.
    async fn leave_in_turn(
        &self,
        local: &Arc<Local>,
        reason: LeaveReason,
    ) -> Result<(), DirectoryError> {
        let _turn = self.departures.acquire().await;
        self.leave_directory(local, reason).await
    }

    async fn leave_directory(
        &self,
        local: &Arc<Local>,
        reason: LeaveReason,
    ) -> Result<(), DirectoryError> {
        for room in local.room_ids() {
            self.leave(local, &room, reason).await?;
        }
        let directory = &self.backend.directory;
        self.checked(directory.dismiss(&local.user, &local.peer).await)?;
        self.checked(directory.forget(&local.peer, local.epoch).await)?;
        self.checked(directory.delist(&self.id, &local.peer).await)
    }

    /// The session hears nothing of the room any more.
    pub(crate) fn dismiss(&self, local: &Local, room: &RoomId) {
        if let Some(known) = self.rooms.get(room.as_str()) {
            known.lock().dismiss(local);
            self.rooms.sweep(room);
        }
    }

    fn answer(&self, answer: Option<(switchboard_protocol::NodeId, Receipt)>) {
        if let Some((to, receipt)) = answer {
            self.send_receipt(&to, receipt);
        }
    }
}
