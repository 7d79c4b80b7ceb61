//! The three things a node needs from outside, together.

pub mod bucket;
pub mod bus;
pub mod directory;
pub mod format;
pub mod leases;
pub mod memory;
pub mod record;
pub mod redis;
pub mod revocation;

use std::sync::Arc;

use tokio::sync::watch;

use self::bus::Bus;
use self::directory::Directory;
use self::leases::Leases;
use crate::observe::unreadable::Unreadable;
use crate::tasks::Alarm;

/// A directory, leases and a bus that belong together, and whether they can be reached.
#[derive(Clone)]
pub struct Backend {
    /// Rooms and peers.
    pub directory: Arc<dyn Directory>,
    /// Nodes.
    pub leases: Arc<dyn Leases>,
    /// From node to node.
    pub bus: Arc<dyn Bus>,
    /// What is known of the connection to all three; changes wake the tasks that wait for them.
    pub reach: watch::Receiver<Reach>,
    /// Counts the occasions on which what was written may have been lost: a new connection, another server, a moved slot.
    pub doubts: watch::Receiver<u64>,
    /// Raised when a task has panicked without which neither this nor its node can go on.
    pub alarm: Alarm,
    /// Notes what is skipped because it cannot be read.
    pub unreadable: Arc<Unreadable>,
}

/// Whether the backend answers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reach {
    /// Not since this node started; why, in words.
    Never(String),
    /// It does.
    Reached,
    /// It did, and does not now; why, in words.
    Lost(String),
}

impl Reach {
    /// Whether it answers now.
    pub fn is_reached(&self) -> bool {
        matches!(self, Self::Reached)
    }
}
