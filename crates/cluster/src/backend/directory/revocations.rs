//! The log of revocations, which every node reads and keeps.

use async_trait::async_trait;
use switchboard_protocol::UserId;

use super::error::DirectoryError;
use crate::backend::revocation::{LogPage, LogPosition, Revocation, Revoked};

/// Entries of the log at most. A log that has as many takes no more until some may be forgotten: none is lost in silence.
pub const REVOCATIONS_MAX: usize = 100_000;

/// Keeps what is revoked.
#[async_trait]
pub trait RevocationDirectory: Send + Sync + 'static {
    /// Refuses sessions of a user whose token was made before a moment, at [`admit`](super::PeerDirectory::admit). The later
    /// one of two moments counts, and is returned.
    async fn cut_off(&self, cut_off: &CutOff) -> Result<u64, DirectoryError>;

    /// Writes a revocation to the log, and returns it with its end. `None`: the log is full.
    async fn revoke(&self, new: &NewRevocation) -> Result<Option<Revocation>, DirectoryError>;

    /// Writes entries again that the log has lost. False: it has other entries than the node has read by now, perhaps these.
    async fn restore_log(&self, lost: &LostEntries) -> Result<bool, DirectoryError>;

    /// What follows a position, or all from the start where that is not in the log any more.
    async fn log_after(&self, position: &LogPosition) -> Result<LogPage, DirectoryError>;
}

/// A moment before which a user's tokens are worth nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CutOff {
    /// Which user.
    pub user: UserId,
    /// Seconds since 1970; `None`: now, by the directory's clock.
    pub before: Option<u64>,
    /// After so many seconds it may be forgotten.
    pub kept_s: u64,
}

/// What is to be revoked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewRevocation {
    /// It.
    pub revoked: Revoked,
    /// After so many seconds it may be forgotten.
    pub kept_s: u64,
}

/// What the log has lost, as one node knows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LostEntries {
    /// How far the node has read what there is.
    pub read: LogPosition,
    /// What is missing there.
    pub entries: Vec<Revocation>,
}
