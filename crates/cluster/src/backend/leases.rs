//! Which nodes live.
//!
//! A lease is a counter that its node raises every second. Clocks of two machines are never compared: an observer
//! holds a node for dead when its counter did not change for the lease time of the observer's own monotonic clock
//! ([`reaper`](crate::node::reaper)).

use async_trait::async_trait;
use switchboard_protocol::NodeId;

use crate::backend::format::Format;

/// The table of nodes.
#[async_trait]
pub trait Leases: Send + Sync + 'static {
    /// Enters the node. Does nothing, and answers false, where it is entered already (claimed or not).
    async fn register(&self, node: &NodeId, info: &NodeInfo) -> Result<bool, LeaseError>;

    /// Raises the node's counter, in any case above `above`; refuses a missing or claimed one, in the same atomic step. A
    /// node's own entry that cannot be read is written again, unclaimed, with a counter above all before.
    async fn renew(&self, node: &NodeId, above: &u64) -> Result<Renewal, LeaseError>;

    /// Every entry that can be read: one that cannot hides no other.
    async fn read(&self) -> Result<Vec<Lease>, LeaseError>;

    /// Claims a node that did not move since `seen`: true exactly once for each (counter, claimer) seen. From then on the
    /// node cannot renew. A claim lapses with its claimer's own lease: then the next one claims with that entry as `seen`.
    async fn claim(&self, seen: &Lease, claimer: &NodeId) -> Result<bool, LeaseError>;

    /// Removes a node that `claimer` has claimed and cleaned up after.
    async fn bury(&self, node: &NodeId, claimer: &NodeId) -> Result<(), LeaseError>;

    /// Removes the node itself: it has stopped and cleaned up. Not where it is claimed.
    async fn release(&self, node: &NodeId) -> Result<(), LeaseError>;

    /// The node stops and leaves sessions behind for another to take: its lease is claimed by itself, which every node may
    /// take over at once. Not where it is claimed already.
    async fn abandon(&self, node: &NodeId) -> Result<(), LeaseError>;

    /// Where the node can be asked how it is, and what it is; `None` for an unknown one.
    async fn info(&self, node: &NodeId) -> Result<Option<NodeInfo>, LeaseError>;

    /// The key under which nodes authenticate frames to one another: `offered` if there was none or one of a lower
    /// generation, else the one there is.
    async fn cluster_key(&self, offered: &SharedKey) -> Result<SharedKey, LeaseError>;
}

/// The cluster's key, as it is kept where no operator has set one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SharedKey {
    /// The key.
    pub key: [u8; 32],
    /// Raised by a running node that finds another key than the one it has been using.
    pub generation: u64,
    /// The key that this one replaced, if any: what was made with it is still good. Means nothing in an offer.
    pub former: Option<[u8; 32]>,
}

/// What a node tells of itself as it starts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NodeInfo {
    /// Where other nodes reach its `/readyz`, `host:port`.
    pub ops_address: String,
    /// Of the software.
    pub version: String,
    /// What it can work beside.
    pub format: Format,
    /// Unix time in milliseconds, by the node's own clock: for people only.
    pub started_at: u64,
}

/// One entry of the table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lease {
    /// Whose.
    pub node: NodeId,
    /// Rises while the node lives.
    pub counter: u64,
    /// The node that is cleaning up after it.
    pub claimed_by: Option<NodeId>,
}

impl Lease {
    /// Its node has stopped and left sessions behind.
    pub fn is_abandoned(&self) -> bool {
        self.claimed_by.as_ref() == Some(&self.node)
    }
}

/// What became of a renewal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Renewal {
    /// The node lives on.
    Renewed {
        /// As it is now.
        counter: u64,
        /// As it was before.
        was: u64,
    },
    /// There is no such entry: never registered, buried, or forgotten.
    Missing,
    /// Another node took this one for dead.
    Claimed {
        /// That one.
        by: NodeId,
    },
}

/// Why a call could not be carried out.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the leases cannot be reached: {0}")]
pub struct LeaseError(pub String);
