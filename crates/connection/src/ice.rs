//! STUN and TURN servers, which clients are told of.

use std::time::Duration;

use switchboard_protocol::UserId;
use switchboard_protocol::server_message::IceServer;

/// Knows them.
pub trait IceServers: Send + Sync {
    /// Those for a user, with credentials that begin now.
    fn for_user(&self, user: &UserId) -> Vec<IceServer>;

    /// How long their credentials are good.
    fn ttl(&self) -> Duration;
}

/// There are none.
impl IceServers for () {
    fn for_user(&self, _: &UserId) -> Vec<IceServer> {
        Vec::new()
    }

    fn ttl(&self) -> Duration {
        Duration::MAX
    }
}
