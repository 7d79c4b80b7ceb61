//! The tasks of a node, by kind, and what their end means. A node starts each of them through [`Tasks`](crate::spawning::Tasks).
//!
//! | kind | started by | cancelled | a panic |
//! | --- | --- | --- | --- |
//! | lease, reader, sweeper, assertion, revocations, link | `vital` | the node stops (a link: or the other node is no more) | raises the [`Alarm`]: the process has to end, because others would take a half-dead node for a live one |
//! | redis, by the backend | `redis::connection` | the last clone of the backend is dropped | the same |
//! | departure, reaping | `errand` | never; a stop waits for it for a while | ends that one; what is left of a departure is a ghost, which the next assertion finds, and a reaping begins again while its claim lasts |
//! | roster, one room that is read again | `aside` | the node stops | ends that one; the room is read again |
//!
//! Within reader, sweeper, assertion and reaping, each envelope, session or peer is handled behind a guard: a panic there
//! skips that one. So is attaching, in the task of the session that comes: it is told `unavailable`, and what was written of
//! it is taken out again.

pub mod guard;

use std::sync::Arc;

use tokio::sync::watch;

/// What a panic was in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Task {
    /// Entering the cluster, keeping the lease and looking at those of others.
    Lease,
    /// Reading this node's channel; also one frame or envelope.
    Reader,
    /// Deadlines and windows; also those of one session.
    Sweeper,
    /// Writing again what the directory lost; also one session of it.
    Assertion,
    /// Reading the log of revocations.
    Revocations,
    /// Publishing to one other node.
    Link,
    /// Keeping the connections to Redis.
    Redis,
    /// A session on its way out of the directory, or into it as away.
    Departure,
    /// Cleaning up after a dead node; also one peer of it.
    Reaping,
    /// Reading the roster of one room again, or one member of it.
    Roster,
    /// A session that comes here, or is resumed here.
    Attach,
}

impl Task {
    /// Every kind.
    pub const ALL: [Self; 11] = [
        Self::Lease,
        Self::Reader,
        Self::Sweeper,
        Self::Assertion,
        Self::Revocations,
        Self::Link,
        Self::Redis,
        Self::Departure,
        Self::Reaping,
        Self::Roster,
        Self::Attach,
    ];

    /// A word for operators.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Lease => "lease",
            Self::Reader => "reader",
            Self::Sweeper => "sweeper",
            Self::Assertion => "assertion",
            Self::Revocations => "revocations",
            Self::Link => "link",
            Self::Redis => "redis",
            Self::Departure => "departure",
            Self::Reaping => "reaping",
            Self::Roster => "roster",
            Self::Attach => "attach",
        }
    }
}

/// Where it is reported that a task has ended without which there is no node. Clones are the same.
#[derive(Debug, Clone)]
pub struct Alarm(Arc<watch::Sender<Option<&'static str>>>);

impl Default for Alarm {
    fn default() -> Self {
        Self(Arc::new(watch::Sender::new(None)))
    }
}

impl Alarm {
    /// A task of this name has ended; the first one counts.
    pub fn raise(&self, task: &'static str) {
        self.0.send_if_modified(|raised| {
            let is_first = raised.is_none();
            raised.get_or_insert(task);
            is_first
        });
    }

    /// Waits until it is raised: which task it was. Cancel safe.
    pub async fn raised(&self) -> &'static str {
        let mut raised = self.0.subscribe();
        loop {
            if let Some(task) = *raised.borrow_and_update() {
                return task;
            }
            // There is a sender for as long as this is.
            let _ = raised.changed().await;
        }
    }
}
