//! What is revoked, and the log that says so to every node.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use switchboard_protocol::{PeerId, UserId};

/// What a client showed when it came: what a revocation can name, and what proves to another node that it was good.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Credential {
    /// The token's own id, `jti` (RFC 7519 section 4.1.7).
    pub token: Option<Arc<str>>,
    /// When the token was made, `iat`, as whole seconds since 1970.
    pub issued_at: Option<u64>,
    /// Where another node may not be able to check the token: that this one has.
    pub mark: Option<TokenMark>,
}

/// A token, told apart from all others, and a proof that a node has found it good for a session; see
/// [`secret`](crate::sessions::secret).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TokenMark(pub Arc<str>);

/// Whose sessions and tokens are worth nothing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Revoked {
    /// A user's, where the token was made before a moment or does not say when.
    User {
        /// Which user.
        user: UserId,
        /// That moment, seconds since 1970. A token of the same second stays good: its user may have signed in again.
        before: u64,
    },
    /// Those of one token, by its `jti`.
    Token(Arc<str>),
    /// One session.
    Peer(PeerId),
}

impl Revoked {
    /// Which kind, in one word.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::User { .. } => "user",
            Self::Token(_) => "token",
            Self::Peer(_) => "peer",
        }
    }
}

/// An entry of the log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Revocation {
    /// What is revoked.
    pub revoked: Revoked,
    /// When that may be forgotten, seconds since 1970 by the directory's clock.
    pub until: u64,
}

/// How far a node has read the log: the entry that it read last. Empty: nothing yet.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LogPosition(pub String);

/// A part of the log.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LogPage {
    /// In the order in which they were written. Those that cannot be read are left out.
    pub entries: Vec<Revocation>,
    /// Behind the last of them.
    pub position: LogPosition,
    /// The log does not have the entry that was read last, because some were lost: this page begins at its start.
    pub from_start: bool,
    /// There is more.
    pub more: bool,
    /// The directory's clock, seconds since 1970.
    pub now: u64,
}
