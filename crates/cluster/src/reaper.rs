//! Cleaning up after a node that died, by exactly one of the others: the one that has claimed its lease.

use std::sync::Arc;

use switchboard_protocol::server_message::LeaveReason;
use switchboard_protocol::{NodeId, PeerId, RoomId};
use tokio::task::JoinSet;
use tokio::time::{Duration, sleep};

use crate::directory::DirectoryError;
use crate::envelope::{Change, Envelope, Revisions, RosterChange};
use crate::leases::LeaseError;
use crate::node::Inner;
use crate::observe::Observation;
use crate::record::PeerRecord;

/// Peers that are cleaned up after at the same time.
const AT_ONCE: usize = 64;
/// Between two tries.
const RETRY: Duration = Duration::from_millis(500);

/// Why cleaning up was interrupted.
#[derive(Debug, thiserror::Error)]
enum ReapError {
    #[error(transparent)]
    Directory(#[from] DirectoryError),
    #[error(transparent)]
    Lease(#[from] LeaseError),
    #[error("a task ended early: {0}")]
    Task(#[from] tokio::task::JoinError),
}

impl Inner {
    /// Cleans up after `dead`, as often as it takes. If this node dies meanwhile, its claim lapses and another goes on.
    pub(crate) async fn reap(self: Arc<Self>, dead: NodeId) {
        tracing::warn!(node.id = %dead, "a node died; its members are being removed");
        loop {
            match self.try_to_reap(&dead).await {
                Ok(members) => {
                    self.observe.observe(Observation::NodeReaped);
                    tracing::info!(node.id = %dead, members, "a dead node was cleaned up after");
                    return;
                }
                Err(error) => {
                    tracing::warn!(node.id = %dead, %error, "cleaning up will be tried again")
                }
            }
            tokio::select! {
                () = sleep(RETRY) => {}
                () = self.stop.cancelled() => return,
            }
        }
    }

    async fn try_to_reap(self: &Arc<Self>, dead: &NodeId) -> Result<usize, ReapError> {
        let mut removed = 0;
        let mut under_way = JoinSet::new();
        for peer in self.backend.directory.enlisted(dead).await? {
            if under_way.len() >= AT_ONCE
                && let Some(done) = under_way.join_next().await
            {
                removed += done??;
            }
            let (node, dead) = (self.clone(), dead.clone());
            under_way.spawn(async move { node.reap_peer(&dead, &peer).await });
        }
        while let Some(done) = under_way.join_next().await {
            removed += done??;
        }
        self.backend.leases.bury(dead, &self.id).await?;
        self.drop_link(dead);
        Ok(removed)
    }

    /// How many rooms it was removed from.
    async fn reap_peer(&self, dead: &NodeId, peer: &PeerId) -> Result<usize, DirectoryError> {
        let directory = &self.backend.directory;
        let mut removed = 0;
        if let Some(record) = directory
            .peer(peer)
            .await?
            .filter(|record| record.node == *dead)
        {
            for room in &record.rooms {
                removed += usize::from(self.remove(&record, room).await?);
            }
            directory.dismiss(&record.user, peer).await?;
            directory.forget(peer, record.epoch).await?;
        }
        directory.delist(dead, peer).await?;
        Ok(removed)
    }

    /// Takes a member out of a room, unless it can resume. True: it was in.
    async fn remove(&self, record: &PeerRecord, room: &RoomId) -> Result<bool, DirectoryError> {
        let roster = self.backend.directory.roster(room).await?;
        let member = roster
            .members
            .iter()
            .find(|member| member.peer == record.peer);
        if member.is_some_and(|member| member.flags.resumable) {
            return Ok(false);
        }
        let left = self
            .backend
            .directory
            .leave(room, &record.peer, record.epoch)
            .await?;
        if left.changed {
            self.observe
                .observe(Observation::MemberLeft(LeaveReason::NodeLost));
            let change = Change::Left {
                peer: record.peer,
                reason: LeaveReason::NodeLost,
            };
            self.announce(
                &left.nodes,
                RosterChange {
                    room: room.clone(),
                    revision: left.revision,
                    change,
                },
            );
        } else {
            // Whoever removed it may have died before it said so.
            let rooms = vec![(room.clone(), left.revision)];
            self.tell_nodes(&left.nodes, &Envelope::Revisions(Revisions { rooms }));
        }
        Ok(left.changed)
    }
}
