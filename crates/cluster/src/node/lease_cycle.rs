//! The life of a node: it [enters](crate::node::entering) the cluster, renews its lease, looks at those of others, and cleans
//! up after nodes that died.

use std::sync::Arc;

use switchboard_protocol::NodeId;
use tokio::time::{Instant, MissedTickBehavior, interval};

use crate::backend::leases::{LeaseError, Renewal};
use crate::node::observer::Observer;
use crate::node::reaper::NodeEnd;
use crate::node::{Inner, Status};
use crate::observe::Observation;
use crate::observe::repeated::Repeated;
use crate::sabotage::{Guard, is_out};
use crate::tasks::Task;

/// A lease is renewed so many times in the time after which it counts as lost.
const RENEWALS_PER_LEASE: u32 = 4;

impl Inner {
    /// Lives until the node stops.
    pub(crate) async fn live(self: Arc<Self>) {
        let inbox = tokio::select! {
            biased;
            () = self.tasks.stopped() => return,
            inbox = self.enter_cluster() => inbox,
        };
        let looped = self
            .links
            .take_looped()
            .expect("a node enters the cluster once");
        let reader = self.clone();
        self.tasks.vital(Task::Reader, async move {
            reader.receive(inbox, looped).await;
        });
        self.tasks
            .vital(Task::Assertion, self.clone().assert_always());
        self.tasks
            .vital(Task::Revocations, self.clone().read_revocations_always());
        tokio::select! {
            biased;
            () = self.tasks.stopped() => {}
            () = self.keep_lease() => {}
        }
    }

    async fn keep_lease(self: &Arc<Self>) {
        let period = self.settings.lease / RENEWALS_PER_LEASE;
        let mut observer = Observer::new(self.id.clone(), self.settings.lease);
        let failing = Repeated::new();
        let mut ticks = interval(period);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            ticks.tick().await;
            match self.renew_and_look(&mut observer).await {
                Ok(true) => {
                    self.observe.observe(Observation::LeaseRenewed);
                    if let Some(lasted) = failing.ended() {
                        tracing::info!("the lease is renewed again (it failed {lasted})");
                    }
                }
                Ok(false) => {}
                Err(error) => {
                    observer.start_again();
                    self.observe.observe(Observation::LeaseFailed);
                    if let Some(said) = failing.happened() {
                        tracing::warn!(%error, "the lease could not be renewed; connections stay open{said}");
                    }
                }
            }
            self.lease.key.look_if_in_doubt().await;
        }
    }

    /// True if this node's own lease was renewed.
    async fn renew_and_look(self: &Arc<Self>, observer: &mut Observer) -> Result<bool, LeaseError> {
        let leases = &self.backend.leases;
        let renewal = self.lease.renew().await?;
        match &renewal {
            Renewal::Renewed { .. } => self.reenter(observer).await?,
            _ if is_out(Guard::LeaseSelfCheck) => {}
            lost => self.lose_lease(lost, observer).await?,
        }
        let table = leases.read().await?;
        let linked = self.links.all().into_iter().map(|link| link.to().clone());
        let look = observer.look(table.clone(), linked, Instant::now());
        for node in look.vanished {
            self.links.close(&node);
        }
        let is_claimed = matches!(renewal, Renewal::Claimed { .. });
        if self.lease.is_outside() && !is_claimed {
            // No node would clean up after this one, and those that are in may not be able to read what it writes. One that is claimed
            // may have to clean up after itself.
            return Ok(false);
        }
        // A claim may have taken effect without an answer: then only this node can know that it is to clean up.
        let claimed = table
            .iter()
            .filter(|lease| lease.node != self.id && lease.claimed_by.as_ref() == Some(&self.id));
        for lease in claimed {
            self.spawn_reaping(&lease.node, NodeEnd::Died);
        }
        for lease in look.dead {
            // A node cleans up after what it claims, and one that stops does not begin with that.
            if !self.tasks.is_stopping() && leases.claim(&lease, &self.id).await? {
                self.spawn_reaping(&lease.node, NodeEnd::told_by(&lease));
            }
        }
        Ok(matches!(renewal, Renewal::Renewed { .. }))
    }

    fn spawn_reaping(self: &Arc<Self>, dead: &NodeId, how: NodeEnd) {
        // A node that stops gives its lease back only once it is done with those of others, and begins with no more.
        if self.tasks.is_stopping() || !self.lease.begin_reaping(dead) {
            return;
        }
        let (node, dead) = (self.clone(), dead.clone());
        self.tasks.errand(Task::Reaping, async move {
            let reaping = node.clone().reap(dead.clone(), how);
            node.tasks.guarded_in(Task::Reaping, reaping).await;
            node.lease.end_reaping(&dead);
        });
    }

    /// This node was taken for dead, or its lease was forgotten. Sockets stay. While another node cleans up after it, it
    /// takes no session; then it enters again, and finds out session by session which node has each now.
    async fn lose_lease(&self, lost: &Renewal, observer: &Observer) -> Result<(), LeaseError> {
        if self.tasks.is_stopping() {
            // It stops, and has just given its lease back.
            return Ok(());
        }
        let is_claimed = matches!(lost, Renewal::Claimed { .. });
        let has_served = [Status::Serving, Status::Reentering].contains(&self.lease.status());
        if is_claimed && has_served {
            if self.lease.turn(|_| Status::Reentering) {
                self.note_lease_lost(lost);
            }
            return Ok(());
        }
        if *lost == Renewal::Missing {
            if self.lease.set_outside(true) {
                self.note_lease_lost(lost);
            }
            self.enter_again(observer).await?;
        }
        Ok(())
    }

    fn note_lease_lost(&self, lost: &Renewal) {
        self.observe.observe(Observation::LeaseLost);
        if let Some(said) = self.lease.warnings.lost.happened() {
            let sessions = self.sessions.live_count();
            let claimer = match lost {
                Renewal::Claimed { by } => Some(by.as_str()),
                Renewal::Renewed { .. } | Renewal::Missing => None,
            };
            tracing::warn!(
                node.id = claimer,
                ?lost,
                sessions,
                "this node's lease is lost; connections stay open{said}"
            );
        }
    }
}
