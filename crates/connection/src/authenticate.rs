//! Who a client is.

use std::sync::Arc;

use switchboard_dialects::Introduction;
use switchboard_protocol::{PeerId, UserId};
use switchboard_session::grants::Grants;

/// Decides who may come in.
pub trait Authenticate: Send + Sync {
    /// Who the client is that introduces itself so. `peer` is the session that it has, or wants to have, and names a
    /// client that is nobody in particular.
    fn authenticate(
        &self,
        introduction: &Introduction<'_>,
        peer: &PeerId,
    ) -> Result<Identity, Unauthorized>;
}

/// What is known of a client once it may come in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    /// The user, who may have several sessions.
    pub user: UserId,
    /// The name that the proof of this gives to the user.
    pub name: Option<Arc<str>>,
    /// The user's picture, usually a URL.
    pub avatar: Option<Arc<str>>,
    /// What the session may do.
    pub grants: Grants,
    /// Whether all this was proven, and not only said.
    pub is_verified: bool,
}

/// A client may not come in. The words are for it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Unauthorized(pub Arc<str>);
