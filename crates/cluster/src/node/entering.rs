//! How a node enters the cluster: it waits for the backend, and for nodes to go [beside which it cannot work](crate::backend::format).

use tokio::time::{Duration, Instant, sleep};

use crate::backend::Reach;
use crate::backend::bus::Inbox;
use crate::backend::leases::{Lease, LeaseError};
use crate::node::foreign::Foreign;
use crate::node::observer::Observer;
use crate::node::{Inner, Status};

/// Between two tries.
const RETRY: Duration = Duration::from_millis(250);

/// What a node sees while it waits to enter.
struct Waiting {
    observer: Observer,
    /// The last live node beside which this one cannot work, and when it was seen.
    foreign: Option<(Foreign, Instant)>,
}

impl Inner {
    /// Tries until it is in; [`Status::Starting`] says what it waits for.
    pub(crate) async fn enter_cluster(&self) -> Box<dyn Inbox> {
        let mut reach = self.backend.reach.clone();
        let mut waiting = Waiting {
            observer: Observer::new(self.id.clone(), self.settings.lease),
            foreign: None,
        };
        loop {
            // An error means that the backend is gone, which it is not before this node.
            let _ = reach.wait_for(Reach::is_reached).await;
            match self.try_to_enter(&mut waiting).await {
                Ok(inbox) => return inbox,
                Err(why) => {
                    self.lease.turn(|_| Status::Starting(why));
                    sleep(RETRY).await;
                }
            }
        }
    }

    /// Looks for foreign nodes before it registers, and again after that: of two that start at the same moment at least one
    /// sees the other, and gives its lease back.
    async fn try_to_enter(&self, waiting: &mut Waiting) -> Result<Box<dyn Inbox>, String> {
        self.look_for_foreign(waiting, false).await?;
        // No client is let in before.
        self.read_revocations().await.map_err(in_words)?;
        let bus = &self.backend.bus;
        let inbox = bus.subscribe(&self.id).await.map_err(in_words)?;
        self.lease.register().await.map_err(in_words)?;
        if let Err(why) = self.look_for_foreign(waiting, true).await {
            self.lease.withdraw().await.map_err(in_words)?;
            return Err(why);
        }
        Ok(inbox)
    }

    /// A foreign node whose lease is gone without a trace is waited for: Redis may have lost the table, and a node that lives
    /// enters it again within a lease.
    async fn look_for_foreign(
        &self,
        waiting: &mut Waiting,
        is_registered: bool,
    ) -> Result<(), String> {
        let table = self.backend.leases.read().await.map_err(in_words)?;
        let now = Instant::now();
        let observer = &mut waiting.observer;
        observer.look(table.clone(), std::iter::empty(), now);
        let found = self.live_foreign(&table, observer, is_registered).await;
        waiting.foreign = match found.map_err(in_words)? {
            Some(foreign) => Some((foreign, now)),
            None => waiting.foreign.take().filter(|(foreign, seen_at)| {
                let is_listed = table.iter().any(|lease| lease.node == foreign.node);
                !is_listed && now - *seen_at < self.settings.lease
            }),
        };
        match &waiting.foreign {
            None => Ok(()),
            Some((foreign, _)) => {
                self.warn_of(foreign, "this node is not ready");
                Err(foreign.to_string())
            }
        }
    }

    /// A node of the table that lives and beside which this one cannot work. Those that are claimed cannot renew any more;
    /// those that are dead are no obstacle either, but may wake up: a node that has registered claims them before it serves.
    async fn live_foreign(
        &self,
        table: &[Lease],
        observer: &Observer,
        is_registered: bool,
    ) -> Result<Option<Foreign>, LeaseError> {
        let now = Instant::now();
        let mut dead = Vec::new();
        for lease in table.iter().filter(|lease| lease.claimed_by.is_none()) {
            let Some(foreign) = self.foreign(&lease.node).await? else {
                continue;
            };
            if !observer.holds_for_dead(lease, now) {
                return Ok(Some(foreign));
            }
            dead.push((lease, foreign));
        }
        if is_registered {
            for (lease, foreign) in dead {
                if !self.backend.leases.claim(lease, &self.id).await? {
                    return Ok(Some(foreign));
                }
            }
        }
        Ok(None)
    }

    /// This node's lease is gone: it was frozen and taken for dead, or Redis forgot it. It enters again, unless others run
    /// meanwhile beside which it cannot work.
    pub(crate) async fn enter_again(&self, observer: &Observer) -> Result<(), LeaseError> {
        let table = self.backend.leases.read().await?;
        if let Some(foreign) = self.live_foreign(&table, observer, false).await? {
            self.stay_out(&foreign);
            return Ok(());
        }
        self.lease.register().await?;
        self.reenter(observer).await
    }

    /// The lease is this node's own again. It may have been entered without an answer: then only its renewal tells.
    pub(crate) async fn reenter(&self, observer: &Observer) -> Result<(), LeaseError> {
        let was_outside = self.lease.is_outside();
        if was_outside {
            let table = self.backend.leases.read().await?;
            if let Some(foreign) = self.live_foreign(&table, observer, true).await? {
                self.lease.withdraw().await?;
                self.stay_out(&foreign);
                return Ok(());
            }
            self.lease.set_outside(false);
        }
        let reenters = self.lease.turn(|status| match status {
            Status::Reentering => Status::Serving,
            other => other.clone(),
        });
        if reenters || was_outside {
            self.repairs.doubt.assert_now();
        }
        Ok(())
    }

    /// It takes no session, asserts nothing and cleans up after no node, until the others are gone or an operator ends it.
    fn stay_out(&self, foreign: &Foreign) {
        self.lease.turn(|status| match status {
            Status::Starting(_) => Status::Starting(foreign.to_string()),
            Status::Serving | Status::Reentering => Status::Reentering,
            Status::Stopped => Status::Stopped,
        });
        // The cycle of assertions starts again, and waits.
        self.repairs.doubt.assert_now();
        self.warn_of(foreign, "this node is not in the cluster any more; end it");
    }

    fn warn_of(&self, foreign: &Foreign, what: &str) {
        if let Some(said) = self.lease.warnings.foreign.happened() {
            tracing::warn!(node.id = %foreign.node, "{what}: {foreign}{said}");
        }
    }
}

fn in_words(error: impl std::fmt::Display) -> String {
    error.to_string()
}
