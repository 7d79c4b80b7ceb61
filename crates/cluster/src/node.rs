//! One node of the cluster: its sessions, rooms and links, and the tasks that keep them.
//!
//! Which tasks it has, and what the end of each means, is in [`tasks`](crate::tasks).

pub(crate) mod entering;
mod foreign;
mod inner;
pub(crate) mod key_agreement;
pub(crate) mod lease_cycle;
pub(crate) mod lease_keeper;
pub(crate) mod observer;
pub(crate) mod reaper;
pub(crate) mod settings;
pub(crate) mod status;
mod sweeper;
mod traced;

use std::sync::Arc;

use switchboard_protocol::{NodeId, RoomId};
use tokio::sync::watch;
use tokio::time::Duration;

pub(crate) use self::inner::Inner;
pub use self::settings::Settings;
pub use self::status::Status;
use crate::backend::Backend;
use crate::observe::Observe;
use crate::tasks::{Alarm, Task};

/// How many are in a room.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RoomCount {
    /// Which room.
    pub room: RoomId,
    /// Visible members, on all nodes.
    pub members: usize,
    /// Members on this node, hidden ones too.
    pub local_members: usize,
}

/// One node. Cheap to clone.
#[derive(Clone)]
pub struct Node(pub(crate) Arc<Inner>);

impl Node {
    /// A node that does nothing yet.
    pub fn new(
        id: NodeId,
        settings: Settings,
        backend: Backend,
        observe: Arc<dyn Observe>,
    ) -> Self {
        Self(Inner::new(id, settings, backend, observe))
    }

    /// Starts the node's tasks and returns at once; [`status`](Self::status) tells when it serves.
    pub fn start(&self) {
        self.0.tasks.vital(Task::Lease, self.0.clone().live());
        self.0.tasks.vital(Task::Sweeper, self.0.clone().sweep());
    }

    /// Raised when the node cannot go on: a task of its own has panicked. Who runs it has to end it.
    pub fn alarm(&self) -> &Alarm {
        &self.0.backend.alarm
    }

    /// This node's id.
    pub fn id(&self) -> &NodeId {
        &self.0.id
    }

    /// Whether the node can take sessions.
    pub fn status(&self) -> watch::Receiver<Status> {
        self.0.lease.watch_status()
    }

    /// Rooms with members on this node.
    pub fn rooms(&self) -> usize {
        self.0.rooms.len()
    }

    /// Bytes of signals that wait for an answer.
    pub fn in_flight_bytes(&self) -> usize {
        self.0.signals.bytes_in_flight()
    }

    /// The rooms with members on this node. Takes each room's lock for a moment.
    pub fn room_counts(&self) -> Vec<RoomCount> {
        let rooms = self.0.rooms.all();
        let counts = rooms.iter().map(|room| {
            let room = room.lock();
            RoomCount {
                room: room.id().clone(),
                members: room.roster().map_or(0, |roster| roster.visible_count()),
                local_members: room.locals().len(),
            }
        });
        counts.collect()
    }

    /// How many are in a room, hidden ones too, as far as this node knows.
    pub fn members_of(&self, room: &str) -> usize {
        self.0.rooms.members_of(room)
    }

    /// Sessions without a connection that this node keeps the places of.
    pub fn away_count(&self) -> usize {
        self.0.sessions.away_count()
    }

    /// About what these take in the directory.
    pub fn away_bytes(&self) -> usize {
        self.0.sessions.away_bytes()
    }

    /// Finishes: waits until every ended session is out of the directory, or marked as away there, and every link has said
    /// what it had to say, then gives the lease back, and with it those who are away. What is not done after `patience` is
    /// left to the reaper of another node. True: all was done.
    pub async fn stop(&self, patience: Duration) -> bool {
        let inner = &self.0;
        inner.tasks.begin_to_stop();
        let done = tokio::time::timeout(patience, async {
            inner.tasks.errands_done().await;
            inner.links.idle().await;
            // One that never entered the cluster has nothing to give back.
            let entered = inner.lease.key.keyring().get().is_some();
            !entered || inner.give_lease_back().await.is_ok()
        });
        let done = done.await.unwrap_or(false);
        inner.tasks.end().await;
        inner.lease.turn(|_| Status::Stopped);
        done
    }
}
