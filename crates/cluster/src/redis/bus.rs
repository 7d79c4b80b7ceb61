//! Pub/sub: one channel per node.

use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use fred::clients::SubscriberClient;
use fred::interfaces::{ClientLike, EventInterface, FredResult, PubsubInterface};
use fred::types::{Message, Value};
use switchboard_protocol::NodeId;
use tokio::sync::broadcast::Receiver;
use tokio::sync::broadcast::error::RecvError;
use tokio::sync::watch;

use super::clients::failing_fast;
use super::commands::Commands;
use super::connection::Tended;
use super::failure::Failure;
use super::keys::Keys;
use super::reply::into_bytes;
use crate::bus::{Bus, BusError, BusEvent, Inbox};

/// The bus of one node.
pub(super) struct RedisBus {
    publisher: Commands,
    subscription: Subscription,
    keys: Keys,
}

impl RedisBus {
    pub(super) fn new(publisher: Commands, subscription: Subscription, keys: Keys) -> Self {
        Self {
            publisher,
            subscription,
            keys,
        }
    }
}

#[async_trait]
impl Bus for RedisBus {
    async fn publish(&self, to: &NodeId, frame: Bytes) -> Result<u64, BusError> {
        let client = self.publisher.client()?;
        let receivers = client
            .publish(self.keys.node(to), Value::Bytes(frame))
            .await;
        Ok(receivers.map_err(Failure::from)?)
    }

    async fn subscribe(&self, node: &NodeId) -> Result<Box<dyn Inbox>, BusError> {
        self.publisher.client()?;
        let channel = self.keys.node(node);
        let inbox = RedisInbox {
            messages: self.subscription.client.message_rx(),
            renewed: self.subscription.renewed.subscribe(),
            channel: channel.clone(),
        };
        self.subscription
            .open(channel)
            .await
            .map_err(Failure::from)?;
        Ok(Box::new(inbox))
    }
}

/// The connection that listens. It subscribes anew, and says so, each time it is there again.
#[derive(Clone)]
pub(super) struct Subscription {
    client: SubscriberClient,
    /// How often that was.
    renewed: Arc<watch::Sender<u64>>,
}

impl Subscription {
    pub(super) fn new(client: SubscriberClient) -> Self {
        Self {
            client,
            renewed: Arc::new(watch::Sender::new(0)),
        }
    }

    /// fred answers a SUBSCRIBE once it is written. What Redis answers after it, on the same connection, proves that it
    /// took effect.
    async fn open(&self, channel: String) -> FredResult<()> {
        self.client.subscribe(channel).await?;
        self.client.ping(None).await
    }
}

impl Tended for Subscription {
    fn client(&self) -> &(impl EventInterface + 'static) {
        &self.client
    }

    async fn revive(&self) -> FredResult<()> {
        failing_fast(&self.client).ping::<()>(None).await?;
        for channel in self.client.tracked_channels() {
            self.open(channel.to_string()).await?;
        }
        self.renewed.send_modify(|times| *times += 1);
        Ok(())
    }
}

struct RedisInbox {
    messages: Receiver<Message>,
    renewed: watch::Receiver<u64>,
    channel: String,
}

#[async_trait]
impl Inbox for RedisInbox {
    async fn next(&mut self) -> Option<BusEvent> {
        loop {
            tokio::select! {
                renewed = self.renewed.changed() => return renewed.ok().map(|()| BusEvent::Gap),
                message = self.messages.recv() => match message {
                    Ok(message) if message.channel != self.channel => {}
                    Ok(message) => return Some(into_bytes(message.value).map_or(BusEvent::Gap, BusEvent::Frame)),
                    Err(RecvError::Lagged(_)) => return Some(BusEvent::Gap),
                    Err(RecvError::Closed) => return None,
                },
            }
        }
    }
}
