//! The log of revocations, which every node reads and keeps.

use std::sync::Arc;

use async_trait::async_trait;
use switchboard_protocol::{PeerId, UserId};

use super::error::DirectoryError;
use crate::backend::revocation::{LogPage, LogPosition, Revocation, Revoked};

/// Entries of the log at most. A log that has as many takes no more until some may be forgotten: none is lost in silence.
pub const REVOCATIONS_MAX: usize = 100_000;
/// Those of single tokens stop here, which leaves room to revoke users and sessions.
const TOKENS_MAX: usize = REVOCATIONS_MAX / 10 * 9;
/// For so long a revocation may hold, seconds: a year and a day. An entry that says more cannot be read.
pub(crate) const KEPT_MAX_S: u64 = 366 * 86_400;

/// Keeps what is revoked.
#[async_trait]
pub trait RevocationDirectory: Send + Sync + 'static {
    /// Writes a revocation to the log, and returns it with the moments that the directory's clock gives it. `None`: the log is
    /// full.
    async fn revoke(&self, new: &NewRevocation) -> Result<Option<Revocation>, DirectoryError>;

    /// Refuses sessions of a user whose token was made before a moment, at [`admit`](super::PeerDirectory::admit). Of two
    /// moments the later one counts.
    async fn cut_off(&self, cut_off: &CutOff) -> Result<(), DirectoryError>;

    /// Writes entries again that the log has lost.
    async fn restore_log(&self, lost: &LostEntries) -> Result<Restored, DirectoryError>;

    /// What follows a position, or all from the start where that is not in the log any more.
    async fn log_after(&self, position: &LogPosition) -> Result<LogPage, DirectoryError>;
}

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

impl RevokeRequest {
    /// Entries that the log may have for one more of this kind.
    pub(crate) fn entries_max(&self) -> usize {
        match self {
            Self::Token(_) => TOKENS_MAX,
            Self::User { .. } | Self::Peer(_) => REVOCATIONS_MAX,
        }
    }

    /// What it revokes, where now is that moment.
    pub(crate) fn at(&self, now: u64) -> Revoked {
        match self {
            Self::User { user, before } => Revoked::User {
                user: user.clone(),
                before: before.unwrap_or(now),
            },
            Self::Token(token) => Revoked::Token(token.clone()),
            Self::Peer(peer) => Revoked::Peer(*peer),
        }
    }
}

/// What is to be revoked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewRevocation {
    /// It.
    pub request: RevokeRequest,
    /// After so many seconds it may be forgotten.
    pub kept_s: u64,
}

/// A moment before which a user's tokens are worth nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CutOff {
    /// Which user.
    pub user: UserId,
    /// Seconds since 1970.
    pub before: u64,
    /// After so many seconds it may be forgotten.
    pub kept_s: u64,
}

/// What the log has lost, as one node knows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LostEntries {
    /// How far the node has read what there is.
    pub read: LogPosition,
    /// What is missing there; [`RESTORED_AT_ONCE`] at most.
    pub entries: Vec<Revocation>,
}

/// Entries that are written again with one call.
pub const RESTORED_AT_ONCE: usize = 500;

/// What became of entries that were to be written again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Restored {
    /// They are in the log, the last of them here.
    Done(LogPosition),
    /// The log has other entries than the node has read by now, perhaps these.
    Behind,
    /// The log has no room for them.
    Full,
}
