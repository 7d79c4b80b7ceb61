//! The tasks of a gateway, by kind: how each is started, and what its end means. Those of its node are in
//! `switchboard_cluster`.
//!
//! | kind | started by | cancelled | a panic |
//! | --- | --- | --- | --- |
//! | main | `main` | a signal, or an order by HTTP | ends the process |
//! | accept, certificate, health, keys, ice | [`spawn_vital`] | the node stops | raises the node's alarm, which ends the process |
//! | http, one a TCP connection | [`spawn`] | never: it ends when told to stop and what it answers is answered | ends that one |
//! | session, one a client's connection, and what it leaves behind (`switchboard_connection`) | [`spawn`] | never: it is closed through its mailbox | ends that one as a lost connection; the second of the same session closes it with 4400 |
//! | drain, a share of the sessions that is moved | [`spawn`] | the node stops | ends that drain: no more sessions are told to move |
//!
//! A question to another node (`http_client`) has a task of hyper's beside it. When that task ends, the question ends.

use std::pin::pin;

use switchboard_cluster::Alarm;
use switchboard_cluster::guard::{Panicked, caught_in};
use tokio::task::JoinHandle;
use tokio_util::task::TaskTracker;

use crate::metrics::PROCESS;

/// What a panic was in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Task {
    /// Starting, serving and stopping as a whole.
    Main,
    /// Accepting connections.
    Accept,
    /// The certificate of TLS.
    Certificate,
    /// Whether the node is ready.
    Health,
    /// One HTTP connection.
    Http,
    /// Keys of an issuer.
    Keys,
    /// TURN credentials of a provider.
    Ice,
    /// One session.
    Session,
    /// One share of sessions that is moved.
    Drain,
    /// A library's own task.
    Other,
}

impl Task {
    pub(crate) const ALL: [Self; 10] = [
        Self::Main,
        Self::Accept,
        Self::Certificate,
        Self::Health,
        Self::Http,
        Self::Keys,
        Self::Ice,
        Self::Session,
        Self::Drain,
        Self::Other,
    ];

    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Main => "main",
            Self::Accept => "accept",
            Self::Certificate => "certificate",
            Self::Health => "health",
            Self::Http => "http",
            Self::Keys => "keys",
            Self::Ice => "ice",
            Self::Session => "session",
            Self::Drain => "drain",
            Self::Other => "other",
        }
    }

    /// Counts a panic.
    pub(crate) fn count_panic(self) {
        PROCESS.panics_total.with_label_values(&[self.name()]).inc();
    }
}

/// A task panicked that the node cannot do without: the process has to end.
#[derive(Debug, thiserror::Error)]
#[error(
    "this node ends: its task `{0}` panicked; without that task it would only look alive; the other nodes take over its sessions"
)]
pub struct NodeFailed(pub(crate) &'static str);

/// Starts a task that a gateway cannot do without.
pub(crate) fn spawn_vital(
    tasks: &TaskTracker,
    task: Task,
    alarm: &Alarm,
    run: impl Future<Output = ()> + Send + 'static,
) -> JoinHandle<()> {
    let (mut run, alarm) = (Box::pin(run), alarm.clone());
    tasks.spawn(async move {
        if guarded(task, run.as_mut()).await.is_err() {
            alarm.raise(task.name());
        }
    })
}

/// Starts a task whose panic ends nothing but itself.
pub(crate) fn spawn(
    tasks: &TaskTracker,
    task: Task,
    run: impl Future<Output = ()> + Send + 'static,
) {
    // Boxed here because an async block that pins what it captures holds it twice.
    let mut run = Box::pin(run);
    tasks.spawn(async move {
        let _ = guarded(task, run.as_mut()).await;
    });
}

/// Runs a future that may panic, and counts the panic.
pub(crate) async fn guarded<F: Future + Unpin>(task: Task, run: F) -> Result<F::Output, Panicked> {
    let done = caught_in(pin!(run)).await;
    done.inspect_err(|_| task.count_panic())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_panic_in_a_vital_task_raises_the_alarm_and_in_another_one_does_not() {
        let (tasks, alarm) = (TaskTracker::new(), Alarm::default());
        let before = PROCESS.panics_total.with_label_values(&["http"]).get();
        spawn(&tasks, Task::Http, async { panic!("by a test") });
        tasks.close();
        tasks.wait().await;
        assert_eq!(
            PROCESS.panics_total.with_label_values(&["http"]).get(),
            before + 1
        );
        drop(spawn_vital(&tasks, Task::Accept, &alarm, async {
            panic!("by a test")
        }));
        assert_eq!(alarm.raised().await, "accept");
        assert!(NodeFailed("accept").to_string().contains("`accept`"));
    }
}
