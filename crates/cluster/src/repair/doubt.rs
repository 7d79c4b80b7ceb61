//! Whether rosters that are read now may lack somebody who is in: the directory lost something, and not everybody has
//! written again yet what is his.

use parking_lot::Mutex;
use tokio::sync::Notify;
use tokio::sync::futures::Notified;
use tokio::time::{Duration, Instant};

/// Since when the directory's memory is in doubt, as far as this node noticed.
pub(crate) struct Doubt {
    noticed: Mutex<Noticed>,
    looked: Notify,
}

struct Noticed {
    /// How many doubts of the backend are taken into account.
    count: u64,
    last_at: Option<Instant>,
    /// After so many it was looked whether the directory went back in time.
    looked_after: u64,
    /// It did, and its rooms are not closed yet.
    went_back: bool,
}

impl Doubt {
    /// None yet; the backend has counted `count` before.
    pub(crate) fn new(count: u64) -> Self {
        let noticed = Noticed {
            count,
            last_at: None,
            looked_after: count,
            went_back: false,
        };
        Self {
            noticed: Mutex::new(noticed),
            looked: Notify::new(),
        }
    }

    /// There is a sign that the directory went back in time.
    pub(crate) fn note_went_back(&self) {
        self.noticed.lock().went_back = true;
    }

    /// Whether there is such a sign, and the rooms are open still.
    pub(crate) fn went_back(&self) -> bool {
        self.noticed.lock().went_back
    }

    /// It was looked after `count` doubts of the backend; if the directory went back in time, its rooms are closed now.
    pub(crate) fn looked(&self, count: u64) {
        let mut noticed = self.noticed.lock();
        (noticed.looked_after, noticed.went_back) = (count, false);
        self.looked.notify_waiters();
    }

    /// The next time that it was looked, from now on.
    pub(crate) fn next_look(&self) -> Notified<'_> {
        self.looked.notified()
    }

    /// Whether the rooms that are open may be older than what this node knows. `count`: of the backend's doubts, now.
    pub(crate) fn may_show_the_past(&self, count: u64) -> bool {
        let noticed = self.noticed.lock();
        noticed.went_back || noticed.looked_after != count
    }

    /// A call was answered that its part of the directory is forgotten.
    pub(crate) fn note(&self) {
        self.noticed.lock().last_at = Some(Instant::now());
    }

    /// Whether the last doubt is less than a lease ago: whoever lives has written what is his by then, for a node that
    /// cannot is taken for dead. `count`: of the backend's doubts, now.
    pub(crate) fn lasts(&self, count: u64, lease: Duration) -> bool {
        let mut noticed = self.noticed.lock();
        if std::mem::replace(&mut noticed.count, count) != count {
            noticed.last_at = Some(Instant::now());
        }
        noticed.last_at.is_some_and(|at| at.elapsed() < lease)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LEASE: Duration = Duration::from_secs(4);

    #[tokio::test(start_paused = true)]
    async fn a_doubt_lasts_for_a_lease_from_when_it_was_noticed() {
        let doubt = Doubt::new(3);
        assert!(!doubt.lasts(3, LEASE));
        assert!(doubt.lasts(4, LEASE));
        tokio::time::advance(LEASE / 2).await;
        assert!(doubt.lasts(4, LEASE));
        tokio::time::advance(LEASE / 2).await;
        assert!(!doubt.lasts(4, LEASE));
    }

    #[test]
    fn after_a_new_connection_rooms_may_show_the_past_until_it_was_looked() {
        let doubt = Doubt::new(3);
        assert!(!doubt.may_show_the_past(3));
        assert!(doubt.may_show_the_past(4));
        doubt.note_went_back();
        doubt.looked(4);
        assert!(!doubt.may_show_the_past(4) && !doubt.went_back());
        doubt.note_went_back();
        assert!(doubt.may_show_the_past(4));
    }

    #[tokio::test(start_paused = true)]
    async fn a_part_that_is_forgotten_still_begins_the_doubt_again() {
        let doubt = Doubt::new(0);
        doubt.note();
        tokio::time::advance(LEASE / 2).await;
        doubt.note();
        tokio::time::advance(LEASE / 2).await;
        assert!(doubt.lasts(0, LEASE));
    }
}
