//! What the cluster remembers of tokens.

use async_trait::async_trait;
use switchboard_auth::Identity;
use switchboard_cluster::{Credential, Node, TokenMark};
use switchboard_protocol::PeerId;

/// What is known of tokens beside what they say themselves.
#[async_trait]
pub(crate) trait TokenMemory: Send + Sync {
    /// Whether a client with a good token may not come all the same, as that session or as its user.
    fn is_revoked(&self, peer: &PeerId, identity: &Identity) -> bool;

    /// Whether its token or its user is revoked, so that it may come as no session at all.
    fn is_token_revoked(&self, identity: &Identity) -> bool;

    /// Whether that is the secret of this session of this user, as far as this node can say by itself.
    fn is_secret(&self, peer: &PeerId, identity: &Identity, secret: &str) -> bool;

    /// Proves to other nodes that this one has found that token good for that session.
    fn mark(&self, peer: &PeerId, token: &str) -> Option<TokenMark>;

    /// Whether a node has found that token good for that session before. Asks the directory.
    async fn knows(&self, peer: &PeerId, token: &str) -> bool;
}

#[async_trait]
impl TokenMemory for Node {
    fn is_revoked(&self, peer: &PeerId, identity: &Identity) -> bool {
        Node::is_revoked(self, peer, &identity.user, &credential(identity))
    }

    fn is_token_revoked(&self, identity: &Identity) -> bool {
        Node::is_credential_revoked(self, &identity.user, &credential(identity))
    }

    fn is_secret(&self, peer: &PeerId, identity: &Identity, secret: &str) -> bool {
        Node::is_secret(self, peer, &identity.user, secret)
    }

    fn mark(&self, peer: &PeerId, token: &str) -> Option<TokenMark> {
        self.token_mark(peer, token)
    }

    async fn knows(&self, peer: &PeerId, token: &str) -> bool {
        self.knows_token(peer, token).await
    }
}

/// What a revocation can name of a client.
pub(super) fn credential(identity: &Identity) -> Credential {
    Credential {
        token: identity.token.clone(),
        issued_at: identity.issued_at,
        mark: None,
    }
}
