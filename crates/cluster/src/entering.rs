//! How a node enters the cluster: it waits for the backend, and for nodes to go [beside which it cannot work](crate::format).

use tokio::time::{Duration, Instant, sleep};

use crate::backend::Reach;
use crate::bus::Inbox;
use crate::format::Foreign;
use crate::leases::LeaseError;
use crate::node::{Inner, Status};
use crate::observer::Observer;

/// Between two tries.
const RETRY: Duration = Duration::from_millis(250);

impl Inner {
    /// Tries until it is in; [`Status::Starting`] says what it waits for.
    pub(crate) async fn enter_cluster(&self) -> Box<dyn Inbox> {
        let mut reach = self.backend.reach.clone();
        let mut observer = Observer::new(self.id.clone(), self.settings.lease);
        loop {
            // An error means that the backend is gone, which it is not before this node.
            let _ = reach.wait_for(Reach::is_reached).await;
            match self.try_to_enter(&mut observer).await {
                Ok(inbox) => return inbox,
                Err(why) => {
                    self.status.send_replace(Status::Starting(why));
                    sleep(RETRY).await;
                }
            }
        }
    }

    /// Looks for foreign nodes before it registers, and again after that: of two that start at the same moment at least one
    /// sees the other, and gives its lease back.
    async fn try_to_enter(&self, observer: &mut Observer) -> Result<Box<dyn Inbox>, String> {
        self.look_for_foreign(observer).await?;
        let bus = &self.backend.bus;
        let inbox = bus.subscribe(&self.id).await.map_err(in_words)?;
        self.register().await.map_err(in_words)?;
        if let Err(why) = self.look_for_foreign(observer).await {
            let leases = &self.backend.leases;
            leases.release(&self.id).await.map_err(in_words)?;
            return Err(why);
        }
        Ok(inbox)
    }

    /// Those that are dead or have stopped are no obstacle: this node is to clean up after them.
    async fn look_for_foreign(&self, observer: &mut Observer) -> Result<(), String> {
        let mut table = self.backend.leases.read().await.map_err(in_words)?;
        let look = observer.look(table.clone(), std::iter::empty(), Instant::now());
        table.retain(|lease| !lease.is_abandoned() && !look.dead.contains(lease));
        let foreign = self.foreign_among(table.into_iter()).await;
        match foreign.map_err(in_words)? {
            None => Ok(()),
            Some(foreign) => {
                self.warn_of(&foreign, "this node is not ready");
                Err(foreign.to_string())
            }
        }
    }

    /// This node's lease is gone: it was frozen, and taken for dead. Whether others run meanwhile beside which it cannot work:
    /// then it stays out, takes nobody, and an operator has to end it.
    pub(crate) async fn is_shut_out(&self) -> Result<bool, LeaseError> {
        let table = self.backend.leases.read().await?;
        let live = table.into_iter().filter(|lease| lease.claimed_by.is_none());
        let foreign = self.foreign_among(live).await?;
        if let Some(foreign) = &foreign {
            self.status.send_replace(Status::Reentering);
            self.warn_of(foreign, "this node is not in the cluster any more; end it");
        }
        Ok(foreign.is_some())
    }

    fn warn_of(&self, foreign: &Foreign, what: &str) {
        if let Some(said) = self.warnings.foreign.happened() {
            tracing::warn!(node.id = %foreign.node, "{what}: {foreign}{said}");
        }
    }
}

fn in_words(error: impl std::fmt::Display) -> String {
    error.to_string()
}
