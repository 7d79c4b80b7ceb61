//! Sessions: who owns each, and how many a user has.

use std::collections::{BTreeSet, HashMap};

use switchboard_protocol::{NodeId, PeerId, RoomId, UserId};

use crate::backend::directory::{
    Admission, Admitted, AssertPeerOutcome, Attach, AttachOutcome, Presence,
};
use crate::backend::record::{Epoch, PeerRecord};
use crate::backend::revocation::Credential;
use crate::sabotage::{Guard, is_out};

/// What is kept of sessions, of users and of nodes.
#[derive(Clone, Default)]
pub(super) struct Peers {
    sessions: HashMap<PeerId, Session>,
    users: HashMap<UserId, HashMap<PeerId, NodeId>>,
    nodes: HashMap<NodeId, BTreeSet<PeerId>>,
    /// So many sessions went away until now.
    departures: u64,
}

#[derive(Clone)]
struct Session {
    node: NodeId,
    epoch: Epoch,
    proven: Epoch,
    user: UserId,
    rooms: BTreeSet<RoomId>,
    /// The owner before this epoch, kept so that a repeated attach answers as the first did.
    former: Option<(NodeId, Epoch)>,
    /// It has no connection: its number among all that went away.
    away: Option<u64>,
    /// What its client has shown under this epoch, if that is known.
    credential: Option<Credential>,
}

impl Peers {
    pub(super) fn attach(&mut self, attach: &Attach) -> AttachOutcome {
        let Some(session) = self.sessions.get_mut(&attach.peer) else {
            if attach.shown.is_some() {
                return AttachOutcome::Unknown;
            }
            let session = Session {
                node: attach.node.clone(),
                epoch: attach.epoch,
                proven: attach.epoch,
                user: attach.user.clone(),
                rooms: BTreeSet::new(),
                former: None,
                away: None,
                credential: attach.credential.clone(),
            };
            self.sessions.insert(attach.peer, session);
            return AttachOutcome::Attached {
                former: None,
                rooms: Vec::new(),
            };
        };
        let is_others = session.epoch == attach.epoch && session.node != attach.node;
        if session.epoch > attach.epoch || is_others {
            return AttachOutcome::Stale {
                known: session.epoch,
            };
        }
        if session.epoch < attach.epoch {
            let is_outdated = |shown: Epoch| shown < session.proven && !is_out(Guard::ProvenEpoch);
            if attach.shown.is_some_and(is_outdated) {
                return AttachOutcome::Outdated;
            }
            session.former = Some((session.node.clone(), session.epoch));
            session.away = None;
            (session.node, session.epoch) = (attach.node.clone(), attach.epoch);
            session.user = attach.user.clone();
            session.credential = None;
        }
        if attach.credential.is_some() {
            session.credential = attach.credential.clone();
        }
        AttachOutcome::Attached {
            former: session.former.clone(),
            rooms: session.rooms.iter().cloned().collect(),
        }
    }

    pub(super) fn prove(&mut self, peer: &PeerId, epoch: Epoch) -> bool {
        let session = self.sessions.get_mut(peer);
        session
            .filter(|session| session.epoch == epoch)
            .map(|session| session.proven = epoch)
            .is_some()
    }

    pub(super) fn note_credential(
        &mut self,
        peer: &PeerId,
        epoch: Epoch,
        credential: &Credential,
    ) -> bool {
        let session = self.sessions.get_mut(peer);
        let session = session.filter(|session| session.epoch == epoch);
        session
            .map(|session| session.credential = Some(credential.clone()))
            .is_some()
    }

    pub(super) fn hand_over(
        &mut self,
        peer: &PeerId,
        epoch: Epoch,
        from: &NodeId,
        to: &NodeId,
    ) -> bool {
        let session = self.sessions.get_mut(peer);
        let session = session.filter(|session| {
            session.epoch == epoch && (session.node == *from || session.node == *to)
        });
        let handed = session.map(|session| {
            session.node = to.clone();
            session.away = None;
        });
        handed.is_some()
    }

    pub(super) fn assert(&mut self, record: &PeerRecord) -> AssertPeerOutcome {
        let rooms = record.rooms.iter().cloned();
        match self.sessions.get_mut(&record.peer) {
            Some(session) if session.epoch == record.epoch && session.node == record.node => {
                let now = |session: &Session| {
                    (
                        session.rooms.len(),
                        session.proven,
                        session.credential.clone(),
                    )
                };
                let before = now(session);
                session.rooms.extend(rooms);
                session.proven = session.proven.max(record.proven);
                if record.credential.is_some() {
                    session.credential = record.credential.clone();
                }
                if before == now(session) {
                    AssertPeerOutcome::Known
                } else {
                    AssertPeerOutcome::Restored
                }
            }
            Some(session) if session.epoch >= record.epoch => AssertPeerOutcome::Elsewhere {
                node: session.node.clone(),
                epoch: session.epoch,
            },
            known => {
                let listed = known.map(|session| std::mem::take(&mut session.rooms));
                let session = Session {
                    node: record.node.clone(),
                    epoch: record.epoch,
                    proven: record.proven,
                    user: record.user.clone(),
                    rooms: rooms.chain(listed.into_iter().flatten()).collect(),
                    former: None,
                    away: None,
                    credential: record.credential.clone(),
                };
                self.sessions.insert(record.peer, session);
                AssertPeerOutcome::Restored
            }
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

    pub(super) fn note_away(&mut self, peer: &PeerId, epoch: Epoch, node: &NodeId) -> bool {
        let Some(session) = self.sessions.get_mut(peer) else {
            return true;
        };
        if session.epoch > epoch || (session.epoch == epoch && session.node != *node) {
            return false;
        }
        if session.epoch == epoch && session.away.is_none() {
            self.departures += 1;
            session.away = Some(self.departures);
        }
        true
    }

    pub(super) fn presence(&self, peer: &PeerId) -> Presence {
        match self.sessions.get(peer) {
            None => Presence::Unknown,
            Some(session) => session.away.map_or(Presence::Live, |since| Presence::Away {
                epoch: session.epoch,
                since,
            }),
        }
    }

    pub(super) fn evict(&mut self, peer: &PeerId, epoch: Epoch, node: &NodeId) -> Option<NodeId> {
        let session = self.sessions.get_mut(peer)?;
        session.away.filter(|_| session.epoch == epoch)?;
        session.away = None;
        let former = std::mem::replace(&mut session.node, node.clone());
        session.former = Some((former.clone(), epoch));
        session.epoch += 1;
        session.proven = session.epoch;
        Some(former)
    }

    pub(super) fn get(&self, peer: &PeerId) -> Option<PeerRecord> {
        self.sessions.get(peer).map(|session| PeerRecord {
            peer: *peer,
            node: session.node.clone(),
            epoch: session.epoch,
            proven: session.proven,
            user: session.user.clone(),
            credential: session.credential.clone(),
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

    pub(super) fn admit(&mut self, admission: &Admission) -> Admitted {
        let Admission {
            user, peer, node, ..
        } = admission;
        let sessions = self.users.get(user);
        let is_counted = sessions.is_some_and(|sessions| sessions.contains_key(peer));
        let count = sessions.map_or(0, HashMap::len);
        if !is_counted && count >= admission.sessions_max as usize {
            return Admitted::TooMany;
        }
        self.count(user, peer, node);
        Admitted::Yes
    }

    pub(super) fn count(&mut self, user: &UserId, peer: &PeerId, node: &NodeId) {
        let sessions = self.users.entry(user.clone()).or_default();
        sessions.insert(*peer, node.clone());
    }

    pub(super) fn of_user(&self, user: &UserId) -> Vec<PeerId> {
        let sessions = self.users.get(user).into_iter();
        let mut sessions: Vec<_> = sessions.flat_map(HashMap::keys).copied().collect();
        sessions.sort_unstable();
        sessions
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
