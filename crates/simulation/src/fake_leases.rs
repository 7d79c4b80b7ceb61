//! The table of nodes at the other end of a [`Path`].

use std::sync::Arc;

use async_trait::async_trait;
use switchboard_cluster::leases::{Lease, LeaseError, Renewal, SharedKey};
use switchboard_cluster::{Leases, NodeInfo};
use switchboard_protocol::NodeId;

use crate::path::Path;

/// What one node has instead of the table itself.
pub(crate) struct FakeLeases {
    path: Arc<Path>,
    inner: Arc<dyn Leases>,
}

impl FakeLeases {
    pub(crate) fn new(path: Arc<Path>, inner: Arc<dyn Leases>) -> Self {
        Self { path, inner }
    }

    async fn ask<T: Send + 'static>(
        &self,
        command: impl Future<Output = Result<T, LeaseError>> + Send + 'static,
    ) -> Result<T, LeaseError> {
        let answer = self.path.ask(command).await;
        answer.unwrap_or_else(|_| Err(LeaseError("no answer".into())))
    }
}

/// Each call with arguments of its own: it may take effect when its caller has given up.
macro_rules! calls {
    ($($name:ident($($argument:ident: &$given:ty),*) -> $outcome:ty;)*) => {
        #[async_trait]
        impl Leases for FakeLeases {$(
            async fn $name(&self, $($argument: &$given),*) -> Result<$outcome, LeaseError> {
                let inner = self.inner.clone();
                $(let $argument = $argument.to_owned();)*
                self.ask(async move { inner.$name($(&$argument),*).await }).await
            }
        )*}
    };
}

calls! {
    register(node: &NodeId, info: &NodeInfo) -> bool;
    renew(node: &NodeId, above: &u64) -> Renewal;
    read() -> Vec<Lease>;
    claim(seen: &Lease, claimer: &NodeId) -> bool;
    bury(node: &NodeId, claimer: &NodeId) -> ();
    release(node: &NodeId) -> ();
    abandon(node: &NodeId) -> ();
    info(node: &NodeId) -> Option<NodeInfo>;
    cluster_key(offered: &SharedKey) -> SharedKey;
}
