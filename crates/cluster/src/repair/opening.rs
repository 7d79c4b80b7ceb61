//! When the rooms of a directory that lost something are closed, and when they are opened again.

use tokio::time::Duration;

use crate::backend::bucket::{BUCKETS, Bucket};
use crate::backend::directory::DirectoryError;
use crate::backend::leases::LeaseError;
use crate::node::{Inner, Status};
use crate::repair::cycle::CycleState;
use crate::repair::failure::AssertError;

/// Leases that a node which has just started waits for others to fill the directory and open its rooms. They count theirs
/// from when they reach it again, and take a lease more for the members of nodes that do not come back.
const NEWCOMER_WAITS: u32 = 2;

impl Inner {
    /// Closes the rooms of a directory that went back in time. Until it has looked, this node lets no session in: what others
    /// have written since is unknown there.
    pub(super) async fn look_back(&self, state: &mut CycleState) -> Result<(), AssertError> {
        let doubts = *state.doubts.borrow_and_update();
        self.lease.renew().await?;
        if self.repairs.doubt.went_back() {
            if let Some(said) = self.repairs.warnings.went_back.happened() {
                tracing::warn!(
                    "the directory went back in time; its rooms are closed while it is filled{said}"
                );
            }
            self.backend.directory.close_buckets().await?;
            state.filling_since = None;
            state.lift = true;
        }
        self.repairs.doubt.looked(doubts);
        Ok(())
    }

    /// How long after this node began to assert every node has written what it knows. Others may notice later than this one, and
    /// take over the members of nodes that are no more a lease after that, where this node may know no member of those rooms. A
    /// node that has just started has nothing to write, and those who have may not have reached the directory yet when it
    /// did: they open the rooms.
    pub(super) async fn time_to_fill(&self) -> Result<Duration, LeaseError> {
        let lease = self.settings.lease;
        let others = self.backend.leases.read().await?;
        if others.iter().all(|other| other.node == self.id) {
            return Ok(lease);
        }
        Ok(match self.lease.status() {
            Status::Starting(_) => lease * NEWCOMER_WAITS,
            _ => lease + lease / 2,
        })
    }

    pub(super) async fn open(&self, closed: Vec<Bucket>) -> Result<(), DirectoryError> {
        tracing::info!(
            buckets = closed.len(),
            "the directory is filled (again); rooms are open"
        );
        for bucket in closed {
            self.backend.directory.open_bucket(bucket).await?;
        }
        Ok(())
    }

    pub(super) fn say_why_it_waits(&self, closed: usize) {
        let words = format!(
            "{closed} of {BUCKETS} parts of the directory are empty or were emptied; they open {} ms or more after that was \
             seen, once every node has written what it knows",
            self.settings.lease.as_millis()
        );
        self.lease.turn(|status| match status {
            Status::Starting(_) => Status::Starting(words),
            other => other.clone(),
        });
    }

    /// A node that has just started serves once the directory is complete.
    pub(super) fn serve(&self) {
        let is_in = !self.lease.is_outside();
        let started = self.lease.turn(|status| match status {
            Status::Starting(_) if is_in => Status::Serving,
            other => other.clone(),
        });
        if started {
            tracing::info!(node.id = %self.id, "this node serves");
        }
    }
}
