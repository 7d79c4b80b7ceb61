//! From one node to another: publish to a node's channel, receive one's own.
//!
//! A bus promises nothing. What it carries may be lost, repeated or late; the [link](crate::link) makes it reliable.

use async_trait::async_trait;
use bytes::Bytes;
use switchboard_protocol::NodeId;

/// Carries frames between nodes.
#[async_trait]
pub trait Bus: Send + Sync + 'static {
    /// Publishes one frame on the channel of `to`. `Ok` is the number of subscribers that the broker saw, a hint only:
    /// 0 means that no node listened there at this moment.
    async fn publish(&self, to: &NodeId, frame: Bytes) -> Result<u64, BusError>;

    /// Opens the channel of `node`, this one. Frames that are published before this returns may be missed. Fails where
    /// the broker is not reached, and may be tried again; once open, it is opened again after every loss of connection.
    async fn subscribe(&self, node: &NodeId) -> Result<Box<dyn Inbox>, BusError>;
}

/// A node's own channel.
#[async_trait]
pub trait Inbox: Send + 'static {
    /// The next event; cancel safe. `None` once the bus was shut down.
    async fn next(&mut self) -> Option<BusEvent>;
}

/// What a channel brings.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum BusEvent {
    /// A frame, as it was published, unless it was tampered with.
    Frame(Bytes),
    /// Frames may have been missed: the connection was lost and is back, or this node read too slowly.
    Gap,
}

/// Why a frame could not be published. The difference decides what senders are told: `unavailable` is certain,
/// `unconfirmed` is not.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BusError {
    /// It was never sent: there is no connection.
    #[error("the bus cannot be reached: {0}")]
    Unreachable(String),
    /// It was sent and not answered: it may have been published.
    #[error("the bus did not answer: {0}")]
    Unanswered(String),
}
