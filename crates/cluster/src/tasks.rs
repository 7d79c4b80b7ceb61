//! The tasks of a node, by kind: how each is started, and what its end means. Everything that a node starts is started here.
//!
//! | kind | started by | cancelled | a panic |
//! | --- | --- | --- | --- |
//! | lease, reader, sweeper, assertion, link | [`VitalTasks::spawn`] | the node stops (a link: or the other node is no more) | raises the [`Alarm`]: the process has to end, for others would take a half-dead node for a live one |
//! | redis, by the backend | `redis::connection` | the last of the backend is dropped | the same |
//! | departure, reaping | [`spawn_errand`](Inner::spawn_errand) | never; a stop waits for it for a while | ends that one; what is left of a departure is a ghost, which the next assertion finds, and a reaping is begun again while its claim lasts |
//! | roster, one room that is read again | [`spawn_aside`](Inner::spawn_aside) | the node stops | ends that one; it is read again |
//!
//! Within reader, sweeper, assertion and reaping, each envelope, session or peer is handled behind a
//! [guard](Inner::guarded): a panic there skips that one. So is attaching, in the task of the session that comes: it is told
//! `unavailable`, and what was written of it leaves again.

pub mod guard;

use std::pin::pin;
use std::sync::Arc;

use tokio::sync::watch;
use tokio_util::task::TaskTracker;

use crate::node::Inner;
use crate::observe::{Observation, Observe};
use crate::tasks::guard::{Panicked, caught, caught_in};

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
    pub const ALL: [Self; 10] = [
        Self::Lease,
        Self::Reader,
        Self::Sweeper,
        Self::Assertion,
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

/// Starts the tasks that a node cannot do without. Clones are the same.
#[derive(Clone)]
pub(crate) struct VitalTasks {
    tracker: TaskTracker,
    observe: Arc<dyn Observe>,
    alarm: Alarm,
}

impl VitalTasks {
    pub(crate) fn new(observe: Arc<dyn Observe>, alarm: Alarm) -> Self {
        Self {
            tracker: TaskTracker::new(),
            observe,
            alarm,
        }
    }

    /// What the tasks run among.
    pub(crate) fn tracker(&self) -> &TaskTracker {
        &self.tracker
    }

    /// Starts one. A panic in it raises the alarm.
    pub(crate) fn spawn(&self, task: Task, run: impl Future<Output = ()> + Send + 'static) {
        let (observe, alarm) = (self.observe.clone(), self.alarm.clone());
        self.tracker.spawn(async move {
            if guarded_in(&*observe, task, run).await.is_none() {
                alarm.raise(task.name());
            }
        });
    }
}

impl Inner {
    /// Starts something that is to be done before the node gives its lease back.
    pub(crate) fn spawn_errand(&self, task: Task, run: impl Future<Output = ()> + Send + 'static) {
        let observe = self.observe.clone();
        self.departing
            .spawn(async move { guarded_in(&*observe, task, run).await });
    }

    /// Starts something that nobody waits for.
    pub(crate) fn spawn_aside(&self, task: Task, run: impl Future<Output = ()> + Send + 'static) {
        let observe = self.observe.clone();
        self.tasks
            .spawn(async move { guarded_in(&*observe, task, run).await });
    }

    /// Handles one of the items that a task gets. `None`: it panicked, and is skipped.
    pub(crate) fn guarded<T>(&self, task: Task, handle: impl FnOnce() -> T) -> Option<T> {
        counted(&*self.observe, task, caught(handle))
    }

    /// The same, where handling it takes time.
    pub(crate) async fn guarded_in<F: Future>(&self, task: Task, handle: F) -> Option<F::Output> {
        guarded_in(&*self.observe, task, handle).await
    }
}

async fn guarded_in<F: Future>(observe: &dyn Observe, task: Task, handle: F) -> Option<F::Output> {
    counted(observe, task, caught_in(pin!(handle)).await)
}

fn counted<T>(observe: &dyn Observe, task: Task, handled: Result<T, Panicked>) -> Option<T> {
    if handled.is_err() {
        observe.observe(Observation::Panicked(task));
    }
    handled.ok()
}
