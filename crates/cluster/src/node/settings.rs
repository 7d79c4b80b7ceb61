//! How a node behaves.

use switchboard_traces::Traces;
use tokio::time::Duration;

use crate::backend::leases::NodeInfo;
use crate::link::keyring::ClusterKey;
use crate::signal::unanswered::bounds::InFlightMax;

/// How a node behaves.
#[derive(Clone)]
pub struct Settings {
    /// What it tells of itself.
    pub info: NodeInfo,
    /// The key under which frames are authenticated; `None`: the one that the cluster agrees on.
    pub cluster_key: Option<ClusterKey>,
    /// A node whose lease did not move for so long is dead. Leases are renewed four times as often.
    pub lease: Duration,
    /// A signal that was taken is answered after this at the latest.
    pub delivery_deadline: Duration,
    /// A client that is not heard for so long has lost its connection; only then its window begins.
    pub heartbeat_timeout: Duration,
    /// Bounds on what is unanswered.
    pub in_flight: InFlightMax,
    /// A session that lost its connection is held for so long.
    pub resume_window: Duration,
    /// Sessions without a connection that the node keeps at most; who comes on top of them leaves at once.
    pub away_max: usize,
    /// About what these may take in the directory, bytes; over it, the youngest end.
    pub away_bytes: usize,
    /// Sessions that one user may have in the cluster.
    pub sessions_per_user: u32,
    /// A revocation holds for so long: longer than a token lives. At least a second.
    pub revocations_kept: Duration,
    /// How long an envelope may wait for others where the rate makes it pay.
    pub linger_max: Duration,
    /// Whether frames to this node itself stay in the process.
    pub local_shortcut: bool,
    /// Where its spans go.
    pub traces: Traces,
}
