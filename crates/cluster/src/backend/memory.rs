//! Everything in this process: the embedded default, and the ground under tests of several nodes.
//!
//! It behaves as Redis does, with one difference: a node that is alone has nothing to remember from before, so it starts
//! with every bucket open.

mod asserted;
mod bus;
mod leases;
mod names;
mod peers;
mod revocations;
mod room;
mod rooms;
mod sessions;

use std::sync::Arc;

use parking_lot::Mutex;
use tokio::sync::watch;

use crate::backend::{Backend, Reach};
use crate::tasks::Alarm;

/// A backend of its own, for one node.
pub fn backend() -> Backend {
    MemoryCluster::new().backend()
}

/// What several nodes in one process share. Clones share it too.
#[derive(Clone)]
pub struct MemoryCluster(Arc<Store>);

impl MemoryCluster {
    /// Empty, with every bucket open.
    pub fn new() -> Self {
        Self(Arc::new(Store {
            rooms: Mutex::new(rooms::Rooms::open()),
            peers: Mutex::default(),
            nodes: Mutex::default(),
            revocations: Mutex::default(),
            channels: Mutex::default(),
            reach: watch::Sender::new(Reach::Reached),
            doubts: watch::Sender::new(0),
        }))
    }

    /// A node's way to it.
    pub fn backend(&self) -> Backend {
        Backend {
            directory: self.0.clone(),
            leases: self.0.clone(),
            bus: self.0.clone(),
            reach: self.0.reach.subscribe(),
            doubts: self.0.doubts.subscribe(),
            alarm: Alarm::default(),
            unreadable: Arc::default(),
        }
    }

    /// Loses all but the channels, as a Redis does that restarts without its data: every bucket is forgotten.
    pub fn forget(&self) {
        *self.0.rooms.lock() = rooms::Rooms::default();
        *self.0.peers.lock() = peers::Peers::default();
        *self.0.nodes.lock() = leases::Nodes::default();
        *self.0.revocations.lock() = revocations::Revocations::default();
        self.0.doubts.send_modify(|doubts| *doubts += 1);
    }
}

/// What a memory held at one moment.
#[derive(Clone)]
pub struct Snapshot {
    rooms: rooms::Rooms,
    peers: peers::Peers,
    nodes: leases::Nodes,
    revocations: revocations::Revocations,
}

impl MemoryCluster {
    /// What it holds now, but for the channels.
    pub fn snapshot(&self) -> Snapshot {
        Snapshot {
            rooms: self.0.rooms.lock().clone(),
            peers: self.0.peers.lock().clone(),
            nodes: self.0.nodes.lock().clone(),
            revocations: self.0.revocations.lock().clone(),
        }
    }

    /// Goes back to that moment, as a Redis does whose replica lagged behind when it took over.
    pub fn restore(&self, snapshot: &Snapshot) {
        *self.0.rooms.lock() = snapshot.rooms.clone();
        *self.0.peers.lock() = snapshot.peers.clone();
        *self.0.nodes.lock() = snapshot.nodes.clone();
        *self.0.revocations.lock() = snapshot.revocations.clone();
        self.0.doubts.send_modify(|doubts| *doubts += 1);
    }
}

impl Default for MemoryCluster {
    fn default() -> Self {
        Self::new()
    }
}

/// Directory, leases and bus. Each part has its lock, held for one call and never over an await.
struct Store {
    rooms: Mutex<rooms::Rooms>,
    peers: Mutex<peers::Peers>,
    nodes: Mutex<leases::Nodes>,
    revocations: Mutex<revocations::Revocations>,
    channels: Mutex<bus::Channels>,
    /// Never changes; kept so that those who wait for a change go on waiting.
    reach: watch::Sender<Reach>,
    doubts: watch::Sender<u64>,
}
