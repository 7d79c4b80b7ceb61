//! A node's life: it [enters](crate::node::entering) the cluster, keeps its lease, and cleans up after those that died.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use switchboard_protocol::NodeId;
use tokio::time::{Instant, MissedTickBehavior, interval};

use crate::backend::leases::{LeaseError, Renewal, SharedKey};
use crate::link::keyring::ClusterKey;
use crate::node::observer::Observer;
use crate::node::reaper::Gone;
use crate::node::{Inner, Status};
use crate::observe::Observation;
use crate::observe::repeated::Repeated;
use crate::sabotage::{Guard, is_out};
use crate::tasks::Task;

/// A lease is renewed so many times in the time after which it counts as lost.
const RENEWALS_PER_LEASE: u32 = 4;

/// What this node knows of its own lease.
#[derive(Default)]
pub(crate) struct OwnLease {
    /// As it last was, if it is this node's.
    renewed: Option<Renewed>,
    /// Its counter was that high, in whichever past of Redis.
    highest: u64,
}

struct Renewed {
    counter: u64,
    at: Instant,
}

/// The key that the cluster agreed on.
#[derive(Default)]
pub(crate) struct Agreement {
    generation: u64,
    /// When this node asked for it, the last time that it was told.
    asked_at: Option<Instant>,
}

impl OwnLease {
    /// It is not this node's, or is about to be another one.
    pub(crate) fn forget(&mut self) {
        self.renewed = None;
    }
}

impl Inner {
    /// Lives until the node stops.
    pub(crate) async fn live(self: Arc<Self>) {
        let inbox = tokio::select! {
            biased;
            () = self.stop.cancelled() => return,
            inbox = self.enter_cluster() => inbox,
        };
        let looped = self
            .links
            .take_looped()
            .expect("a node enters the cluster once");
        let reader = self.clone();
        self.vital.spawn(Task::Reader, async move {
            reader.read(inbox, looped).await;
        });
        self.vital
            .spawn(Task::Assertion, self.clone().assert_always());
        tokio::select! {
            biased;
            () = self.stop.cancelled() => {}
            () = self.keep_lease() => {}
        }
    }

    pub(crate) async fn register(&self) -> Result<(), LeaseError> {
        self.agree_on_key().await?;
        let leases = &self.backend.leases;
        self.own_lease.lock().await.forget();
        leases.register(&self.id, &self.settings.info).await?;
        Ok(())
    }

    /// A configured key counts. Else this node offers the one it has, and takes the one there is: after Redis forgot it,
    /// whoever comes first brings one back. If that was a node that has just started, with a key of its own, this one
    /// insists, with a higher generation: what was made with the old key is still good then.
    pub(crate) async fn agree_on_key(&self) -> Result<(), LeaseError> {
        let mut agreement = self.agreement.lock().await;
        self.agree(&mut agreement).await
    }

    /// Looks whether there is another key, under which something is right that is wrong under those that are known. Of many
    /// who come at the same time one asks, and the others have his answer: theirs would be the same.
    pub(crate) async fn look_at_key_for(
        &self,
        is_right: impl Fn() -> bool,
    ) -> Result<(), LeaseError> {
        let came_at = Instant::now();
        let mut agreement = self.agreement.lock().await;
        let is_answered = agreement.asked_at.is_some_and(|asked| asked > came_at);
        if is_answered || is_right() {
            return Ok(());
        }
        self.agree(&mut agreement).await
    }

    async fn agree(&self, agreement: &mut Agreement) -> Result<(), LeaseError> {
        let asked_at = Instant::now();
        let (key, generation) = match (&self.settings.cluster_key, self.keyring.get()) {
            (Some(key), _) => {
                self.keyring.set(key.clone());
                return Ok(());
            }
            (None, None) => (ClusterKey::random(), 1),
            (None, Some(key)) => (key, agreement.generation),
        };
        let mut offered = SharedKey {
            key: *key.bytes(),
            generation,
            former: None,
        };
        let leases = &self.backend.leases;
        let mut known = leases.cluster_key(&offered).await?;
        // A node that has never served has let nobody in, and nothing is lost with its key.
        let is_starting = matches!(*self.status.borrow(), Status::Starting(_));
        if !is_starting && known.key != offered.key && known.generation <= offered.generation {
            offered.generation = known.generation.saturating_add(1);
            known = leases.cluster_key(&offered).await?;
        }
        agreement.generation = known.generation;
        agreement.asked_at = Some(asked_at);
        if let Some(former) = known.former {
            self.keyring.accept(ClusterKey::from_bytes(former));
        }
        self.keyring.set(ClusterKey::from_bytes(known.key));
        Ok(())
    }

    /// Where frames came that were made with another key than this node knows: it may have been agreed on since.
    async fn look_at_key_in_doubt(&self) {
        let in_doubt = self.key_in_doubt.swap(false, Ordering::Relaxed);
        if in_doubt && self.agree_on_key().await.is_err() {
            self.key_in_doubt.store(true, Ordering::Relaxed);
        }
    }

    async fn keep_lease(self: &Arc<Self>) {
        let period = self.settings.lease / RENEWALS_PER_LEASE;
        let mut observer = Observer::new(self.id.clone(), self.settings.lease);
        let mut renewed_at = Instant::now();
        let failing = Repeated::new();
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
                    if let Some(lasted) = failing.ended() {
                        tracing::info!("the lease is kept again (it failed {lasted})");
                    }
                }
                Ok(false) => {}
                Err(error) => {
                    observer.start_again();
                    self.observe.observe(Observation::LeaseFailed);
                    if let Some(said) = failing.happened() {
                        tracing::warn!(%error, "the lease could not be kept; sockets stay{said}");
                    }
                }
            }
            self.look_at_key_in_doubt().await;
        }
    }

    /// True if this node's own lease was renewed.
    async fn renew_and_look(self: &Arc<Self>, observer: &mut Observer) -> Result<bool, LeaseError> {
        let leases = &self.backend.leases;
        let renewal = self.renew().await?;
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
        if *self.outside.borrow() && !is_claimed {
            // Nobody would clean up after this node, and those who are in may not read what it writes. One that is claimed
            // may have to clean up after itself.
            return Ok(false);
        }
        // A claim may have taken effect without an answer: then nobody but this node can know that it is to clean up.
        let claimed = table
            .iter()
            .filter(|lease| lease.node != self.id && lease.claimed_by.as_ref() == Some(&self.id));
        for lease in claimed {
            self.spawn_reaping(&lease.node, Gone::Died);
        }
        for lease in look.dead {
            // What it claims it is to clean up, and whoever stops does not begin with that.
            if !self.departing.is_closed() && leases.claim(&lease, &self.id).await? {
                self.spawn_reaping(&lease.node, Gone::told_by(&lease));
            }
        }
        Ok(matches!(renewal, Renewal::Renewed { .. }))
    }

    /// Raises this node's counter, which also tells that Redis went back in time: if it was not what this node last raised
    /// it to, or is gone before anybody could take this node for dead. Each time it goes on above all that it ever was, so
    /// that it also tells where Redis goes back once more, to a later past.
    pub(crate) async fn renew(&self) -> Result<Renewal, LeaseError> {
        let mut own = self.own_lease.lock().await;
        let renewal = self.backend.leases.renew(&self.id, &own.highest).await?;
        let went_back = own.renewed.as_ref().is_some_and(|before| match &renewal {
            Renewal::Renewed { was, .. } => *was < before.counter,
            Renewal::Missing => before.at.elapsed() < self.settings.lease,
            Renewal::Claimed { .. } => false,
        });
        own.renewed = match renewal {
            Renewal::Renewed { counter, .. } => Some(Renewed {
                counter,
                at: Instant::now(),
            }),
            _ => None,
        };
        if let Some(renewed) = &own.renewed {
            own.highest = renewed.counter;
        }
        if went_back {
            self.doubt.note_went_back();
        }
        Ok(renewal)
    }

    fn spawn_reaping(self: &Arc<Self>, dead: &NodeId, how: Gone) {
        // Whoever stops gives no lease back before it is done with those of others, and begins with no more.
        if self.departing.is_closed() || !self.reaping.lock().insert(dead.clone()) {
            return;
        }
        let (node, dead) = (self.clone(), dead.clone());
        self.spawn_errand(Task::Reaping, async move {
            let reaping = node.clone().reap(dead.clone(), how);
            node.guarded_in(Task::Reaping, reaping).await;
            node.reaping.lock().remove(&dead);
        });
    }

    /// This node was taken for dead, or its lease was forgotten. Sockets stay. While another node cleans up after it, it
    /// takes nobody; then it enters anew, and finds out session by session whose each is now.
    async fn lose_lease(&self, lost: &Renewal, observer: &Observer) -> Result<(), LeaseError> {
        if self.departing.is_closed() {
            // It stops, and has just given its lease back.
            return Ok(());
        }
        let is_claimed = matches!(lost, Renewal::Claimed { .. });
        let serves = [Status::Serving, Status::Reentering].contains(&*self.status.borrow());
        if is_claimed && serves {
            if self.status.send_replace(Status::Reentering) != Status::Reentering {
                self.note_lease_lost(lost);
            }
            return Ok(());
        }
        if *lost == Renewal::Missing {
            if !self.outside.send_replace(true) {
                self.note_lease_lost(lost);
            }
            self.enter_again(observer).await?;
        }
        Ok(())
    }

    fn note_lease_lost(&self, lost: &Renewal) {
        self.observe.observe(Observation::LeaseLost);
        if let Some(said) = self.warnings.lease_lost.happened() {
            let sessions = self.locals.len();
            let claimer = match lost {
                Renewal::Claimed { by } => Some(by.as_str()),
                Renewal::Renewed { .. } | Renewal::Missing => None,
            };
            tracing::warn!(
                node.id = claimer,
                ?lost,
                sessions,
                "this node's lease is lost; sockets stay{said}"
            );
        }
    }
}
