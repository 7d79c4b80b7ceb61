//! Whether rosters that are read now may lack a member: the directory lost something, and not every node has written
//! again yet what it knows.

use parking_lot::Mutex;
use tokio::sync::{Notify, watch};
use tokio::time::{Duration, Instant, timeout};

/// How long a session that joins or resumes waits until the node has looked whether the directory went back in time.
const LOOK_PATIENCE: Duration = Duration::from_secs(1);

/// What this node noticed of the directory's memory.
pub(crate) struct Doubt {
    noticed: Mutex<Noticed>,
    /// Counts the backend's doubts, see [`Backend::doubts`](crate::backend::Backend::doubts).
    backend: watch::Receiver<u64>,
    lease: Duration,
    looked: Notify,
    assert: Notify,
}

struct Noticed {
    /// How many doubts of the backend are taken into account.
    count: u64,
    last_at: Option<Instant>,
    /// The node looked whether the directory went back in time after so many of the backend's doubts.
    looked_after: u64,
    /// It did, and its rooms are not closed yet.
    went_back: bool,
}

impl Doubt {
    /// None yet, whatever the backend has counted before.
    pub(crate) fn new(backend: watch::Receiver<u64>, lease: Duration) -> Self {
        let count = *backend.borrow();
        let noticed = Noticed {
            count,
            last_at: None,
            looked_after: count,
            went_back: false,
        };
        Self {
            noticed: Mutex::new(noticed),
            backend,
            lease,
            looked: Notify::new(),
            assert: Notify::new(),
        }
    }

    /// A call was answered that its part of the directory is forgotten.
    pub(crate) fn note_forgotten(&self) {
        self.noticed.lock().last_at = Some(Instant::now());
        self.assert_now();
    }

    /// There is a sign that the directory went back in time: its rooms are to be closed and filled again.
    pub(crate) fn note_went_back(&self) {
        self.noticed.lock().went_back = true;
        self.assert_now();
    }

    /// Whether there is such a sign while the rooms are still open.
    pub(crate) fn went_back(&self) -> bool {
        self.noticed.lock().went_back
    }

    /// The next cycle of assertions begins now, at full speed.
    pub(crate) fn assert_now(&self) {
        self.assert.notify_one();
    }

    /// Comes when a cycle is to begin. Cancel safe.
    pub(crate) async fn must_assert(&self) {
        self.assert.notified().await;
    }

    /// The node looked after `count` doubts of the backend; if the directory went back in time, its rooms are closed now.
    pub(crate) fn looked(&self, count: u64) {
        let mut noticed = self.noticed.lock();
        (noticed.looked_after, noticed.went_back) = (count, false);
        self.looked.notify_waiters();
    }

    /// Waits for a while until the node has looked whether the directory went back in time. It looks soon after it reaches
    /// the directory (again), so a session that comes just then need not be sent away.
    pub(crate) async fn until_looked(&self) {
        let looked = async {
            loop {
                let look = self.looked.notified();
                if !self.may_show_the_past() {
                    return;
                }
                look.await;
            }
        };
        let _ = timeout(LOOK_PATIENCE, looked).await;
    }

    /// Whether the rooms that are open may be older than what this node knows, so that no session can be let in: the node
    /// has just reached the directory (again), or the rooms are to be closed.
    pub(crate) fn may_show_the_past(&self) -> bool {
        let noticed = self.noticed.lock();
        noticed.went_back || noticed.looked_after != *self.backend.borrow()
    }

    /// Whether the last doubt is less than a lease ago: every node that lives has written what it knows by then, because one
    /// that cannot is taken for dead.
    pub(crate) fn lasts(&self) -> bool {
        let count = *self.backend.borrow();
        let mut noticed = self.noticed.lock();
        if std::mem::replace(&mut noticed.count, count) != count {
            noticed.last_at = Some(Instant::now());
        }
        let lease = self.lease;
        noticed.last_at.is_some_and(|at| at.elapsed() < lease)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LEASE: Duration = Duration::from_secs(4);

    fn doubt(count: u64) -> (watch::Sender<u64>, Doubt) {
        let backend = watch::Sender::new(count);
        let doubt = Doubt::new(backend.subscribe(), LEASE);
        (backend, doubt)
    }

    #[tokio::test(start_paused = true)]
    async fn a_doubt_lasts_for_a_lease_from_when_it_was_noticed() {
        let (backend, doubt) = doubt(3);
        assert!(!doubt.lasts());
        backend.send_replace(4);
        assert!(doubt.lasts());
        tokio::time::advance(LEASE / 2).await;
        assert!(doubt.lasts());
        tokio::time::advance(LEASE / 2).await;
        assert!(!doubt.lasts());
    }

    #[test]
    fn after_a_new_connection_rooms_may_show_the_past_until_the_node_looked() {
        let (backend, doubt) = doubt(3);
        assert!(!doubt.may_show_the_past());
        backend.send_replace(4);
        assert!(doubt.may_show_the_past());
        doubt.note_went_back();
        doubt.looked(4);
        assert!(!doubt.may_show_the_past() && !doubt.went_back());
        doubt.note_went_back();
        assert!(doubt.may_show_the_past());
    }

    #[tokio::test(start_paused = true)]
    async fn a_part_that_is_forgotten_still_begins_the_doubt_again() {
        let (_backend, doubt) = doubt(0);
        doubt.note_forgotten();
        tokio::time::advance(LEASE / 2).await;
        doubt.note_forgotten();
        tokio::time::advance(LEASE / 2).await;
        assert!(doubt.lasts());
    }
}
