//! Whether clients could come back, so that the windows of away sessions may end.

use tokio::sync::watch;
use tokio::time::{Duration, Instant};

use crate::backend::Reach;

/// While the directory is away, no session can resume. A client that tried has this long from when it is back, whatever its
/// window says: clients try again within it.
const GRACE: Duration = Duration::from_secs(10);

/// Whether clients could come back, so that windows may end.
pub(crate) struct WaysBack {
    reach: watch::Receiver<Reach>,
    /// When the directory was last seen to be away, or to have been, or to lack what it forgot: then its rooms are closed.
    barred_at: Option<Instant>,
}

impl WaysBack {
    pub(crate) fn new(mut reach: watch::Receiver<Reach>) -> Self {
        reach.mark_unchanged();
        Self {
            reach,
            barred_at: None,
        }
    }

    /// To be asked often: an outage between two times counts from the second one. `is_in_doubt`: see
    /// [`Doubt`](crate::repair::doubt::Doubt).
    pub(crate) fn are_open(&mut self, is_in_doubt: bool, now: Instant) -> bool {
        let has_changed = self.reach.has_changed().unwrap_or(false);
        let is_reached = self.reach.borrow_and_update().is_reached();
        if has_changed || !is_reached || is_in_doubt {
            self.barred_at = Some(now);
        }
        let in_grace = |at| now.saturating_duration_since(at) < GRACE;
        !self.barred_at.is_some_and(in_grace)
    }
}
