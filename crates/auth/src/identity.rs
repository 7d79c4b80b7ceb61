//! What is known of a client once it may come in.

use std::sync::Arc;
use std::time::SystemTime;

use switchboard_protocol::{PeerId, UserId};
use switchboard_session::grants::Grants;

/// A client that may come in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    /// The user, who may have several sessions.
    pub user: UserId,
    /// What the token calls them.
    pub name: Option<Arc<str>>,
    /// Their picture, usually a URL.
    pub avatar: Option<Arc<str>>,
    /// What they may do.
    pub grants: Grants,
    /// When the token ends, with what clocks may differ. `None`: never.
    pub expires_at: Option<SystemTime>,
    /// The token's own id, `jti`.
    pub token: Option<Arc<str>>,
    /// When the token was made, `iat`, as seconds since 1970.
    pub issued_at: Option<u64>,
}

impl Identity {
    /// Anybody, in open mode: who the client says that it is, if it does.
    pub fn open(user: Option<&str>, peer: &PeerId) -> Self {
        let user = user.and_then(|user| user.parse().ok());
        Self {
            user: user.unwrap_or_else(|| UserId::anonymous(peer)),
            name: None,
            avatar: None,
            grants: Grants::default(),
            expires_at: None,
            token: None,
            issued_at: None,
        }
    }
}
