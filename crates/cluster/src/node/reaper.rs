//! Cleaning up after a node that died, or stopped and left away sessions behind, by exactly one of the others: the one that
//! has claimed its lease.

use std::collections::BTreeMap;
use std::sync::Arc;

use switchboard_protocol::server_message::LeaveReason;
use switchboard_protocol::{NodeId, PeerId, RoomId};
use tokio::task::{JoinError, JoinSet};
use tokio::time::{Duration, timeout};

use crate::backend::directory::DirectoryError;
use crate::backend::leases::{Lease, LeaseError};
use crate::backend::record::PeerRecord;
use crate::node::Inner;
use crate::observe::Observation;
use crate::observe::about::About;
use crate::observe::record_kind::RecordKind;
use crate::sessions::keep_away::{AnnouncedStep, Marked};
use crate::tasks::Task;

/// Peers that are cleaned up after at the same time.
const AT_ONCE: usize = 64;
/// A node confirms what it is told within this, or is not waited for.
const TOLD_PATIENCE: Duration = Duration::from_secs(5);
/// Between two tries.
const RETRY: Duration = Duration::from_millis(500);

/// How a node went.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum NodeEnd {
    /// Without a word.
    Died,
    /// As it should, and left sessions behind that were away.
    Stopped,
}

impl NodeEnd {
    /// As its lease says, before another node claimed it.
    pub(crate) fn told_by(lease: &Lease) -> Self {
        match lease.claimed_by.as_ref() == Some(&lease.node) {
            true => Self::Stopped,
            false => Self::Died,
        }
    }
}

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
    pub(crate) async fn reap(self: Arc<Self>, dead: NodeId, how: NodeEnd) {
        match how {
            NodeEnd::Died => {
                tracing::warn!(node.id = %dead, "a node is gone; its sessions are being taken over")
            }
            NodeEnd::Stopped => {
                tracing::info!(node.id = %dead, "a node has stopped; its away sessions are being taken over")
            }
        }
        loop {
            match self.try_to_reap(&dead).await {
                Ok(None) => {
                    tracing::info!(node.id = %dead, "this node's claim on a dead node is gone: it no longer cleans up after it");
                    return;
                }
                Ok(Some(members)) => {
                    if how == NodeEnd::Died {
                        self.observe.observe(Observation::NodeReaped);
                    }
                    tracing::info!(node.id = %dead, members, "a node was cleaned up after");
                    return;
                }
                Err(error) => {
                    if let Some(said) = self.lease.warnings.reaping_fails.happened() {
                        tracing::warn!(node.id = %dead, %error, "cleaning up after a node failed; it is tried again{said}");
                    }
                }
            }
            if !self.tasks.pause(RETRY).await {
                return;
            }
        }
    }

    /// `None`: the claim is no more. Redis forgot it, and the other node may live and have entered again; if it has not, its
    /// members are orphans.
    async fn try_to_reap(self: &Arc<Self>, dead: &NodeId) -> Result<Option<usize>, ReapError> {
        let mut members = 0;
        // Until nothing is left: a Redis that goes back in time brings sessions back that were cleaned up after.
        loop {
            if !self.has_claimed(dead).await? {
                return Ok(None);
            }
            let peers = self.noted_for(dead).await?;
            if peers.is_empty() {
                break;
            }
            members += self.reap_peers(dead, peers).await?;
        }
        self.backend.leases.bury(dead, &self.id).await?;
        if *dead != self.id {
            self.links.close(dead);
        }
        Ok(Some(members))
    }

    async fn noted_for(&self, dead: &NodeId) -> Result<Vec<PeerId>, DirectoryError> {
        // This node itself lives: others only took it for dead. Its sessions compare epochs once its lease is its own again.
        if *dead == self.id {
            return Ok(Vec::new());
        }
        match self.backend.directory.enlisted(dead).await {
            Err(DirectoryError::Corrupt(what)) => {
                let about = About::node(dead);
                self.backend
                    .unreadable
                    .note(RecordKind::NodePeer, about, what);
                Ok(Vec::new())
            }
            peers => peers,
        }
    }

    /// Returns in how many rooms there was a step, once the others have been told of all of them.
    async fn reap_peers(
        self: &Arc<Self>,
        dead: &NodeId,
        peers: Vec<PeerId>,
    ) -> Result<usize, ReapError> {
        let (mut steps, mut failed) = (Vec::new(), None);
        let mut under_way = JoinSet::new();
        // One that fails is tried again with the next round; it does not hold up the others.
        let mut note =
            |done: Result<Result<Vec<AnnouncedStep>, DirectoryError>, JoinError>| match done {
                Ok(Ok(told)) => steps.extend(told),
                Ok(Err(error)) => failed = Some(ReapError::from(error)),
                Err(error) => failed = Some(error.into()),
            };
        for peer in peers {
            if under_way.len() >= AT_ONCE
                && let Some(done) = under_way.join_next().await
            {
                note(done);
            }
            let (node, dead) = (self.clone(), dead.clone());
            under_way.spawn(async move {
                let reaped = node.reap_peer(&dead, &peer);
                match node.tasks.guarded_in(Task::Reaping, reaped).await {
                    Some(reaped) => reaped,
                    // The others are not to wait for one that cannot be dealt with: rooms that know it take it over.
                    None => {
                        let delisted = node.backend.directory.delist(&dead, &peer).await;
                        delisted.map(|()| Vec::new())
                    }
                }
            });
        }
        while let Some(done) = under_way.join_next().await {
            note(done);
        }
        let members = steps.len();
        self.until_told(dead, steps).await;
        failed.map_or(Ok(members), Err)
    }

    async fn has_claimed(&self, dead: &NodeId) -> Result<bool, LeaseError> {
        let table = self.backend.leases.read().await?;
        Ok(table
            .iter()
            .any(|lease| lease.node == *dead && lease.claimed_by.as_ref() == Some(&self.id)))
    }

    async fn reap_peer(
        self: &Arc<Self>,
        dead: &NodeId,
        peer: &PeerId,
    ) -> Result<Vec<AnnouncedStep>, DirectoryError> {
        let told = match self.reap_session(dead, peer).await {
            // Trying again does not help, and the others are cleaned up after all the same. A node that shares a room with it
            // takes it over as an orphan.
            Err(DirectoryError::Corrupt(what)) => {
                let what = format_args!("session {peer} of a dead node: {what}");
                let about = About::session(peer).on(dead);
                self.backend.unreadable.note(RecordKind::Peer, about, what);
                Vec::new()
            }
            told => told?,
        };
        self.backend.directory.delist(dead, peer).await?;
        Ok(told)
    }

    async fn reap_session(
        self: &Arc<Self>,
        dead: &NodeId,
        peer: &PeerId,
    ) -> Result<Vec<AnnouncedStep>, DirectoryError> {
        let record = self.backend.directory.peer(peer).await?;
        match record.filter(|record| record.node == *dead) {
            Some(record) => self.take_from(dead, &record).await,
            None => Ok(Vec::new()),
        }
    }

    /// A session of a node that is no more: who can come back is kept here as away, the others leave.
    async fn take_from(
        self: &Arc<Self>,
        dead: &NodeId,
        record: &PeerRecord,
    ) -> Result<Vec<AnnouncedStep>, DirectoryError> {
        if !self.can_resume(record).await? {
            return self.end_session(record, LeaveReason::NodeLost).await;
        }
        let directory = &self.backend.directory;
        directory.enlist(&self.id, &record.peer).await?;
        let handed = directory.hand_over(&record.peer, record.epoch, dead, &self.id);
        if !handed.await? {
            // It came back in the meantime.
            self.delist_unless_here(&record.peer).await;
            return Ok(Vec::new());
        }
        if self.retake_if_connected(record).await? {
            return Ok(Vec::new());
        }
        let away = self.new_away(
            (record.peer, record.epoch, record.proven),
            (record.user.clone(), record.credential.clone()),
            record.rooms.clone(),
            self.settings.resume_window,
        );
        self.sessions.keep(away.clone());
        match self.mark_in_turn(&away).await {
            Ok(Marked::Done(told)) => {
                self.end_away_if_revoked(&away);
                Ok(told)
            }
            Ok(Marked::Superseded) => {
                self.stop_keeping(&away).await;
                Ok(Vec::new())
            }
            Err(_) => {
                // It is this node's now, whatever becomes of the cleaning up.
                let node = self.clone();
                self.tasks.errand(Task::Departure, async move {
                    node.mark_away(&away).await;
                    node.end_away_if_revoked(&away);
                });
                Ok(Vec::new())
            }
        }
    }

    /// Whether its rooms count on the peer to come back. One that is in no room costs nothing.
    async fn can_resume(&self, record: &PeerRecord) -> Result<bool, DirectoryError> {
        for room in &record.rooms {
            let roster = self.backend.directory.roster(room).await?;
            if let Some(member) = roster.member(&record.peer) {
                return Ok(member.flags.resumable);
            }
        }
        Ok(true)
    }

    /// Ends a session that has no connection on any node: it leaves its rooms, and the directory forgets it.
    /// Returns who is to know of it.
    pub(crate) async fn end_session(
        &self,
        record: &PeerRecord,
        reason: LeaveReason,
    ) -> Result<Vec<AnnouncedStep>, DirectoryError> {
        let directory = &self.backend.directory;
        let mut told = Vec::new();
        for room in &record.rooms {
            // If it is gone already, the node that removed it may have died before it told the others.
            let left = self.leave_room(room, &record.peer, record.epoch, reason);
            let left = left.await?;
            told.push(AnnouncedStep {
                room: room.clone(),
                revision: left.revision,
                nodes: left.nodes,
            });
        }
        directory.dismiss(&record.user, &record.peer).await?;
        directory.forget(&record.peer, record.epoch).await?;
        Ok(told)
    }

    /// Waits until the others have confirmed what they were told. This node may not know these rooms itself, so no node
    /// would compare revisions with it if a link lost a step: it says them again until one generation has carried all.
    async fn until_told(&self, dead: &NodeId, steps: Vec<AnnouncedStep>) {
        let mut told: BTreeMap<NodeId, Vec<(RoomId, u64)>> = BTreeMap::new();
        for AnnouncedStep {
            room,
            revision,
            nodes,
        } in steps
        {
            for node in nodes.into_iter().filter(|node| node != dead) {
                told.entry(node).or_default().push((room.clone(), revision));
            }
        }
        for (node, revisions) in told {
            let link = self.links.to(&node);
            let confirmed = async {
                loop {
                    let generation = link.generation();
                    link.tell_revisions(&revisions);
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
