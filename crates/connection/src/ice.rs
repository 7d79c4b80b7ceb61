//! STUN and TURN servers, which clients are told of.

use std::time::{Duration, Instant};

use switchboard_protocol::UserId;
use switchboard_protocol::server_message::IceServer;

/// Knows them.
pub trait IceServers: Send + Sync {
    /// Those for a user at this moment.
    fn offer(&self, user: &UserId) -> IceOffer;
}

/// What a user is told of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IceOffer {
    /// Those without credentials, and those with some.
    pub servers: Vec<IceServer>,
    /// How long the credentials are good.
    pub ttl: Duration,
    /// An offer with the same number says nothing new.
    pub edition: u64,
    /// When a session is to get another offer. `None`: this one stays.
    pub renew_in: Option<Duration>,
}

/// What a session knows of the offer that its client has.
#[derive(Debug, Clone, Copy)]
pub(crate) struct IceTold {
    pub(crate) edition: u64,
    pub(crate) renew_at: Option<Instant>,
}

impl IceOffer {
    pub(crate) fn told(&self, now: Instant) -> IceTold {
        IceTold {
            edition: self.edition,
            // A time beyond what this machine can count never comes.
            renew_at: self.renew_in.and_then(|pause| now.checked_add(pause)),
        }
    }
}

/// There are none.
impl IceServers for () {
    fn offer(&self, _: &UserId) -> IceOffer {
        IceOffer {
            servers: Vec::new(),
            ttl: Duration::MAX,
            edition: 0,
            renew_in: None,
        }
    }
}
