//! Whether rosters that are read now may lack somebody who is in: the directory lost something, and not everybody has
//! written again yet what is his.

use parking_lot::Mutex;
use tokio::time::{Duration, Instant};

/// Since when the directory's memory is in doubt, as far as this node noticed.
pub(crate) struct Doubt(Mutex<Noticed>);

struct Noticed {
    /// How many doubts of the backend are taken into account.
    count: u64,
    last_at: Option<Instant>,
}

impl Doubt {
    /// None yet; the backend has counted `count` before.
    pub(crate) fn new(count: u64) -> Self {
        let last_at = None;
        Self(Mutex::new(Noticed { count, last_at }))
    }

    /// A call was answered that its part of the directory is forgotten.
    pub(crate) fn note(&self) {
        self.0.lock().last_at = Some(Instant::now());
    }

    /// Whether the last doubt is less than a lease ago: whoever lives has written what is his by then, for a node that
    /// cannot is taken for dead. `count`: of the backend's doubts, now.
    pub(crate) fn lasts(&self, count: u64, lease: Duration) -> bool {
        let mut noticed = self.0.lock();
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
