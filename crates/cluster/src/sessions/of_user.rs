//! Reaching a user: where all of its sessions are, and telling something to the nodes that have them.

use std::collections::HashMap;
use std::sync::Arc;

use futures_util::future::join_all;
use switchboard_protocol::{NodeId, PeerId, UserId};

use crate::backend::directory::DirectoryError;
use crate::backend::record::{Epoch, PeerRecord};
use crate::backend::revocation::Revocation;
use crate::node::{Inner, Node};

/// Records of sessions that are read at the same time.
const LOOKED_UP_AT_ONCE: usize = 64;

/// A session of a user, wherever it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UserSession {
    /// Its public id.
    pub peer: PeerId,
    /// The node that has it, or keeps its places while it is away.
    pub node: NodeId,
    /// Raised each time it changes hands.
    pub epoch: Epoch,
}

impl From<PeerRecord> for UserSession {
    fn from(record: PeerRecord) -> Self {
        Self {
            peer: record.peer,
            node: record.node,
            epoch: record.epoch,
        }
    }
}

impl Node {
    /// The sessions of a user on all nodes, live and away, in no order.
    pub async fn sessions_of(&self, user: &UserId) -> Result<Vec<UserSession>, DirectoryError> {
        self.0.sessions_of(user).await
    }
}

impl Inner {
    /// See [`Node::sessions_of`].
    pub(crate) async fn sessions_of(
        &self,
        user: &UserId,
    ) -> Result<Vec<UserSession>, DirectoryError> {
        let directory = &self.backend.directory;
        let peers = directory.user_sessions(user).await?;
        let mut sessions = Vec::new();
        for peers in peers.chunks(LOOKED_UP_AT_ONCE) {
            // Which node a session came to is noted beside it, but a node that took it over since is in its record alone.
            let asked: Vec<_> = peers.iter().map(|peer| directory.peer(peer)).collect();
            for record in join_all(asked).await {
                match record {
                    Ok(record) => sessions.extend(record.filter(|record| record.user == *user)),
                    Err(DirectoryError::Corrupt(_)) => {}
                    Err(error) => return Err(error),
                }
            }
        }
        Ok(sessions.into_iter().map(UserSession::from).collect())
    }

    /// Tells each node that has some of these sessions, once. A link that is full loses it.
    pub(crate) fn tell_sessions(self: &Arc<Self>, sessions: Vec<UserSession>, entry: &Revocation) {
        let mut by_node: HashMap<NodeId, Vec<PeerId>> = HashMap::new();
        for session in sessions {
            by_node.entry(session.node).or_default().push(session.peer);
        }
        for (node, peers) in by_node {
            match node == self.id {
                true => self.end_revoked_among(&peers, entry),
                false => self.links.to(&node).tell_revoked(&peers, entry),
            }
        }
    }
}
