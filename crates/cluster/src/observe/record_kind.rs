//! Kinds of what can be unreadable.

/// Kinds of what can be unreadable, as a closed set.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum RecordKind {
    /// A field of the table of nodes.
    Lease,
    /// What a node tells of itself.
    NodeInfo,
    /// The key that the cluster agrees on.
    ClusterKey,
    /// A member of a room.
    Member,
    /// A session.
    Peer,
    /// A session that is noted for a node.
    NodePeer,
    /// An entry of the log of revocations.
    Revocation,
    /// What another node says, within a frame that is its own.
    Envelope,
}

impl RecordKind {
    /// All of them.
    pub const ALL: [Self; 8] = [
        Self::Lease,
        Self::NodeInfo,
        Self::ClusterKey,
        Self::Member,
        Self::Peer,
        Self::NodePeer,
        Self::Revocation,
        Self::Envelope,
    ];

    /// In one word, for a label.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Lease => "lease",
            Self::NodeInfo => "node-info",
            Self::ClusterKey => "cluster-key",
            Self::Member => "member",
            Self::Peer => "peer",
            Self::NodePeer => "node-peer",
            Self::Revocation => "revocation",
            Self::Envelope => "envelope",
        }
    }
}
