//! What is found when all has come to rest.

use std::collections::{BTreeMap, BTreeSet};

use switchboard_cluster::record::{MemberRecord, PeerRecord};
use switchboard_protocol::{NodeId, PeerId, RoomId};

use super::{ClientNo, NodeNo, Promises, View};

/// The cluster and its clients at the end of a run.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct LastState {
    pub(crate) clients: Vec<LastClient>,
    pub(crate) nodes: Vec<LastNode>,
    /// As the directory has them.
    pub(crate) rooms: BTreeMap<RoomId, LastRoom>,
    /// Of every session that ever was; those that are forgotten are not here.
    pub(crate) peers: Vec<PeerRecord>,
    /// In the table of nodes.
    pub(crate) leases: Vec<NodeId>,
}

/// A room in the directory.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct LastRoom {
    pub(crate) revision: u64,
    pub(crate) members: Vec<MemberRecord>,
}

/// A client that is still there.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct LastClient {
    pub(crate) client: ClientNo,
    pub(crate) promises: Promises,
    /// Its session, if it is welcomed at this moment.
    pub(crate) peer: Option<PeerId>,
    /// The rooms it wants to be in.
    pub(crate) wants: Vec<RoomId>,
    /// The rooms it is in, as it sees them.
    pub(crate) views: Vec<View>,
    /// Who is in its room, as the lists of its dialect say.
    pub(crate) listed: Option<Listed>,
    /// Signals without an answer.
    pub(crate) unanswered: Vec<u64>,
}

/// Who is in a room, as a client was told at last.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Listed {
    Peers(BTreeSet<PeerId>),
    /// What they are called, sorted.
    Names(Vec<String>),
}

/// A node that still runs.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct LastNode {
    pub(crate) node: NodeNo,
    pub(crate) id: NodeId,
    pub(crate) serves: bool,
    /// The sessions with a connection here.
    pub(crate) sessions: Vec<PeerId>,
    /// Bytes of signals that wait for an answer.
    pub(crate) in_flight_bytes: usize,
    /// Sessions noted for it in the directory.
    pub(crate) enlisted: Vec<PeerId>,
}
