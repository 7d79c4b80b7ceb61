//! Frames to this node itself, without the detour over the bus (`routing.local_shortcut`).

use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use switchboard_protocol::NodeId;
use tokio::sync::mpsc;

use crate::backend::bus::{Bus, BusError, Inbox};

/// Frames on the way; one that finds no place is repeated by its link.
const FRAMES_MAX: usize = 1024;

/// A bus that keeps frames to `own` in the process.
pub(crate) struct Loopback {
    own: NodeId,
    looped: mpsc::Sender<Bytes>,
    bus: Arc<dyn Bus>,
}

impl Loopback {
    pub(crate) fn new(own: NodeId, bus: Arc<dyn Bus>) -> (Self, mpsc::Receiver<Bytes>) {
        let (looped, frames) = mpsc::channel(FRAMES_MAX);
        (Self { own, looped, bus }, frames)
    }
}

/// What a node without the shortcut receives: nothing, for ever.
pub(crate) fn none() -> mpsc::Receiver<Bytes> {
    mpsc::channel(1).1
}

#[async_trait]
impl Bus for Loopback {
    async fn publish(&self, to: &NodeId, frame: Bytes) -> Result<u64, BusError> {
        if *to == self.own {
            return Ok(u64::from(self.looped.try_send(frame).is_ok()));
        }
        self.bus.publish(to, frame).await
    }

    async fn subscribe(&self, node: &NodeId) -> Result<Box<dyn Inbox>, BusError> {
        self.bus.subscribe(node).await
    }
}
