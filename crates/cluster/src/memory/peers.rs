//! Sessions: who owns each, and how many a user has.

use std::collections::{BTreeSet, HashMap, HashSet};

use switchboard_protocol::{NodeId, PeerId, RoomId, UserId};

use crate::directory::AttachOutcome;
use crate::record::{Epoch, PeerRecord};

/// What is kept of sessions, of users and of nodes.
#[derive(Default)]
pub(super) struct Peers {
    sessions: HashMap<PeerId, Session>,
    users: HashMap<UserId, HashMap<PeerId, NodeId>>,
    nodes: HashMap<NodeId, HashSet<PeerId>>,
}

struct Session {
    node: NodeId,
    epoch: Epoch,
    user: UserId,
    rooms: BTreeSet<RoomId>,
    /// The owner before this epoch, kept so that a repeated attach answers as the first did.
    former: Option<(NodeId, Epoch)>,
}

impl Peers {
    pub(super) fn attach(
        &mut self,
        peer: &PeerId,
        epoch: Epoch,
        node: &NodeId,
        user: &UserId,
    ) -> AttachOutcome {
        let Some(session) = self.sessions.get_mut(peer) else {
            let session = Session {
                node: node.clone(),
                epoch,
                user: user.clone(),
                rooms: BTreeSet::new(),
                former: None,
            };
            self.sessions.insert(*peer, session);
            return AttachOutcome::Attached { former: None };
        };
        if session.epoch > epoch || (session.epoch == epoch && session.node != *node) {
            return AttachOutcome::Stale {
                known: session.epoch,
            };
        }
        if session.epoch < epoch {
            session.former = Some((session.node.clone(), session.epoch));
            (session.node, session.epoch, session.user) = (node.clone(), epoch, user.clone());
        }
        AttachOutcome::Attached {
            former: session.former.clone(),
        }
    }

    pub(super) fn intend(
        &mut self,
        peer: &PeerId,
        epoch: Epoch,
        room: &RoomId,
        wanted: bool,
    ) -> bool {
        let Some(session) = self
            .sessions
            .get_mut(peer)
            .filter(|session| session.epoch == epoch)
        else {
            return false;
        };
        if wanted {
            session.rooms.insert(room.clone());
        } else {
            session.rooms.remove(room);
        }
        true
    }

    pub(super) fn get(&self, peer: &PeerId) -> Option<PeerRecord> {
        self.sessions.get(peer).map(|session| PeerRecord {
            peer: *peer,
            node: session.node.clone(),
            epoch: session.epoch,
            user: session.user.clone(),
            rooms: session.rooms.iter().cloned().collect(),
        })
    }

    pub(super) fn forget(&mut self, peer: &PeerId, epoch: Epoch) -> bool {
        let owned_by_successor = self
            .sessions
            .get(peer)
            .is_some_and(|session| session.epoch > epoch);
        if !owned_by_successor {
            self.sessions.remove(peer);
        }
        !owned_by_successor
    }

    pub(super) fn admit(
        &mut self,
        user: &UserId,
        peer: &PeerId,
        node: &NodeId,
        sessions_max: u32,
    ) -> bool {
        let sessions = self.users.entry(user.clone()).or_default();
        let admitted = sessions.contains_key(peer) || sessions.len() < sessions_max as usize;
        if admitted {
            sessions.insert(*peer, node.clone());
        }
        admitted
    }

    pub(super) fn dismiss(&mut self, user: &UserId, peer: &PeerId) {
        if let Some(sessions) = self.users.get_mut(user) {
            sessions.remove(peer);
            if sessions.is_empty() {
                self.users.remove(user);
            }
        }
    }

    pub(super) fn enlist(&mut self, node: &NodeId, peer: &PeerId) {
        self.nodes.entry(node.clone()).or_default().insert(*peer);
    }

    pub(super) fn delist(&mut self, node: &NodeId, peer: &PeerId) {
        if let Some(peers) = self.nodes.get_mut(node) {
            peers.remove(peer);
            if peers.is_empty() {
                self.nodes.remove(node);
            }
        }
    }

    pub(super) fn enlisted(&self, node: &NodeId) -> Vec<PeerId> {
        self.nodes
            .get(node)
            .map(|peers| peers.iter().copied().collect())
            .unwrap_or_default()
    }
}
