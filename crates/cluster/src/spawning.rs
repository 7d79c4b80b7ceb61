//! Starts the tasks of a node, and guards what they handle. Which [`Task`]s there are, and what the end of each means, is
//! listed there.

use std::pin::pin;
use std::sync::Arc;

use tokio::time::{Duration, sleep};
use tokio_util::sync::{CancellationToken, WaitForCancellationFuture};
use tokio_util::task::TaskTracker;
use tokio_util::task::task_tracker::TaskTrackerToken;

use crate::observe::{Observation, Observe};
use crate::tasks::guard::{Panicked, caught, caught_in};
use crate::tasks::{Alarm, Task};

/// The tasks of one node. Clones are the same.
#[derive(Clone)]
pub(crate) struct Tasks {
    running: TaskTracker,
    errands: TaskTracker,
    stop: CancellationToken,
    observe: Arc<dyn Observe>,
    alarm: Alarm,
}

impl Tasks {
    /// None yet.
    pub(crate) fn new(observe: Arc<dyn Observe>, alarm: Alarm) -> Self {
        Self {
            running: TaskTracker::new(),
            errands: TaskTracker::new(),
            stop: CancellationToken::new(),
            observe,
            alarm,
        }
    }

    /// Starts a task that the node cannot do without. A panic in it raises the alarm.
    pub(crate) fn vital(&self, task: Task, run: impl Future<Output = ()> + Send + 'static) {
        let (observe, alarm) = (self.observe.clone(), self.alarm.clone());
        self.running.spawn(async move {
            if guarded_in(&*observe, task, run).await.is_none() {
                alarm.raise(task.name());
            }
        });
    }

    /// Starts something that is to be done before the node gives its lease back.
    pub(crate) fn errand(&self, task: Task, run: impl Future<Output = ()> + Send + 'static) {
        let observe = self.observe.clone();
        self.errands
            .spawn(async move { guarded_in(&*observe, task, run).await });
    }

    /// Starts something that a stop does not wait for.
    pub(crate) fn aside(&self, task: Task, run: impl Future<Output = ()> + Send + 'static) {
        let observe = self.observe.clone();
        self.running
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

    /// While there is such a token, the errands are not done.
    pub(crate) fn errand_token(&self) -> TaskTrackerToken {
        self.errands.token()
    }

    /// Comes when the tasks are to end. Cancel safe.
    pub(crate) fn stopped(&self) -> WaitForCancellationFuture<'_> {
        self.stop.cancelled()
    }

    /// Cancelled when the tasks are to end, or earlier by its owner.
    pub(crate) fn child_stop(&self) -> CancellationToken {
        self.stop.child_token()
    }

    /// Waits before another try. False: the tasks are to end, and there is none.
    pub(crate) async fn pause(&self, pause: Duration) -> bool {
        self.stop.run_until_cancelled(sleep(pause)).await.is_some()
    }

    /// The node stops: nothing begins that it would have to finish.
    pub(crate) fn begin_to_stop(&self) {
        self.errands.close();
    }

    pub(crate) fn is_stopping(&self) -> bool {
        self.errands.is_closed()
    }

    /// Waits, once the node stops, until the errands are done. Cancel safe.
    pub(crate) async fn errands_done(&self) {
        self.errands.wait().await;
    }

    /// Ends all but the errands.
    pub(crate) async fn end(&self) {
        self.stop.cancel();
        self.running.close();
        self.running.wait().await;
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
