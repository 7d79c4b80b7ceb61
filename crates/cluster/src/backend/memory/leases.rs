//! The table of nodes.

use std::collections::BTreeMap;

use async_trait::async_trait;
use switchboard_protocol::NodeId;

use super::Store;
use crate::backend::leases::{Lease, LeaseError, Leases, NodeInfo, Renewal, SharedKey};

/// Every node that is entered, and the cluster key.
#[derive(Clone, Default)]
pub(super) struct Nodes {
    entries: BTreeMap<NodeId, Entry>,
    cluster_key: Option<SharedKey>,
}

#[derive(Clone)]
struct Entry {
    counter: u64,
    claimed_by: Option<NodeId>,
    info: NodeInfo,
}

impl Nodes {
    fn remove_if(&mut self, node: &NodeId, claimed_by: Option<&NodeId>) {
        if self
            .entries
            .get(node)
            .is_some_and(|entry| entry.claimed_by.as_ref() == claimed_by)
        {
            self.entries.remove(node);
        }
    }
}

#[async_trait]
impl Leases for Store {
    async fn register(&self, node: &NodeId, info: &NodeInfo) -> Result<bool, LeaseError> {
        let mut nodes = self.nodes.lock();
        if nodes.entries.contains_key(node) {
            return Ok(false);
        }
        nodes.entries.insert(
            node.clone(),
            Entry {
                counter: 1,
                claimed_by: None,
                info: info.clone(),
            },
        );
        Ok(true)
    }

    async fn renew(&self, node: &NodeId, above: &u64) -> Result<Renewal, LeaseError> {
        let mut nodes = self.nodes.lock();
        let Some(entry) = nodes.entries.get_mut(node) else {
            return Ok(Renewal::Missing);
        };
        if let Some(by) = &entry.claimed_by {
            return Ok(Renewal::Claimed { by: by.clone() });
        }
        let was = entry.counter;
        entry.counter = was.max(*above) + 1;
        Ok(Renewal::Renewed {
            counter: entry.counter,
            was,
        })
    }

    async fn read(&self) -> Result<Vec<Lease>, LeaseError> {
        let nodes = self.nodes.lock();
        let lease = |(node, entry): (&NodeId, &Entry)| Lease {
            node: node.clone(),
            counter: entry.counter,
            claimed_by: entry.claimed_by.clone(),
        };
        Ok(nodes.entries.iter().map(lease).collect())
    }

    async fn claim(&self, seen: &Lease, claimer: &NodeId) -> Result<bool, LeaseError> {
        let mut nodes = self.nodes.lock();
        let Some(entry) = nodes.entries.get_mut(&seen.node) else {
            return Ok(false);
        };
        let unmoved = entry.counter == seen.counter && entry.claimed_by == seen.claimed_by;
        if unmoved {
            entry.claimed_by = Some(claimer.clone());
        }
        Ok(unmoved)
    }

    async fn bury(&self, node: &NodeId, claimer: &NodeId) -> Result<(), LeaseError> {
        self.nodes.lock().remove_if(node, Some(claimer));
        Ok(())
    }

    async fn release(&self, node: &NodeId) -> Result<(), LeaseError> {
        self.nodes.lock().remove_if(node, None);
        Ok(())
    }

    async fn info(&self, node: &NodeId) -> Result<Option<NodeInfo>, LeaseError> {
        Ok(self
            .nodes
            .lock()
            .entries
            .get(node)
            .map(|entry| entry.info.clone()))
    }

    async fn abandon(&self, node: &NodeId) -> Result<(), LeaseError> {
        if let Some(entry) = self.nodes.lock().entries.get_mut(node) {
            entry.claimed_by.get_or_insert_with(|| node.clone());
        }
        Ok(())
    }

    async fn cluster_key(&self, offered: &SharedKey) -> Result<SharedKey, LeaseError> {
        let mut nodes = self.nodes.lock();
        let fresh = SharedKey {
            former: None,
            ..*offered
        };
        let known = nodes.cluster_key.get_or_insert(fresh);
        if known.generation < offered.generation {
            let replaced = (known.key != offered.key).then_some(known.key);
            *known = SharedKey {
                former: replaced.or(known.former),
                ..*offered
            };
        }
        Ok(*known)
    }
}
