//! A session comes to this node: the steps in the directory, in an order that leaves something to complete after a crash
//! between any two of them.
//!
//! Coming: node's set → peer → user's hash, then the rooms. Going ([`detach`](crate::sessions::detach)): rooms → user's hash →
//! peer → node's set. The node's set is the reaper's list, and the peer's record names the rooms, so each goes only after
//! what it leads to.

use std::sync::Arc;

use switchboard_protocol::server_message::LeaveReason;
use switchboard_traces::TracedOperation;

use crate::backend::directory::{Admission, Admitted, Attach, AttachOutcome, DirectoryError};
use crate::backend::record::Epoch;
use crate::node::{Inner, Node};
use crate::sessions::detach::Departure;
use crate::sessions::directory_state::DirectoryState;
use crate::sessions::local_session::{LocalSession, NewSession};
use crate::signal::inbound::Inbound;
use crate::tasks::Task;

/// Others of the same user's that come at the same time can take a place that was made so often.
const EVICTIONS_MAX: usize = 8;
/// The first epoch of a session.
const FIRST_EPOCH: Epoch = 1;

/// Why a session cannot come.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AttachError {
    /// Its user has as many sessions as allowed.
    #[error("this user has as many sessions as allowed")]
    TooManySessions,
    /// It is revoked.
    #[error("this session, its token or its user is revoked")]
    Revoked,
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
        if !node.lease.is_serving() {
            return Err(AttachError::Unavailable);
        }
        if self.is_revoked(&session.peer, &session.user, &session.credential) {
            return Err(AttachError::Revoked);
        }
        let local = node.new_local(session, (FIRST_EPOCH, FIRST_EPOCH), Inbound::default());
        let entering = node
            .tasks
            .guarded_in(Task::Attach, node.enter_directory(&local));
        let entering = async { entering.await.unwrap_or(Err(AttachError::Unavailable)) };
        let about = (&local.peer, None);
        let entered = node.traced(TracedOperation::Attach, about, entering).await;
        if let Err(error) = entered {
            self.detach(local, Departure::Leave(LeaveReason::Disconnected));
            return Err(error);
        }
        node.sessions.add(local.clone());
        // What was revoked while it came did not find it.
        if node.end_if_revoked(&local) {
            self.detach(local, Departure::Leave(LeaveReason::Kicked));
            return Err(AttachError::Revoked);
        }
        Ok(local)
    }
}

impl Inner {
    pub(crate) fn new_local(
        &self,
        session: NewSession,
        epochs: (Epoch, Epoch),
        inbound: Inbound,
    ) -> Arc<LocalSession> {
        let streams = self.signals.streams((session.peer, epochs.0), inbound);
        let directory = DirectoryState::new(epochs.1, Some(self.tasks.errand_token()));
        Arc::new(LocalSession::new(session, epochs.0, streams, directory))
    }

    async fn enter_directory(self: &Arc<Self>, local: &LocalSession) -> Result<(), AttachError> {
        let directory = &self.backend.directory;
        directory.enlist(&self.id, &local.peer).await?;
        let attach = Attach {
            peer: local.peer,
            epoch: local.epoch,
            node: self.id.clone(),
            user: local.user.clone(),
            credential: Some(local.credential.lock().clone()),
            shown: None,
        };
        let attached = directory.attach(&attach).await?;
        if !matches!(attached, AttachOutcome::Attached { .. }) {
            // Peer ids are random: one that is there already was lost track of.
            return Err(AttachError::Unavailable);
        }
        let admission = Admission {
            user: local.user.clone(),
            peer: local.peer,
            node: self.id.clone(),
            sessions_max: self.settings.sessions_per_user,
            issued_at: local.credential.lock().issued_at,
        };
        for _ in 0..EVICTIONS_MAX {
            match directory.admit(&admission).await? {
                Admitted::Yes => return Ok(()),
                Admitted::TooMany => {}
                Admitted::CutOff(_) => return Err(AttachError::Revoked),
            }
            if !self.evict_one_of(&local.user).await? {
                break;
            }
        }
        Err(AttachError::TooManySessions)
    }
}
