//! A node's life: it waits for the backend, enters the cluster, keeps its lease, and cleans up after those that died.

use std::sync::Arc;

use tokio::time::{Duration, Instant, MissedTickBehavior, interval, sleep};

use crate::bucket::Bucket;
use crate::bus::Inbox;
use crate::frame::ClusterKey;
use crate::leases::{LeaseError, Renewal};
use crate::node::{Inner, Status};
use crate::observe::Observation;
use crate::observer::Observer;

/// Between two tries to enter the cluster.
const RETRY: Duration = Duration::from_millis(250);
/// A lease is renewed so many times in the time after which it counts as lost.
const RENEWALS_PER_LEASE: u32 = 4;

impl Inner {
    /// Lives until the node stops.
    pub(crate) async fn live(self: Arc<Self>) {
        let inbox = tokio::select! {
            inbox = self.enter_cluster() => inbox,
            () = self.stop.cancelled() => return,
        };
        let looped = self
            .looped
            .lock()
            .take()
            .expect("a node enters the cluster once");
        let reader = self.clone();
        self.tasks
            .spawn(async move { reader.read(inbox, looped).await });
        tracing::info!(node.id = %self.id, "this node serves");
        self.status.send_replace(Status::Serving);
        tokio::select! {
            () = self.keep_lease() => {}
            () = self.stop.cancelled() => {}
        }
    }

    async fn enter_cluster(&self) -> Box<dyn Inbox> {
        let mut reach = self.backend.reach.clone();
        loop {
            // An error means that the backend is gone, which it is not before this node.
            let _ = reach.wait_for(crate::backend::Reach::is_reached).await;
            match self.try_to_enter().await {
                Ok(inbox) => return inbox,
                Err(why) => {
                    self.status.send_replace(Status::Starting(why));
                    sleep(RETRY).await;
                }
            }
        }
    }

    async fn try_to_enter(&self) -> Result<Box<dyn Inbox>, String> {
        let inbox = self
            .backend
            .bus
            .subscribe(&self.id)
            .await
            .map_err(in_words)?;
        self.register().await.map_err(in_words)?;
        Ok(inbox)
    }

    async fn register(&self) -> Result<(), LeaseError> {
        self.agree_on_key().await?;
        self.backend
            .leases
            .register(&self.id, &self.settings.info)
            .await?;
        for bucket in Bucket::all() {
            let opened = self.backend.directory.open_bucket(bucket).await;
            opened.map_err(|error| LeaseError(error.to_string()))?;
        }
        Ok(())
    }

    /// A configured key counts. Else this node offers the one it has, and takes the one there is: after Redis forgot it,
    /// whoever comes first brings it back.
    async fn agree_on_key(&self) -> Result<(), LeaseError> {
        let key = match &self.settings.cluster_key {
            Some(key) => key.clone(),
            None => {
                let own = self.keyring.get().unwrap_or_else(ClusterKey::random);
                ClusterKey(self.backend.leases.cluster_key(&own.0).await?)
            }
        };
        self.keyring.set(key);
        Ok(())
    }

    async fn keep_lease(self: &Arc<Self>) {
        let period = self.settings.lease / RENEWALS_PER_LEASE;
        let mut observer = Observer::new(self.id.clone(), self.settings.lease);
        let mut renewed_at = Instant::now();
        let mut ticks = interval(period);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            ticks.tick().await;
            match self.renew_and_look(&mut observer).await {
                Ok(true) => {
                    self.observe.observe(Observation::LeaseRenewed {
                        after: renewed_at.elapsed(),
                    });
                    renewed_at = Instant::now();
                }
                Ok(false) => {}
                Err(error) => {
                    observer.start_again();
                    self.observe.observe(Observation::LeaseFailed);
                    tracing::warn!(%error, "the lease could not be kept; sockets stay");
                }
            }
        }
    }

    /// True if this node's own lease was renewed.
    async fn renew_and_look(self: &Arc<Self>, observer: &mut Observer) -> Result<bool, LeaseError> {
        let leases = &self.backend.leases;
        let renewal = leases.renew(&self.id).await?;
        match &renewal {
            Renewal::Renewed => self.serve_again().await?,
            lost => self.lose_lease(lost).await?,
        }
        let look = observer.look(leases.read().await?, Instant::now());
        for node in look.vanished {
            self.drop_link(&node);
        }
        for lease in look.dead {
            if leases.claim(&lease, &self.id).await? {
                let node = self.clone();
                self.tasks.spawn(async move { node.reap(lease.node).await });
            }
        }
        Ok(renewal == Renewal::Renewed)
    }

    /// A node that is entering anew serves once all of it is done: the steps may have failed halfway before.
    async fn serve_again(&self) -> Result<(), LeaseError> {
        if *self.status.borrow() != Status::Reentering {
            return Ok(());
        }
        self.register().await?;
        // The others may have forgotten this node's links, and the key may be another.
        for link in self.links() {
            self.start_link_anew(&link);
        }
        self.status.send_replace(Status::Serving);
        Ok(())
    }

    /// This node was taken for dead, or forgotten: its sessions' places in the rooms are gone or going. It lets go of all
    /// of them (their clients come again) and enters anew once the reaper is done.
    async fn lose_lease(&self, lost: &Renewal) -> Result<(), LeaseError> {
        if self.departing.is_closed() {
            // It stops, and has just given its lease back.
            return Ok(());
        }
        if self.status.send_replace(Status::Reentering) != Status::Reentering {
            self.observe.observe(Observation::LeaseLost);
            tracing::warn!(
                ?lost,
                sessions = self.locals.len(),
                "this node's lease is lost; its sessions have to come again"
            );
            for local in &self.locals {
                local.recipient.let_go();
            }
        }
        if *lost == Renewal::Missing {
            self.serve_again().await?;
        }
        Ok(())
    }
}

fn in_words(error: impl std::fmt::Display) -> String {
    error.to_string()
}
