//! Cleaning up after a node that died, by exactly one of the others: the one that has claimed its lease.

use std::collections::HashMap;
use std::sync::Arc;

use switchboard_protocol::server_message::LeaveReason;
use switchboard_protocol::{NodeId, PeerId, RoomId};
use tokio::task::{JoinError, JoinSet};
use tokio::time::{Duration, sleep, timeout};

use crate::directory::DirectoryError;
use crate::envelope::{Change, RosterChange};
use crate::leases::LeaseError;
use crate::node::Inner;
use crate::observe::Observation;
use crate::record::PeerRecord;
use crate::resync::tell_revisions;

/// Peers that are cleaned up after at the same time.
const AT_ONCE: usize = 64;
/// A node confirms what it is told within this, or is not waited for.
const TOLD_PATIENCE: Duration = Duration::from_secs(5);
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
    Task(#[from] JoinError),
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
        let (mut removed, mut failed) = (Vec::new(), None);
        let mut under_way = JoinSet::new();
        // One that fails is tried again with the next round; it does not hold up the others.
        let mut note = |done: Result<Result<Vec<Removed>, DirectoryError>, JoinError>| match done {
            Ok(Ok(rooms)) => removed.extend(rooms),
            Ok(Err(error)) => failed = Some(ReapError::from(error)),
            Err(error) => failed = Some(error.into()),
        };
        for peer in self.backend.directory.enlisted(dead).await? {
            if under_way.len() >= AT_ONCE
                && let Some(done) = under_way.join_next().await
            {
                note(done);
            }
            let (node, dead) = (self.clone(), dead.clone());
            under_way.spawn(async move { node.reap_peer(&dead, &peer).await });
        }
        while let Some(done) = under_way.join_next().await {
            note(done);
        }
        let members = removed.len();
        self.until_told(dead, removed).await;
        if let Some(failed) = failed {
            return Err(failed);
        }
        self.backend.leases.bury(dead, &self.id).await?;
        self.drop_link(dead);
        Ok(members)
    }

    async fn reap_peer(
        &self,
        dead: &NodeId,
        peer: &PeerId,
    ) -> Result<Vec<Removed>, DirectoryError> {
        let directory = &self.backend.directory;
        let mut removed = Vec::new();
        let record = directory.peer(peer).await?;
        if let Some(record) = record.filter(|record| record.node == *dead) {
            if self.can_resume(&record).await? {
                return Ok(removed);
            }
            for room in &record.rooms {
                removed.push(self.remove(&record, room).await?);
            }
            directory.dismiss(&record.user, peer).await?;
            directory.forget(peer, record.epoch).await?;
        }
        directory.delist(dead, peer).await?;
        Ok(removed)
    }

    /// Whether one of its rooms counts on the peer to come back.
    async fn can_resume(&self, record: &PeerRecord) -> Result<bool, DirectoryError> {
        for room in &record.rooms {
            let roster = self.backend.directory.roster(room).await?;
            let mut members = roster.members.iter();
            if members.any(|member| member.peer == record.peer && member.flags.resumable) {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Takes a member out of a room. If it is gone already, whoever did that may have died before it said so.
    async fn remove(&self, record: &PeerRecord, room: &RoomId) -> Result<Removed, DirectoryError> {
        let directory = &self.backend.directory;
        let left = directory.leave(room, &record.peer, record.epoch).await?;
        let (room, revision) = (room.clone(), left.revision);
        if left.changed {
            let reason = LeaveReason::NodeLost;
            self.observe.observe(Observation::MemberLeft(reason));
            let change = Change::Left {
                peer: record.peer,
                reason,
            };
            let step = RosterChange {
                room: room.clone(),
                revision,
                change,
            };
            self.announce(&left.nodes, step);
        }
        Ok(Removed {
            room,
            revision,
            nodes: left.nodes,
        })
    }

    /// Waits until the others have confirmed what they were told. This node may not know these rooms itself, so nobody
    /// would compare revisions with it if a link lost a step: it says them again until one generation has carried all.
    async fn until_told(&self, dead: &NodeId, removed: Vec<Removed>) {
        let mut told: HashMap<NodeId, Vec<(RoomId, u64)>> = HashMap::new();
        for Removed {
            room,
            revision,
            nodes,
        } in removed
        {
            for node in nodes.into_iter().filter(|node| node != dead) {
                told.entry(node).or_default().push((room.clone(), revision));
            }
        }
        for (node, revisions) in told {
            let link = self.link(&node);
            let confirmed = async {
                loop {
                    let generation = link.generation();
                    tell_revisions(&link, &revisions);
                    link.idle().await;
                    if link.generation() == generation {
                        return;
                    }
                }
            };
            // One that does not answer is dying itself, or learns it from the next step of the room.
            let _ = timeout(TOLD_PATIENCE, confirmed).await;
        }
    }
}

/// A member was taken out of a room, now or before.
struct Removed {
    room: RoomId,
    /// Of the roster after it.
    revision: u64,
    /// Who is to know.
    nodes: Vec<NodeId>,
}
