//! Faults of the bus on demand: it swallows, stops, dawdles or reports gaps.

use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use async_trait::async_trait;
use bytes::Bytes;
use parking_lot::Mutex;
use switchboard_cluster::memory::MemoryCluster;
use switchboard_cluster::{Bus, BusError, BusEvent, Inbox};
use switchboard_protocol::NodeId;
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
