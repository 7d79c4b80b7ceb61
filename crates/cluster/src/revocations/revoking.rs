//! Revokes: writes to the log, and tells the nodes that have the sessions, so that those end at once.

use std::sync::Arc;

use switchboard_protocol::{PeerId, UserId};
use tokio::sync::oneshot;

use crate::backend::directory::{
    CutOff, DirectoryError, NewRevocation, REVOCATIONS_MAX, RevokeRequest,
};
use crate::backend::revocation::{Credential, Revocation, Revoked};
use crate::node::{Inner, Node};
use crate::sessions::local_session::LocalSession;
use crate::sessions::of_user::UserSession;
use crate::tasks::Task;

/// Why nothing is revoked, or not for certain.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RevokeError {
    /// The directory did not answer. Revoking again does no harm.
    #[error("the cluster cannot write to its log at the moment; revoke again")]
    Unavailable,
    /// The log takes no more until some may be forgotten.
    #[error(
        "the log of revocations is full ({REVOCATIONS_MAX} entries, nine in ten of them of single tokens): revoke the user \
         rather than the token, or wait until earlier ones end"
    )]
    Full,
}

impl From<DirectoryError> for RevokeError {
    fn from(_: DirectoryError) -> Self {
        Self::Unavailable
    }
}

impl Node {
    /// Revokes, on every node: what is said takes effect here and where the user's sessions are at once, elsewhere within
    /// two seconds, and holds until [`Revocation::until`]. Cancel safe: what has begun is finished.
    pub async fn revoke(&self, request: RevokeRequest) -> Result<Revocation, RevokeError> {
        let (tell, told) = oneshot::channel();
        let node = self.0.clone();
        self.0.tasks.errand(Task::Revocations, async move {
            let _ = tell.send(node.revoke(request).await);
        });
        told.await.unwrap_or(Err(RevokeError::Unavailable))
    }

    /// Whether a client that shows this may not come: as the user that it is, or as that session.
    pub fn is_revoked(&self, peer: &PeerId, user: &UserId, shown: &Credential) -> bool {
        self.0.revocations.covers(peer, user, Some(shown))
    }

    /// Whether what a client has shown is revoked: its token, or all tokens of its user of that time.
    pub fn is_credential_revoked(&self, user: &UserId, shown: &Credential) -> bool {
        self.0.revocations.covers_shown(user, shown)
    }

    /// The client of a session has shown another token of the same user. False: it is revoked, and the session goes on with
    /// the one before.
    pub async fn refresh(&self, local: &LocalSession, shown: Credential) -> bool {
        if !self.0.take_credential(local, shown.clone()) {
            return false;
        }
        let noted = self
            .0
            .backend
            .directory
            .note_credential(&local.peer, local.epoch, &shown);
        // Where the directory cannot be told now, the next assertion tells it.
        let _ = noted.await;
        true
    }

    /// How many revocations are in force, as far as this node knows.
    pub fn revocation_count(&self) -> usize {
        self.0.revocations.len()
    }
}

impl Inner {
    async fn revoke(self: &Arc<Self>, request: RevokeRequest) -> Result<Revocation, RevokeError> {
        let kept_s = self.settings.revocations_kept.as_secs();
        let directory = &self.backend.directory;
        if let Some(entry) = self.revocations.known_for_long(&request, kept_s) {
            return Ok(entry);
        }
        let new = NewRevocation { request, kept_s };
        let entry = directory.revoke(&new).await?.ok_or(RevokeError::Full)?;
        self.revocations.note(&entry);
        self.revocations.news.notify_one();
        if let Revoked::User { user, before } = &entry.revoked {
            let (user, before) = (user.clone(), *before);
            let cut_off = CutOff {
                user,
                before,
                kept_s,
            };
            directory.cut_off(&cut_off).await?;
        }
        // It is in the log: nodes that are not told now read it there.
        if let Ok(sessions) = self.sessions_concerned(&entry.revoked).await {
            self.tell_sessions(sessions, &entry);
        }
        Ok(entry)
    }

    /// The sessions that an entry may end, as far as there is a way to find them.
    async fn sessions_concerned(
        &self,
        revoked: &Revoked,
    ) -> Result<Vec<UserSession>, DirectoryError> {
        match revoked {
            Revoked::User { user, .. } => self.sessions_of(user).await,
            Revoked::Peer(peer) => {
                let record = self.backend.directory.peer(peer).await?;
                Ok(record.map(UserSession::from).into_iter().collect())
            }
            // Nothing leads from a token to its sessions: every node reads the log.
            Revoked::Token(_) => Ok(Vec::new()),
        }
    }
}
