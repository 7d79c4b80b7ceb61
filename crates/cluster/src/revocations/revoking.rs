//! Revokes: writes to the log, and tells the nodes that have the sessions, so that those end at once.

use std::sync::Arc;
use std::time::Duration;

use switchboard_protocol::{PeerId, UserId};

use crate::backend::directory::{CutOff, DirectoryError, NewRevocation};
use crate::backend::revocation::{Credential, Revocation, Revoked};
use crate::node::{Inner, Node};
use crate::revocations::reading::unix_s;
use crate::sessions::local_session::LocalSession;
use crate::sessions::of_user::UserSession;

/// What an application wants to be revoked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RevokeRequest {
    /// A user's tokens that were made before a moment, seconds since 1970; `None`: now.
    User {
        /// Which user.
        user: UserId,
        /// That moment.
        before: Option<u64>,
    },
    /// A token, by its `jti`.
    Token(Arc<str>),
    /// One session.
    Peer(PeerId),
}

/// Why nothing is revoked, or not for certain.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RevokeError {
    /// The directory did not answer. Revoking again does no harm.
    #[error("the cluster cannot write to its log at the moment; revoke again")]
    Unavailable,
    /// The log takes no more until some may be forgotten.
    #[error(
        "the log of revocations is full: shorten auth.revocation_ms, or revoke users rather than single tokens"
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
    /// two seconds, and holds until [`Revocation::until`].
    pub async fn revoke(&self, request: RevokeRequest) -> Result<Revocation, RevokeError> {
        let node = &self.0;
        let revoked = match request {
            RevokeRequest::User { user, before } => {
                let cut_off = CutOff {
                    user,
                    before,
                    kept_s: node.revocations_kept_s(),
                };
                let before = node.backend.directory.cut_off(&cut_off).await?;
                let user = cut_off.user;
                Revoked::User { user, before }
            }
            RevokeRequest::Token(token) => Revoked::Token(token),
            RevokeRequest::Peer(peer) => Revoked::Peer(peer),
        };
        let new = NewRevocation {
            revoked,
            kept_s: node.revocations_kept_s(),
        };
        let entry = node.backend.directory.revoke(&new).await?;
        let entry = entry.ok_or(RevokeError::Full)?;
        node.revocations.note(&entry);
        node.end_revoked();
        // It is in the log: nodes that are not told now read it there.
        if let Ok(sessions) = node.sessions_concerned(&entry.revoked).await {
            node.tell_sessions(sessions, &entry);
        }
        Ok(entry)
    }

    /// Whether a client that shows this may not come: as the user that it is, or as that session.
    pub fn is_revoked(&self, peer: &PeerId, user: &UserId, shown: &Credential) -> bool {
        self.0.revocations.covers(peer, user, shown)
    }

    /// The client of a session has shown another token of the same user. False: it is revoked.
    pub fn refresh(&self, local: &LocalSession, shown: Credential) -> bool {
        self.0.show(local, shown)
    }

    /// How many revocations are in force, as far as this node knows.
    pub fn revocation_count(&self) -> usize {
        self.0.revocations.len()
    }
}

impl Inner {
    /// The directory knows of a cut-off that this node has not read in the log yet.
    pub(crate) fn note_cut_off(&self, user: &UserId, before: u64) {
        let until = unix_s() + self.revocations_kept_s();
        let user = user.clone();
        let revoked = Revoked::User { user, before };
        self.revocations.note(&Revocation { revoked, until });
    }

    fn revocations_kept_s(&self) -> u64 {
        let kept: Duration = self.settings.revocations_kept;
        kept.as_secs().max(1)
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
