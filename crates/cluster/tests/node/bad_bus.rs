//! A bus between nodes that does what networks do, by a seed.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use async_trait::async_trait;
use bytes::Bytes;
use parking_lot::Mutex;
use switchboard_cluster::{Bus, BusError, Inbox};
use switchboard_protocol::NodeId;
use tokio::time::{Duration, sleep};

/// How bad it is, in percent of the frames.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Badness {
    pub(crate) lost: u64,
    pub(crate) repeated: u64,
    pub(crate) delayed: u64,
}

/// Wraps a good bus.
pub(crate) struct BadBus {
    inner: Arc<dyn Bus>,
    badness: Badness,
    random: Mutex<u64>,
    cut: AtomicBool,
}

impl BadBus {
    pub(crate) fn new(inner: Arc<dyn Bus>, badness: Badness, seed: u64) -> Arc<Self> {
        Arc::new(Self {
            inner,
            badness,
            random: Mutex::new(seed),
            cut: AtomicBool::new(false),
        })
    }

    /// Cuts the bus off, or mends it.
    pub(crate) fn cut(&self, cut: bool) {
        self.cut.store(cut, Ordering::Relaxed);
    }

    /// SplitMix64: the same seed gives the same faults.
    fn percent(&self) -> u64 {
        let mut state = self.random.lock();
        *state = state.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = *state;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        (mixed ^ (mixed >> 31)) % 100
    }
}

#[async_trait]
impl Bus for BadBus {
    async fn publish(&self, to: &NodeId, frame: Bytes) -> Result<u64, BusError> {
        if self.cut.load(Ordering::Relaxed) {
            return Err(BusError::Unreachable("it is cut".into()));
        }
        if self.percent() < self.badness.lost {
            return Ok(1);
        }
        if self.percent() < self.badness.repeated {
            self.inner.publish(to, frame.clone()).await?;
        }
        if self.percent() < self.badness.delayed {
            let (bus, to, pause) = (
                self.inner.clone(),
                to.clone(),
                Duration::from_millis(self.percent()),
            );
            tokio::spawn(async move {
                sleep(pause).await;
                bus.publish(&to, frame).await
            });
            return Ok(1);
        }
        self.inner.publish(to, frame).await
    }

    async fn subscribe(&self, node: &NodeId) -> Result<Box<dyn Inbox>, BusError> {
        self.inner.subscribe(node).await
    }
}
