//! A bounded queue for each node.

use std::collections::HashMap;

use async_trait::async_trait;
use bytes::Bytes;
use switchboard_protocol::NodeId;
use tokio::sync::mpsc;

use super::Store;
use crate::backend::bus::{Bus, BusError, BusEvent, Inbox};

/// As many frames as fred holds for us on Redis.
const QUEUE_FRAMES: usize = 65_536;

/// The node that listens on each channel.
pub(super) type Channels = HashMap<NodeId, Channel>;

/// The sending end of a node's queue.
pub(super) struct Channel {
    events: mpsc::Sender<BusEvent>,
    /// A [`BusEvent::Gap`] ends the queue; frames are lost until the reader has made room again.
    overflowing: bool,
}

impl Channel {
    fn new() -> (Self, MemoryInbox) {
        let (events, inbox) = mpsc::channel(QUEUE_FRAMES + 1);
        (
            Self {
                events,
                overflowing: false,
            },
            MemoryInbox(inbox),
        )
    }

    /// Queues the frame, or loses it: the first one lost leaves a gap in its place, which takes the last seat. One gap
    /// stands for all that follows until half of the queue is free, because each costs its reader a resync.
    fn offer(&mut self, frame: Bytes) {
        let seats = self.events.capacity();
        if self.overflowing && seats < QUEUE_FRAMES / 2 {
            return;
        }
        self.overflowing = seats <= 1;
        let event = if self.overflowing {
            BusEvent::Gap
        } else {
            BusEvent::Frame(frame)
        };
        // Fails only where the reader has just gone, and then it is not missed.
        let _ = self.events.try_send(event);
    }
}

#[async_trait]
impl Bus for Store {
    async fn publish(&self, to: &NodeId, frame: Bytes) -> Result<u64, BusError> {
        let mut channels = self.channels.lock();
        let Some(channel) = channels.get_mut(to) else {
            return Ok(0);
        };
        if channel.events.is_closed() {
            channels.remove(to);
            return Ok(0);
        }
        channel.offer(frame);
        Ok(1)
    }

    async fn subscribe(&self, node: &NodeId) -> Result<Box<dyn Inbox>, BusError> {
        let (channel, inbox) = Channel::new();
        self.channels.lock().insert(node.clone(), channel);
        Ok(Box::new(inbox))
    }
}

/// The receiving end.
struct MemoryInbox(mpsc::Receiver<BusEvent>);

#[async_trait]
impl Inbox for MemoryInbox {
    async fn next(&mut self) -> Option<BusEvent> {
        self.0.recv().await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_full_queue_loses_the_newest_and_says_so_once() {
        let (mut channel, mut inbox) = Channel::new();
        for _ in 0..QUEUE_FRAMES + 1000 {
            channel.offer(Bytes::from_static(b"frame"));
        }
        for _ in 0..QUEUE_FRAMES {
            assert_eq!(
                inbox.next().await,
                Some(BusEvent::Frame(Bytes::from_static(b"frame")))
            );
        }
        assert_eq!(inbox.next().await, Some(BusEvent::Gap));
        channel.offer(Bytes::from_static(b"later"));
        assert_eq!(
            inbox.next().await,
            Some(BusEvent::Frame(Bytes::from_static(b"later")))
        );
    }
}
