//! What is found when all has come to rest: both are where they want to be.

use switchboard_cluster::record::{Flags, MemberRecord, PeerRecord, Profile};
use switchboard_protocol::{NodeId, UserId};

use super::{Tale, native, room};
use crate::trace::last::{LastClient, LastNode, LastRoom};

impl Tale {
    pub(in crate::invariants) fn last(&mut self, no: usize) -> &mut LastClient {
        &mut self.trace.last.clients[no]
    }

    /// The node of the second one.
    pub(in crate::invariants) fn last_node(&mut self) -> &mut LastNode {
        &mut self.trace.last.nodes[1]
    }

    pub(in crate::invariants) fn last_room(&mut self) -> &mut LastRoom {
        self.trace.last.rooms.get_mut(&room()).expect("the room")
    }

    pub(in crate::invariants) fn last_record(&mut self, no: usize) -> &mut PeerRecord {
        &mut self.trace.last.peers[no]
    }

    pub(super) fn come_to_rest(&mut self) {
        let mut listed = LastRoom {
            revision: 2,
            members: Vec::new(),
        };
        for no in 0..2 {
            let (peer, id) = (self.peer(no), node(no));
            self.trace.last.clients.push(LastClient {
                client: no,
                promises: native(),
                peer: Some(peer),
                wants: vec![room()],
                views: vec![self.view(&[0, 1])],
                listed: None,
                unanswered: Vec::new(),
            });
            self.trace.last.nodes.push(LastNode {
                node: no,
                id: id.clone(),
                serves: true,
                sessions: vec![peer],
                in_flight_bytes: 0,
                enlisted: vec![peer],
            });
            self.trace.last.leases.push(id.clone());
            self.trace.last.peers.push(PeerRecord {
                peer,
                node: id.clone(),
                epoch: 1,
                proven: 1,
                user: user(),
                credential: None,
                rooms: vec![room()],
            });
            listed.members.push(MemberRecord {
                peer,
                epoch: 1,
                node: id,
                order: no as u64 + 1,
                flags: Flags::default(),
                user: user(),
                joined_at: 0,
                profile: Profile::default(),
                unread: None,
            });
        }
        self.trace.last.rooms.insert(room(), listed);
    }
}

fn node(no: usize) -> NodeId {
    format!("node-{no}").parse().expect("a node's id")
}

fn user() -> UserId {
    "somebody".parse().expect("a user id")
}
