//! A session goes on over another connection: any node may take it, with any secret from the proven epoch on.
//!
//! ```text
//! secret? ─► attach with the next epoch ─► the former owner is told ─► take over each room ─► welcome
//!              (refuses outdated ones)       (it lets go: 4409)         (its members are told)
//! ```

use std::sync::Arc;

use switchboard_protocol::server_message::RoomSnapshot;
use switchboard_protocol::{PeerId, UserId};
use switchboard_traces::TracedOperation;

use crate::backend::directory::DirectoryError;
use crate::backend::record::Epoch;
use crate::backend::revocation::TokenMark;
use crate::node::{Inner, Node};
use crate::observe::{Observation, ResumeOutcome};
use crate::sessions::detach::Departure;
use crate::sessions::local_session::{LocalSession, NewSession};
use crate::sessions::secret;
use crate::signal::seen::Seen;
use crate::tasks::Task;

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
    /// It is revoked.
    #[error("this session, its token or its user is revoked")]
    Revoked,
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

impl Node {
    /// What a client shows to resume this session.
    pub fn secret(&self, local: &LocalSession) -> String {
        let key = self.0.lease.key.keyring().agreed();
        secret::issue(&key, &local.peer, &local.user, local.epoch)
    }

    /// Whether that is a secret of this session and this user, under the keys that this node knows. Asks nobody: where it is
    /// not, the cluster may have another key by now, and [`resume`](Self::resume) looks.
    pub fn is_secret(&self, peer: &PeerId, user: &UserId, shown: &str) -> bool {
        secret::check(self.0.lease.key.keyring(), shown, peer, user).is_some()
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
        let peer = session.peer;
        let resuming = self.try_to_resume(session, shown, seen.into());
        let resumed = self
            .0
            .traced(TracedOperation::Resume, (&peer, None), resuming)
            .await;
        let outcome = match &resumed {
            Ok(_) => ResumeOutcome::Resumed,
            Err(ResumeError::Refused | ResumeError::OtherUser | ResumeError::Revoked) => {
                ResumeOutcome::Refused
            }
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
        node.repairs.doubt.until_looked().await;
        if !node.lease.is_serving() || node.repairs.doubt.may_show_the_past() {
            return Err(ResumeError::Unavailable);
        }
        if self.is_revoked(&session.peer, &session.user, &session.credential) {
            return Err(ResumeError::Revoked);
        }
        let Some(shown) = node.epoch_of(&session, shown).await? else {
            return Err(node.why_refused(&session, shown).await);
        };
        let (local, rooms) = node.take_up(session, shown, seen).await?;
        let entering = node
            .tasks
            .guarded_in(Task::Attach, node.go_on(&local, &rooms));
        let entered = entering.await.unwrap_or(Err(ResumeError::Unavailable));
        // What was revoked while it came did not find it.
        let entered = match node.end_if_revoked(&local) {
            true => Err(ResumeError::Revoked),
            false => entered,
        };
        match entered {
            Ok(rooms) => Ok(Resumed { local, rooms }),
            Err(error) => {
                let departure = match error {
                    ResumeError::Superseded => Departure::Superseded,
                    _ => Departure::Away(node.settings.resume_window),
                };
                self.detach(local.clone(), departure);
                node.stop_holding_all_back(&local);
                Err(error)
            }
        }
    }

    /// Proves to other nodes that this one has found a token good for a session. `None`: the cluster has no key yet.
    pub fn token_mark(&self, peer: &PeerId, token: &str) -> Option<TokenMark> {
        let key = self.0.lease.key.keyring().get()?;
        Some(secret::mark(&key, peer, token))
    }

    /// Whether a node of this cluster has found that token good for that session. The directory is asked.
    pub async fn knows_token(&self, peer: &PeerId, token: &str) -> bool {
        let record = self.0.backend.directory.peer(peer).await;
        let record = record.ok().flatten();
        let mark = record.and_then(|record| record.credential?.mark);
        let keyring = self.0.lease.key.keyring();
        mark.is_some_and(|mark| secret::is_mark(keyring, &mark, peer, token))
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
}
