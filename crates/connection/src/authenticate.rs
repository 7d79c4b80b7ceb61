//! Who a client is.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use async_trait::async_trait;
use switchboard_cluster::Credential;
use switchboard_dialects::Introduction;
use switchboard_protocol::{PeerId, UserId};
use switchboard_session::Rule;
use switchboard_session::grants::Grants;

/// Decides who may come in over one connection.
#[async_trait]
pub trait Authenticate: Send + Sync {
    /// Who the client is that introduces itself so. `peer` is the session that it has, or wants to have, and names a
    /// client that is nobody in particular. Cancel safe.
    async fn authenticate(
        &self,
        introduction: &Introduction<'_>,
        peer: &PeerId,
    ) -> Result<Identity, Refusal>;
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
    /// When the proof is none any more. `None`: never.
    pub expires_at: Option<SystemTime>,
    /// Whether all this was proven, and not only said.
    pub is_verified: bool,
    /// What the proof calls itself, for when it is revoked, and for nodes that cannot check it.
    pub credential: Credential,
}

/// Why a client does not come in. The words are for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Refusal {
    /// It may not.
    Unauthorized(Arc<str>),
    /// A limit on tokens is reached: this one is not looked at.
    Limited {
        /// Which limit, and what to do.
        words: Arc<str>,
        /// The limit.
        rule: Rule,
        /// When it is looked at again.
        retry_after: Duration,
    },
    /// Nobody can say at the moment.
    Unavailable {
        /// What is in the way.
        words: Arc<str>,
        /// When it may be different.
        retry_after: Duration,
    },
}
