//! The table of nodes. What a node tells of itself is in another slot than its lease: two steps, in an order that leaves
//! nothing behind when one breaks off between them.

use std::sync::Arc;

use async_trait::async_trait;
use blake3::Hash;
use bytes::Bytes;
use fred::interfaces::{HashesInterface, KeysInterface};
use fred::types::Value;
use switchboard_protocol::NodeId;

use super::commands::Commands;
use super::failure::Failure;
use super::keys::Keys;
use super::reply::fields;
use super::script::{CLUSTER_KEY, LEASE_ABANDON, LEASE_CLAIM, LEASE_REMOVE, LEASE_RENEW};
use crate::backend::format::Format;
use crate::backend::leases::{Lease, LeaseError, Leases, NodeInfo, Renewal, SharedKey};
use crate::observe::about::About;
use crate::observe::record_kind::RecordKind;
use crate::observe::unreadable::{Unreadable, read_one};

/// Leases on Redis.
pub(super) struct RedisLeases {
    pub(super) commands: Commands,
    pub(super) keys: Keys,
    pub(super) unreadable: Arc<Unreadable>,
}

impl RedisLeases {
    /// What the node told first: a lease that is there always has it.
    async fn enter(&self, node: &NodeId, info: &NodeInfo) -> Result<bool, Failure> {
        let fields = vec![
            ("ops_address", info.ops_address.clone()),
            ("version", info.version.clone()),
            ("format", info.format.number.to_string()),
            ("oldest_format", info.format.oldest.to_string()),
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
            "mended" => {
                let what = format_args!("the lease of this node, {node}: it is written again");
                let about = About::node(node);
                self.unreadable.note(RecordKind::Lease, about, what);
                let counter = reply.number()?;
                Ok(Renewal::Renewed {
                    counter,
                    was: counter,
                })
            }
            "missing" => Ok(Renewal::Missing),
            "claimed" => Ok(Renewal::Claimed {
                by: reply.text()?.parse().map_err(|_| reply.odd())?,
            }),
            _ => Err(reply.odd()),
        }
    }

    async fn all(&self) -> Result<Vec<Lease>, Failure> {
        let value: Value = self.commands.client()?.hgetall(self.keys.nodes()).await?;
        let lease = |(node, text): (Bytes, Bytes)| {
            let lease = read_one(|| parse(&node, &text));
            if lease.is_none() {
                let [node, text] = [node, text].map(|bytes| shown(&bytes));
                let what = format_args!("the lease {text:?} of node {node:?}");
                let about = About {
                    node: Some(&node),
                    ..About::default()
                };
                self.unreadable.note(RecordKind::Lease, about, what);
            }
            lease
        };
        Ok(fields(value).into_iter().filter_map(lease).collect())
    }

    /// What the node told goes first, and only from under a lease that is the caller's to remove: a node that enters
    /// itself again in the meantime is refused until the lease is gone, so it cannot lose what it told since.
    async fn remove(&self, node: &NodeId, claimer: Option<&NodeId>) -> Result<(), Failure> {
        let client = self.commands.client()?;
        let text: Option<Bytes> = client.hget(self.keys.nodes(), node.as_str()).await?;
        let lease = text.and_then(|text| parse(node.as_str().as_bytes(), &text));
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
        let client = self.commands.client()?;
        let read = client.hgetall(self.keys.node(node)).await;
        let info = match read.map_err(Failure::from).map(fields) {
            Ok(fields) if fields.is_empty() => return Ok(None),
            Ok(fields) => read_one(|| read_info(&fields)),
            Err(Failure::Unreadable(_)) => None,
            Err(failure) => return Err(failure),
        };
        if info.is_none() {
            let what = format_args!("what node {node} tells of itself");
            let about = About::node(node);
            self.unreadable.note(RecordKind::NodeInfo, about, what);
        }
        Ok(info)
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
        if reply.flag()? {
            let what = "the key of the cluster: it is written again";
            self.unreadable
                .note(RecordKind::ClusterKey, About::default(), what);
        }
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

fn parse(node: &[u8], text: &[u8]) -> Option<Lease> {
    let [node, text] = [node, text].map(|bytes| std::str::from_utf8(bytes).ok());
    let (node, text) = (node?, text?);
    let (counter, claimer) = text
        .split_once(' ')
        .map_or((text, None), |(counter, claimer)| (counter, Some(claimer)));
    Some(Lease {
        node: node.parse().ok()?,
        counter: counter.parse().ok()?,
        claimed_by: claimer.map(str::parse).transpose().ok()?,
    })
}

fn read_info(fields: &[(Bytes, Bytes)]) -> Option<NodeInfo> {
    let field = |name: &str| {
        let (_, value) = fields.iter().find(|(field, _)| *field == name)?;
        std::str::from_utf8(value).ok()
    };
    // Builds before the first release tell no format; what stands there has to be a number.
    let format = |name: &str, absent: u32| match fields.iter().any(|(field, _)| *field == name) {
        true => field(name)?.parse().ok(),
        false => Some(absent),
    };
    Some(NodeInfo {
        ops_address: field("ops_address")?.to_owned(),
        version: field("version")?.to_owned(),
        format: Format {
            number: format("format", Format::FIRST.number)?,
            oldest: format("oldest_format", Format::FIRST.oldest)?,
        },
        started_at: field("started_at")?.parse().ok()?,
    })
}

/// Its beginning, for a log.
fn shown(bytes: &[u8]) -> String {
    String::from_utf8_lossy(&bytes[..bytes.len().min(100)]).into_owned()
}
