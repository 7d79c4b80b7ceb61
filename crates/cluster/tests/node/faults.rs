//! Faults on demand: a bus that swallows, stops, dawdles or reports gaps, and a directory that loses an answer.

use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use async_trait::async_trait;
use bytes::Bytes;
use parking_lot::Mutex;
use switchboard_cluster::bucket::Bucket;
use switchboard_cluster::directory::{
    AttachOutcome, JoinOutcome, JoinRequest, LeaveOutcome, UpdateOutcome,
};
use switchboard_cluster::memory::MemoryCluster;
use switchboard_cluster::record::{Epoch, PeerRecord, RosterSnapshot};
use switchboard_cluster::{Bus, BusError, BusEvent, Directory, DirectoryError, Inbox, Profile};
use switchboard_protocol::{NodeId, PeerId, RoomId, UserId};
use tokio::sync::mpsc;
use tokio::time::{Duration, sleep};

/// A bus that swallows frames to some nodes, may be slow, and can inject gaps.
pub(crate) struct FaultyBus {
    inner: Arc<dyn Bus>,
    swallow: Mutex<HashSet<NodeId>>,
    pub(crate) down: AtomicBool,
    pub(crate) slow: Mutex<Duration>,
    pub(crate) published: AtomicUsize,
    gaps: Mutex<Vec<mpsc::UnboundedSender<()>>>,
}
impl FaultyBus {
    pub(crate) fn new(c: &MemoryCluster) -> Arc<Self> {
        Arc::new(Self {
            inner: c.backend().bus,
            swallow: Mutex::default(),
            down: AtomicBool::new(false),
            slow: Mutex::new(Duration::ZERO),
            published: AtomicUsize::new(0),
            gaps: Mutex::default(),
        })
    }
    /// Frames to this node are lost from now on.
    pub(crate) fn swallow(&self, n: &NodeId) {
        self.swallow.lock().insert(n.clone());
    }
    /// Nothing is lost any more.
    pub(crate) fn mend(&self) {
        self.swallow.lock().clear();
    }
    /// Says that frames may have been missed.
    pub(crate) fn gap(&self) {
        for g in self.gaps.lock().iter() {
            let _ = g.send(());
        }
    }
}
struct GappyInbox(Box<dyn Inbox>, mpsc::UnboundedReceiver<()>);
#[async_trait]
impl Inbox for GappyInbox {
    async fn next(&mut self) -> Option<BusEvent> {
        tokio::select! { e = self.0.next() => e, Some(()) = self.1.recv() => Some(BusEvent::Gap) }
    }
}
#[async_trait]
impl Bus for FaultyBus {
    async fn publish(&self, to: &NodeId, frame: Bytes) -> Result<u64, BusError> {
        if self.down.load(Ordering::Relaxed) {
            return Err(BusError::Unreachable("down".into()));
        }
        self.published.fetch_add(1, Ordering::Relaxed);
        let slow = *self.slow.lock();
        if slow > Duration::ZERO {
            sleep(slow).await;
        }
        if self.swallow.lock().contains(to) {
            return Ok(1);
        }
        self.inner.publish(to, frame).await
    }
    async fn subscribe(&self, node: &NodeId) -> Result<Box<dyn Inbox>, BusError> {
        let (s, r) = mpsc::unbounded_channel();
        self.gaps.lock().push(s);
        Ok(Box::new(GappyInbox(self.inner.subscribe(node).await?, r)))
    }
}

/// A directory whose leave loses its answer once, and whose open_bucket fails once.
pub(crate) struct FaultyDirectory {
    inner: Arc<dyn Directory>,
    pub(crate) lose_leave: AtomicBool,
    pub(crate) fail_open: AtomicBool,
}

impl FaultyDirectory {
    pub(crate) fn new(inner: Arc<dyn Directory>) -> Arc<Self> {
        Arc::new(Self {
            inner,
            lose_leave: AtomicBool::new(false),
            fail_open: AtomicBool::new(false),
        })
    }
}

#[async_trait]
impl Directory for FaultyDirectory {
    async fn join(&self, j: &JoinRequest) -> Result<JoinOutcome, DirectoryError> {
        self.inner.join(j).await
    }
    async fn leave(
        &self,
        r: &RoomId,
        p: &PeerId,
        e: Epoch,
    ) -> Result<LeaveOutcome, DirectoryError> {
        let o = self.inner.leave(r, p, e).await;
        if self.lose_leave.swap(false, Ordering::Relaxed) {
            return Err(DirectoryError::Unavailable("no answer".into()));
        }
        o
    }
    async fn update(
        &self,
        r: &RoomId,
        p: &PeerId,
        e: Epoch,
        f: &Profile,
    ) -> Result<UpdateOutcome, DirectoryError> {
        self.inner.update(r, p, e, f).await
    }
    async fn roster(&self, r: &RoomId) -> Result<RosterSnapshot, DirectoryError> {
        self.inner.roster(r).await
    }
    async fn open_bucket(&self, b: Bucket) -> Result<(), DirectoryError> {
        if self.fail_open.swap(false, Ordering::Relaxed) {
            return Err(DirectoryError::Unavailable("no answer".into()));
        }
        self.inner.open_bucket(b).await
    }
    async fn attach(
        &self,
        p: &PeerId,
        e: Epoch,
        n: &NodeId,
        u: &UserId,
    ) -> Result<AttachOutcome, DirectoryError> {
        self.inner.attach(p, e, n, u).await
    }
    async fn intend(
        &self,
        p: &PeerId,
        e: Epoch,
        r: &RoomId,
        w: bool,
    ) -> Result<bool, DirectoryError> {
        self.inner.intend(p, e, r, w).await
    }
    async fn peer(&self, p: &PeerId) -> Result<Option<PeerRecord>, DirectoryError> {
        self.inner.peer(p).await
    }
    async fn forget(&self, p: &PeerId, e: Epoch) -> Result<bool, DirectoryError> {
        self.inner.forget(p, e).await
    }
    async fn admit(
        &self,
        u: &UserId,
        p: &PeerId,
        n: &NodeId,
        m: u32,
    ) -> Result<bool, DirectoryError> {
        self.inner.admit(u, p, n, m).await
    }
    async fn dismiss(&self, u: &UserId, p: &PeerId) -> Result<(), DirectoryError> {
        self.inner.dismiss(u, p).await
    }
    async fn enlist(&self, n: &NodeId, p: &PeerId) -> Result<(), DirectoryError> {
        self.inner.enlist(n, p).await
    }
    async fn delist(&self, n: &NodeId, p: &PeerId) -> Result<(), DirectoryError> {
        self.inner.delist(n, p).await
    }
    async fn enlisted(&self, n: &NodeId) -> Result<Vec<PeerId>, DirectoryError> {
        self.inner.enlisted(n).await
    }
}
