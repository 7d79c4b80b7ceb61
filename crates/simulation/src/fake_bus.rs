//! A bus that loses, repeats and reorders frames, hangs with its server, and leaves a node deaf.

use std::collections::BTreeMap;
use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use parking_lot::Mutex;
use switchboard_cluster::{Bus, BusError, BusEvent, Inbox};
use switchboard_protocol::NodeId;
use tokio::sync::mpsc;
use tokio::time::{Duration, sleep, timeout};

use crate::path::Path;

/// A publish without an answer counts as failed after this; the frame may arrive all the same.
const PUBLISH_TIMEOUT: Duration = Duration::from_secs(1);
/// Words to one node about frames it missed; more than that say the same again.
const GAPS: usize = 8;

/// Every node's path, by its channel.
pub(crate) type Channels = Arc<Mutex<BTreeMap<NodeId, Channel>>>;

/// What the broker knows of a subscriber.
#[derive(Clone)]
pub(crate) struct Channel {
    pub(crate) path: Arc<Path>,
    gaps: mpsc::Sender<()>,
}

impl Channel {
    /// The subscription was lost and is back.
    pub(crate) fn tell_gap(&self) {
        let _ = self.gaps.try_send(());
    }
}

/// What one node has instead of the bus itself.
pub(crate) struct FakeBus {
    path: Arc<Path>,
    inner: Arc<dyn Bus>,
    channels: Channels,
}

impl FakeBus {
    pub(crate) fn new(path: Arc<Path>, inner: Arc<dyn Bus>, channels: Channels) -> Self {
        Self {
            path,
            inner,
            channels,
        }
    }

    /// Takes a frame to whoever listens on that channel now.
    async fn deliver(inner: &dyn Bus, channels: &Channels, to: &NodeId, frame: Bytes) -> u64 {
        let channel = channels.lock().get(to).cloned();
        match channel.map(|channel| channel.path) {
            None => 0,
            Some(path) if path.gate.is_gone() || path.is_cut() => 0,
            Some(path) if path.is_deaf() => 1,
            // The memory bus has a place for it, or says that there is a gap.
            Some(_) => inner.publish(to, frame).await.unwrap_or(0),
        }
    }

    /// What the network makes of a frame.
    async fn travel(&self, to: &NodeId, frame: Bytes) -> u64 {
        let badness = *self.path.server.badness.lock();
        let random = &self.path.random;
        self.path.server.gate.pass().await;
        if random.chance(badness.lost) {
            return 1;
        }
        if random.chance(badness.repeated) {
            Self::deliver(&*self.inner, &self.channels, to, frame.clone()).await;
        }
        if !random.chance(badness.delayed) {
            return Self::deliver(&*self.inner, &self.channels, to, frame).await;
        }
        let pause = random.millis(1..250);
        let (inner, channels, to) = (self.inner.clone(), self.channels.clone(), to.clone());
        tokio::spawn(async move {
            sleep(pause).await;
            Self::deliver(&*inner, &channels, &to, frame).await
        });
        1
    }
}

#[async_trait]
impl Bus for FakeBus {
    async fn publish(&self, to: &NodeId, frame: Bytes) -> Result<u64, BusError> {
        let unreachable = || Err(BusError::Unreachable("it is cut".into()));
        self.path.gate.pass().await;
        if self.path.is_cut() {
            return unreachable();
        }
        let latency = self.path.latency();
        if !latency.is_zero() {
            sleep(latency).await;
        }
        self.path.gate.pass().await;
        let unanswered = || BusError::Unanswered("no answer".into());
        let cut = self.path.is_cut();
        if cut && self.path.random.chance(500) {
            return Err(unanswered());
        }
        let seen = timeout(PUBLISH_TIMEOUT, self.travel(to, frame)).await;
        self.path.gate.pass().await;
        let badness = *self.path.server.badness.lock();
        match seen {
            Ok(seen) if !cut && !self.path.random.chance(badness.unanswered) => Ok(seen),
            _ => Err(unanswered()),
        }
    }

    async fn subscribe(&self, node: &NodeId) -> Result<Box<dyn Inbox>, BusError> {
        self.path.gate.pass().await;
        if self.path.is_cut() {
            return Err(BusError::Unreachable("it is cut".into()));
        }
        let (gaps, told) = mpsc::channel(GAPS);
        let path = self.path.clone();
        let channel = Channel {
            path: path.clone(),
            gaps,
        };
        self.channels.lock().insert(node.clone(), channel);
        let inner = self.inner.subscribe(node).await?;
        Ok(Box::new(FakeInbox {
            path,
            inner,
            gaps: told,
            come: None,
        }))
    }
}

/// A node's own channel, at its end of the path.
struct FakeInbox {
    path: Arc<Path>,
    inner: Box<dyn Inbox>,
    gaps: mpsc::Receiver<()>,
    /// Came, and waits for the gate.
    come: Option<BusEvent>,
}

#[async_trait]
impl Inbox for FakeInbox {
    async fn next(&mut self) -> Option<BusEvent> {
        if self.come.is_none() {
            self.come = tokio::select! {
                biased;
                Some(()) = self.gaps.recv() => Some(BusEvent::Gap),
                event = self.inner.next() => event,
            };
        }
        self.path.gate.pass().await;
        self.come.take()
    }
}
