//! Nodes beside which this one cannot work, see [`format`](crate::backend::format).

use std::fmt;

use switchboard_protocol::NodeId;

use crate::backend::leases::{LeaseError, NodeInfo};
use crate::node::Inner;

/// A node beside which this one cannot work.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Foreign {
    pub(crate) node: NodeId,
    own: NodeInfo,
    its: NodeInfo,
}

impl fmt::Display for Foreign {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { node, own, its } = self;
        write!(
            f,
            "this node runs version {} (format {}) and cannot work beside node {node}, which runs version {} (format {}): \
             stop all nodes of one of these versions; this node enters the cluster by itself once no such node is left",
            own.version, own.format.number, its.version, its.format.number,
        )
    }
}

impl Inner {
    /// A node, if it is one beside which this one cannot work. One that does not tell what it is holds no node up.
    pub(crate) async fn foreign(&self, node: &NodeId) -> Result<Option<Foreign>, LeaseError> {
        if *node == self.id {
            return Ok(None);
        }
        let own = &self.settings.info;
        let info = self.backend.leases.info(node).await?;
        let its = info.filter(|its| !own.format.mixes_with(its.format));
        Ok(its.map(|its| Foreign {
            node: node.clone(),
            own: own.clone(),
            its,
        }))
    }
}
