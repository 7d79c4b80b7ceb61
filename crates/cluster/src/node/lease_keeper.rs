//! A node's own lease, and what follows from it: whether the node serves, and which dead nodes it cleans up after.

use std::collections::BTreeSet;
use std::sync::Arc;

use switchboard_protocol::NodeId;
use tokio::sync::watch;
use tokio::time::{Duration, Instant};

use crate::backend::leases::{LeaseError, Leases, NodeInfo, Renewal};
use crate::node::key_agreement::KeyAgreement;
use crate::node::status::Status;
use crate::observe::repeated::Repeated;
use crate::repair::doubt::Doubt;

/// What keeps the lease of one node.
pub(crate) struct LeaseKeeper {
    own: NodeId,
    info: NodeInfo,
    /// A node whose lease did not move for so long is dead.
    lease: Duration,
    leases: Arc<dyn Leases>,
    doubt: Arc<Doubt>,
    pub(crate) key: KeyAgreement,
    /// Held while the lease is renewed.
    last: tokio::sync::Mutex<LastRenewal>,
    status: watch::Sender<Status>,
    /// The lease is gone, and this node has not entered again yet.
    outside: watch::Sender<bool>,
    /// Nodes that this one is cleaning up after.
    reaping: parking_lot::Mutex<BTreeSet<NodeId>>,
    pub(crate) warnings: Warnings,
}

/// What a fault can repeat, and an operator need not read each time.
#[derive(Default)]
pub(crate) struct Warnings {
    pub(crate) lost: Repeated,
    pub(crate) reaping_fails: Repeated,
    pub(crate) foreign: Repeated,
}

/// What this node knows of its own lease.
#[derive(Default)]
struct LastRenewal {
    /// As it last was, if it is this node's.
    renewed: Option<Renewed>,
    /// Its counter was that high, in whichever past of Redis.
    highest: u64,
}

struct Renewed {
    counter: u64,
    at: Instant,
}

impl LeaseKeeper {
    /// It has no lease yet. `status`: where the node says whether it serves.
    pub(crate) fn new(
        own: NodeId,
        (info, lease): (NodeInfo, Duration),
        leases: Arc<dyn Leases>,
        doubt: Arc<Doubt>,
        (key, status): (KeyAgreement, watch::Sender<Status>),
    ) -> Self {
        Self {
            own,
            info,
            lease,
            leases,
            doubt,
            key,
            last: tokio::sync::Mutex::default(),
            status,
            outside: watch::Sender::new(false),
            reaping: parking_lot::Mutex::default(),
            warnings: Warnings::default(),
        }
    }

    pub(crate) fn status(&self) -> Status {
        self.status.borrow().clone()
    }

    pub(crate) fn is_serving(&self) -> bool {
        *self.status.borrow() == Status::Serving
    }

    pub(crate) fn watch_status(&self) -> watch::Receiver<Status> {
        self.status.subscribe()
    }

    /// Sets the status to what `next` makes of it. True: it is another one.
    pub(crate) fn turn(&self, next: impl FnOnce(&Status) -> Status) -> bool {
        self.status.send_if_modified(|status| {
            let next = next(status);
            std::mem::replace(status, next) != *status
        })
    }

    /// The lease is gone, and this node has not entered again yet.
    pub(crate) fn is_outside(&self) -> bool {
        *self.outside.borrow()
    }

    /// False: it was so before.
    pub(crate) fn set_outside(&self, outside: bool) -> bool {
        self.outside.send_replace(outside) != outside
    }

    /// Comes when the lease is this node's own. Cancel safe.
    pub(crate) async fn inside(&self) {
        // There is a sender for as long as this is.
        let _ = self.outside.subscribe().wait_for(|outside| !outside).await;
    }

    /// Enters the table of nodes.
    pub(crate) async fn register(&self) -> Result<(), LeaseError> {
        self.key.agree().await?;
        self.last.lock().await.renewed = None;
        self.leases.register(&self.own, &self.info).await?;
        Ok(())
    }

    /// Raises this node's counter, which also tells that Redis went back in time: if it was not what this node last raised
    /// it to, or is gone before another node could take this one for dead. Each time it goes on above all that it ever was,
    /// so that it also tells where Redis goes back once more, to a later past.
    pub(crate) async fn renew(&self) -> Result<Renewal, LeaseError> {
        let mut last = self.last.lock().await;
        let renewal = self.leases.renew(&self.own, &last.highest).await?;
        let went_back = last.renewed.as_ref().is_some_and(|before| match &renewal {
            Renewal::Renewed { was, .. } => *was < before.counter,
            Renewal::Missing => before.at.elapsed() < self.lease,
            Renewal::Claimed { .. } => false,
        });
        last.renewed = match renewal {
            Renewal::Renewed { counter, .. } => Some(Renewed {
                counter,
                at: Instant::now(),
            }),
            _ => None,
        };
        if let Some(renewed) = &last.renewed {
            last.highest = renewed.counter;
        }
        if went_back {
            self.doubt.note_went_back();
        }
        Ok(renewal)
    }

    /// Takes the lease out of the table again: the node does not enter after all.
    pub(crate) async fn withdraw(&self) -> Result<(), LeaseError> {
        self.last.lock().await.renewed = None;
        self.leases.release(&self.own).await
    }

    /// The node stops. Where it `leaves_nothing`, its lease goes; else another node takes over at once what it leaves.
    pub(crate) async fn give_back(
        &self,
        leaves_nothing: impl Future<Output = bool>,
    ) -> Result<(), LeaseError> {
        // A renewal that comes meanwhile finds the lease missing, which is no sign that the directory went back in time.
        let mut last = self.last.lock().await;
        last.renewed = None;
        if leaves_nothing.await {
            self.leases.release(&self.own).await
        } else {
            self.leases.abandon(&self.own).await
        }
    }

    /// False: this node cleans up after that one already.
    pub(crate) fn begin_reaping(&self, dead: &NodeId) -> bool {
        self.reaping.lock().insert(dead.clone())
    }

    pub(crate) fn end_reaping(&self, dead: &NodeId) {
        self.reaping.lock().remove(dead);
    }

    pub(crate) fn is_reaping(&self) -> bool {
        !self.reaping.lock().is_empty()
    }
}
