//! What the cluster remembers of tokens.

use async_trait::async_trait;
use switchboard_auth::Identity;
use switchboard_cluster::{Credential, Node};
use switchboard_protocol::PeerId;

/// What is known of tokens beside what they say themselves.
#[async_trait]
pub(crate) trait TokenMemory: Send + Sync {
    /// Whether a client with a good token may not come all the same, as that session or as its user.
    fn is_revoked(&self, peer: &PeerId, identity: &Identity) -> bool;

    /// Whether a node has found that token good for that session before. Asks the directory.
    async fn knows(&self, peer: &PeerId, token: &str) -> bool;
}

#[async_trait]
impl TokenMemory for Node {
    fn is_revoked(&self, peer: &PeerId, identity: &Identity) -> bool {
        Node::is_revoked(self, peer, &identity.user, &credential(identity))
    }

    async fn knows(&self, peer: &PeerId, token: &str) -> bool {
        self.knows_token(peer, token).await
    }
}

/// What a revocation can name of a client.
pub(crate) fn credential(identity: &Identity) -> Credential {
    Credential {
        token: identity.token.clone(),
        issued_at: identity.issued_at,
    }
}
