//! Pub/sub: one channel per node. On a Cluster it is a sharded one, at the master of its slot alone: others would be told
//! of it by every server to every server.

use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use fred::clients::{Client, SubscriberClient, WithOptions};
use fred::interfaces::{ClientLike, ClusterInterface, EventInterface, FredResult, PubsubInterface};
use fred::types::Message;
use switchboard_protocol::NodeId;
use tokio::sync::broadcast::Receiver;
use tokio::sync::broadcast::error::RecvError;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use tokio_util::task::AbortOnDropHandle;

use super::clients::failing_fast;
use super::commands::Commands;
use super::connection::{Tended, keep};
use super::failure::Failure;
use super::keys::Keys;
use super::probe::{Deafness, Echo, PROBE, Prober, echo};
use super::publish::publish;
use super::reply::into_bytes;
use super::signs::ping;
use super::trouble::Trouble;
use crate::backend::Reach;
use crate::backend::bus::{Bus, BusError, BusEvent, Inbox};
use crate::tasks::Alarm;

/// The bus of one node.
pub(super) struct RedisBus {
    pub(super) publisher: Commands,
    pub(super) subscription: Subscription,
    pub(super) keys: Keys,
    pub(super) reach: watch::Receiver<Reach>,
    pub(super) alarm: Alarm,
    /// Ends the probing.
    pub(super) stop: CancellationToken,
}

impl RedisBus {
    fn probe(&self, channel: String) -> Result<AbortOnDropHandle<()>, Failure> {
        let prober = Prober {
            subscriber: self.subscription.client.clone(),
            publisher: self.publisher.client()?.clone(),
            channel,
            reach: self.reach.clone(),
            deafness: self.subscription.deafness.clone(),
        };
        let (alarm, stop) = (self.alarm.clone(), self.stop.clone());
        let probing = async move { keep(&alarm, &stop, prober.run()).await };
        Ok(AbortOnDropHandle::new(tokio::spawn(probing)))
    }
}

#[async_trait]
impl Bus for RedisBus {
    async fn publish(&self, to: &NodeId, frame: Bytes) -> Result<u64, BusError> {
        let receivers = publish(self.publisher.client()?, self.keys.node(to), frame).await;
        Ok(receivers.map_err(Failure::from)?)
    }

    async fn subscribe(&self, node: &NodeId) -> Result<Box<dyn Inbox>, BusError> {
        self.publisher.client()?;
        let channel = self.keys.node(node);
        let (messages, renewed) = (
            self.subscription.client.message_rx(),
            self.subscription.renewed.subscribe(),
        );
        self.subscription
            .open(channel.clone())
            .await
            .map_err(Failure::from)?;
        Ok(Box::new(RedisInbox {
            messages,
            renewed,
            _prober: self.probe(channel.clone())?,
            channel,
        }))
    }
}

/// The connection that listens. It subscribes again, and says so, each time it is there again.
#[derive(Clone)]
pub(super) struct Subscription {
    client: SubscriberClient,
    /// What it is to hear goes out there.
    publisher: WithOptions<Client>,
    keys: Keys,
    /// How often that was.
    renewed: Arc<watch::Sender<u64>>,
    deafness: Arc<Deafness>,
}

impl Subscription {
    pub(super) fn new(client: SubscriberClient, publisher: &Client, keys: Keys) -> Self {
        Self {
            client,
            publisher: failing_fast(publisher),
            keys,
            renewed: Arc::new(watch::Sender::new(0)),
            deafness: Arc::default(),
        }
    }

    /// fred answers a SUBSCRIBE once it is written. What Redis answers after it, on the same connection, proves that it
    /// took effect. An SSUBSCRIBE is answered by the server that has the channel's slot, after any redirection.
    async fn open(&self, channel: String) -> FredResult<()> {
        if self.client.is_clustered() {
            return self.client.ssubscribe(channel).await;
        }
        self.client.subscribe(channel).await?;
        self.client.ping(None).await
    }

    async fn close(&self, channel: String) -> FredResult<()> {
        if self.client.is_clustered() {
            return self.client.sunsubscribe(channel).await;
        }
        self.client.unsubscribe(channel).await
    }

    /// Waits until it hears itself over a channel that is open.
    async fn hear(&self, channel: &str) -> Result<(), Trouble> {
        match echo(&self.client, &self.publisher, channel).await? {
            Echo::Heard => Ok(()),
            Echo::NotSent | Echo::Silence | Echo::Nobody => Err(Trouble::Deaf),
        }
    }

    /// Before it has a node's channel: on one that no other node knows.
    async fn hear_anything(&self) -> Result<(), Trouble> {
        let channel = self.keys.own_probe();
        self.open(channel.clone()).await?;
        let heard = self.hear(&channel).await;
        self.close(channel).await?;
        heard
    }
}

impl Tended for Subscription {
    fn client(&self) -> &(impl ClusterInterface + EventInterface + 'static) {
        &self.client
    }

    async fn revive(&self) -> Result<(), Trouble> {
        ping(&self.client).await?;
        let sharded = self.client.tracked_shard_channels();
        let channels = self.client.tracked_channels();
        for channel in channels.union(&sharded) {
            self.open(channel.to_string()).await?;
            self.hear(channel).await?;
        }
        if channels.is_empty() && sharded.is_empty() {
            self.hear_anything().await?;
        }
        self.renewed.send_modify(|times| *times += 1);
        Ok(())
    }

    async fn ails(&self) -> u32 {
        self.deafness.wait().await
    }
}

struct RedisInbox {
    messages: Receiver<Message>,
    renewed: watch::Receiver<u64>,
    channel: String,
    _prober: AbortOnDropHandle<()>,
}

#[async_trait]
impl Inbox for RedisInbox {
    async fn next(&mut self) -> Option<BusEvent> {
        loop {
            tokio::select! {
                renewed = self.renewed.changed() => return renewed.ok().map(|()| BusEvent::Gap),
                message = self.messages.recv() => match message {
                    Ok(message) if message.channel != self.channel => {}
                    Ok(message) => match into_bytes(message.value) {
                        Some(probe) if probe == PROBE => {}
                        frame => return Some(frame.map_or(BusEvent::Gap, BusEvent::Frame)),
                    },
                    Err(RecvError::Lagged(_)) => return Some(BusEvent::Gap),
                    Err(RecvError::Closed) => return None,
                },
            }
        }
    }
}
