//! The table of nodes. What a node tells of itself is in another slot than its lease: two steps, in an order that leaves
//! nothing behind when one breaks off between them.

use std::collections::HashMap;

use async_trait::async_trait;
use blake3::Hash;
use fred::interfaces::{HashesInterface, KeysInterface};
use fred::types::Value;
use switchboard_protocol::NodeId;

use super::commands::Commands;
use super::failure::Failure;
use super::keys::Keys;
use super::script::{CLUSTER_KEY, LEASE_ABANDON, LEASE_CLAIM, LEASE_REMOVE, LEASE_RENEW};
use crate::leases::{Lease, LeaseError, Leases, NodeInfo, Renewal, SharedKey};

/// Leases on Redis.
pub(super) struct RedisLeases {
    commands: Commands,
    keys: Keys,
}

impl RedisLeases {
    pub(super) fn new(commands: Commands, keys: Keys) -> Self {
        Self { commands, keys }
    }

    /// What the node told first: a lease that is there always has it.
    async fn enter(&self, node: &NodeId, info: &NodeInfo) -> Result<bool, Failure> {
        let fields = vec![
            ("ops_address", info.ops_address.clone()),
            ("version", info.version.clone()),
            ("started_at", info.started_at.to_string()),
        ];
        let client = self.commands.client()?;
        let _: Value = client.hset(self.keys.node(node), fields).await?;
        Ok(client.hsetnx(self.keys.nodes(), node.as_str(), "1").await?)
    }

    async fn raise(&self, node: &NodeId, above: u64) -> Result<Renewal, Failure> {
        let args = vec![node.as_str().into(), above.to_string().into()];
        let mut reply = self
            .commands
            .run(&LEASE_RENEW, &[&self.keys.nodes()], args)
            .await?;
        match &*reply.text()? {
            "renewed" => Ok(Renewal::Renewed {
                counter: reply.number()?,
                was: reply.number()?,
            }),
            "missing" => Ok(Renewal::Missing),
            "claimed" => Ok(Renewal::Claimed {
                by: reply.text()?.parse().map_err(|_| reply.odd())?,
            }),
            _ => Err(reply.odd()),
        }
    }

    async fn all(&self) -> Result<Vec<Lease>, Failure> {
        let fields: HashMap<String, String> =
            self.commands.client()?.hgetall(self.keys.nodes()).await?;
        let lease = |(node, text): (&String, &String)| {
            parse(node, text).ok_or_else(|| {
                Failure::Unreadable(format!("the lease {text:?} of {node:?} is unreadable"))
            })
        };
        fields.iter().map(lease).collect()
    }

    /// What the node told goes first, and only from under a lease that is the caller's to remove: a node that enters
    /// itself again in the meantime is refused until the lease is gone, so it cannot lose what it told anew.
    async fn remove(&self, node: &NodeId, claimer: Option<&NodeId>) -> Result<(), Failure> {
        let client = self.commands.client()?;
        let text: Option<String> = client.hget(self.keys.nodes(), node.as_str()).await?;
        let lease = text.and_then(|text| parse(node.as_str(), &text));
        if lease.is_none_or(|lease| lease.claimed_by.as_ref() != claimer) {
            return Ok(());
        }
        let _: Value = client.del(self.keys.node(node)).await?;
        let args = vec![
            node.as_str().into(),
            claimer.map_or("", NodeId::as_str).into(),
        ];
        self.commands
            .run(&LEASE_REMOVE, &[&self.keys.nodes()], args)
            .await?;
        Ok(())
    }

    async fn read_info(&self, node: &NodeId) -> Result<Option<NodeInfo>, Failure> {
        let mut fields: HashMap<String, String> = self
            .commands
            .client()?
            .hgetall(self.keys.node(node))
            .await?;
        let mut field = |name| fields.remove(name);
        Ok((|| {
            Some(NodeInfo {
                ops_address: field("ops_address")?,
                version: field("version")?,
                started_at: field("started_at")?.parse().ok()?,
            })
        })())
    }

    async fn agree_on_key(&self, offered: &SharedKey) -> Result<SharedKey, Failure> {
        // 32 bytes and their hex: blake3 has just that type.
        let args: Vec<Value> = vec![
            Hash::from_bytes(offered.key).to_hex().to_string().into(),
            offered.generation.to_string().into(),
        ];
        let mut reply = self
            .commands
            .run(&CLUSTER_KEY, &[&self.keys.cluster()], args)
            .await?;
        let unreadable = || Failure::Unreadable("the cluster key in Redis is unreadable".into());
        let key = Hash::from_hex(reply.text()?.as_bytes()).map_err(|_| unreadable())?;
        let generation = reply.number()?;
        let former = Hash::from_hex(reply.text()?.as_bytes()).ok();
        Ok(SharedKey {
            key: key.into(),
            generation,
            former: former.map(Into::into),
        })
    }
}

#[async_trait]
impl Leases for RedisLeases {
    async fn register(&self, node: &NodeId, info: &NodeInfo) -> Result<bool, LeaseError> {
        Ok(self.enter(node, info).await?)
    }

    async fn renew(&self, node: &NodeId, above: &u64) -> Result<Renewal, LeaseError> {
        Ok(self.raise(node, *above).await?)
    }

    async fn read(&self) -> Result<Vec<Lease>, LeaseError> {
        Ok(self.all().await?)
    }

    async fn claim(&self, seen: &Lease, claimer: &NodeId) -> Result<bool, LeaseError> {
        let args: Vec<Value> = vec![
            seen.node.as_str().into(),
            text(seen).into(),
            claimer.as_str().into(),
        ];
        Ok(self
            .commands
            .run(&LEASE_CLAIM, &[&self.keys.nodes()], args)
            .await?
            .flag()?)
    }

    async fn bury(&self, node: &NodeId, claimer: &NodeId) -> Result<(), LeaseError> {
        Ok(self.remove(node, Some(claimer)).await?)
    }

    async fn release(&self, node: &NodeId) -> Result<(), LeaseError> {
        Ok(self.remove(node, None).await?)
    }

    async fn info(&self, node: &NodeId) -> Result<Option<NodeInfo>, LeaseError> {
        Ok(self.read_info(node).await?)
    }

    async fn abandon(&self, node: &NodeId) -> Result<(), LeaseError> {
        let args = vec![node.as_str().into()];
        self.commands
            .run(&LEASE_ABANDON, &[&self.keys.nodes()], args)
            .await?;
        Ok(())
    }

    async fn cluster_key(&self, offered: &SharedKey) -> Result<SharedKey, LeaseError> {
        Ok(self.agree_on_key(offered).await?)
    }
}

/// `counter`, or `counter claimer`: see `scripts/lease_renew.lua`.
fn text(lease: &Lease) -> String {
    match &lease.claimed_by {
        None => lease.counter.to_string(),
        Some(claimer) => format!("{} {claimer}", lease.counter),
    }
}

fn parse(node: &str, text: &str) -> Option<Lease> {
    let (counter, claimer) = text
        .split_once(' ')
        .map_or((text, None), |(counter, claimer)| (counter, Some(claimer)));
    Some(Lease {
        node: node.parse().ok()?,
        counter: counter.parse().ok()?,
        claimed_by: claimer.map(str::parse).transpose().ok()?,
    })
}
