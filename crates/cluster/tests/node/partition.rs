//! A node that is cut off from everything but its clients, as one that is frozen is, and later comes back.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use async_trait::async_trait;
use bytes::Bytes;
use parking_lot::Mutex;
use switchboard_cluster::leases::{Lease, LeaseError, Renewal, SharedKey};
use switchboard_cluster::memory::MemoryCluster;
use switchboard_cluster::{Backend, Bus, BusError, BusEvent, Inbox, Leases, NodeInfo};
use switchboard_protocol::NodeId;
use tokio::sync::watch;
use tokio::time::{Duration, sleep};

use crate::faulty_directory::FaultyDirectory;

/// One node's way to its cluster.
pub(crate) struct Partition {
    pub(crate) directory: Arc<FaultyDirectory>,
    leases: Arc<CutLeases>,
    bus: Arc<CutBus>,
    cut: watch::Sender<bool>,
}

impl Partition {
    pub(crate) fn of(cluster: &MemoryCluster) -> Self {
        let backend = cluster.backend();
        let cut = watch::Sender::new(false);
        Self {
            directory: FaultyDirectory::new(backend.directory),
            leases: Arc::new(CutLeases {
                inner: backend.leases,
                cut: AtomicBool::new(false),
                late: Mutex::default(),
                keys_asked: AtomicUsize::new(0),
            }),
            bus: Arc::new(CutBus {
                inner: backend.bus,
                cut: cut.subscribe(),
            }),
            cut,
        }
    }

    pub(crate) fn backend(&self, cluster: &MemoryCluster) -> Backend {
        Backend {
            directory: self.directory.clone(),
            leases: self.leases.clone(),
            bus: self.bus.clone(),
            ..cluster.backend()
        }
    }

    /// Nothing comes or goes any more, or everything does again.
    pub(crate) fn cut(&self, cut: bool) {
        self.directory.cut(cut);
        self.cut_lease(cut);
        self.cut.send_replace(cut);
    }

    /// Such a call to the leases has its effect at once, and its answer is late by so much.
    pub(crate) fn answer_late(&self, call: &'static str, by: Duration) {
        *self.leases.late.lock() = Some((call, by));
    }

    /// How often the cluster's key was asked for.
    pub(crate) fn keys_asked(&self) -> usize {
        self.leases.keys_asked.load(Ordering::Relaxed)
    }

    /// The lease alone cannot be raised any more: the node lives, and is taken for dead.
    pub(crate) fn cut_lease(&self, cut: bool) {
        self.leases.cut.store(cut, Ordering::Relaxed);
    }
}

struct CutBus {
    inner: Arc<dyn Bus>,
    cut: watch::Receiver<bool>,
}

#[async_trait]
impl Bus for CutBus {
    async fn publish(&self, to: &NodeId, frame: Bytes) -> Result<u64, BusError> {
        if *self.cut.borrow() {
            return Err(BusError::Unreachable("it is cut".into()));
        }
        self.inner.publish(to, frame).await
    }

    async fn subscribe(&self, node: &NodeId) -> Result<Box<dyn Inbox>, BusError> {
        let inner = self.inner.subscribe(node).await?;
        let cut = self.cut.clone();
        Ok(Box::new(CutInbox { inner, cut }))
    }
}

/// What comes while it is cut is lost, and a gap is told as it is mended.
struct CutInbox {
    inner: Box<dyn Inbox>,
    cut: watch::Receiver<bool>,
}

#[async_trait]
impl Inbox for CutInbox {
    async fn next(&mut self) -> Option<BusEvent> {
        loop {
            tokio::select! {
                biased;
                Ok(()) = self.cut.changed() => {
                    if !*self.cut.borrow_and_update() {
                        return Some(BusEvent::Gap);
                    }
                }
                event = self.inner.next() => {
                    if !*self.cut.borrow() {
                        return event;
                    }
                }
            }
        }
    }
}

struct CutLeases {
    inner: Arc<dyn Leases>,
    cut: AtomicBool,
    late: Mutex<Option<(&'static str, Duration)>>,
    keys_asked: AtomicUsize,
}

macro_rules! forward {
    ($(fn $call:ident($($arg:ident: $type:ty),*) -> $answer:ty;)*) => {
        #[async_trait]
        impl Leases for CutLeases {
            $(
                async fn $call(&self, $($arg: $type),*) -> Result<$answer, LeaseError> {
                    if self.cut.load(Ordering::Relaxed) {
                        return Err(LeaseError("it is cut".into()));
                    }
                    let call = stringify!($call);
                    if call == "cluster_key" {
                        self.keys_asked.fetch_add(1, Ordering::Relaxed);
                    }
                    let answer = self.inner.$call($($arg),*).await;
                    let late = self.late.lock().filter(|(late, _)| *late == call);
                    if let Some((_, by)) = late {
                        sleep(by).await;
                    }
                    answer
                }
            )*
        }
    };
}

forward! {
    fn register(node: &NodeId, info: &NodeInfo) -> bool;
    fn renew(node: &NodeId, above: &u64) -> Renewal;
    fn read() -> Vec<Lease>;
    fn claim(seen: &Lease, claimer: &NodeId) -> bool;
    fn bury(node: &NodeId, claimer: &NodeId) -> ();
    fn release(node: &NodeId) -> ();
    fn abandon(node: &NodeId) -> ();
    fn info(node: &NodeId) -> Option<NodeInfo>;
    fn cluster_key(offered: &SharedKey) -> SharedKey;
}
