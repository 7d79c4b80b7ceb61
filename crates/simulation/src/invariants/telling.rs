//! Traces for the tests of the invariants: two clients in one room, to whom something happens.

use std::collections::BTreeMap;

use switchboard_cluster::record::{Flags, MemberRecord, PeerRecord, Profile};
use switchboard_protocol::server_message::{LeaveReason, Reason};
use switchboard_protocol::{MemberState, NodeId, PeerId, RoomId, UserId};
use tokio::time::Duration;

use super::Invariant;
use super::story::Story;
use super::thefts::SUPERSEDED;
use crate::speaks::Speaks;
use crate::trace::last::{LastClient, LastNode, LastRoom};
use crate::trace::{Event, Leaving, News, Promises, Rules, Secret, Seen, Trace, View, What};

/// A trace in the making.
pub(super) struct Tale {
    pub(super) trace: Trace,
    now: Duration,
    connections: [u64; 2],
}

impl Tale {
    /// Both are welcomed, in the room, and still there at the end.
    pub(super) fn of_two() -> Self {
        let mut tale = Self {
            trace: Trace {
                rules: Rules {
                    window: Duration::from_secs(20),
                    deadline: Duration::from_secs(35),
                    lease: Duration::from_secs(4),
                    in_flight: 256,
                    answers_arrive: true,
                },
                ..Trace::default()
            },
            now: Duration::from_secs(1),
            connections: [1, 2],
        };
        for no in 0..2 {
            tale.opens(no, &[]);
            tale.note(What::Welcomed {
                client: no,
                connection: tale.connections[no],
                peer: tale.peer(no),
                resumed: false,
                rooms: Vec::new(),
            });
        }
        for no in 0..2 {
            tale.joins_again(no, &[0, 1]);
        }
        tale.come_to_rest();
        tale
    }

    pub(super) fn judge(&self, invariant: Invariant) -> Vec<String> {
        invariant(&self.trace, &Story::of(&self.trace))
    }

    pub(super) fn peer(&self, no: usize) -> PeerId {
        format!("peer-{no}--------------------")[..20]
            .parse()
            .expect("20 letters")
    }

    pub(super) fn wait(&mut self, seconds: u64) {
        self.now += Duration::from_secs(seconds);
    }

    /// As if nothing had happened before.
    pub(super) fn forget_all(&mut self) {
        self.trace.events.clear();
    }

    pub(super) fn note(&mut self, what: What) {
        let at = self.now;
        self.trace.events.push(Event { at, what });
    }

    pub(super) fn says(&mut self, no: usize, id: u64, to: usize) {
        self.says_to(no, id, Some(self.peer(to)));
    }

    pub(super) fn says_to_all(&mut self, no: usize, id: u64) {
        self.says_to(no, id, None);
    }

    fn says_to(&mut self, no: usize, id: u64, to: Option<PeerId>) {
        self.note(What::Said {
            client: no,
            connection: self.connections[no],
            peer: self.peer(no),
            id,
            room: room(),
            to,
            by_name: None,
            again: false,
        });
    }

    pub(super) fn answered(&mut self, no: usize, id: u64, to: usize, outcome: Result<(), Reason>) {
        self.note(What::Answered {
            client: no,
            connection: self.connections[no],
            id,
            to: self.peer(to),
            outcome,
        });
    }

    pub(super) fn comes(&mut self, no: usize, from: usize, id: u64) {
        self.note(What::Came {
            client: no,
            connection: self.connections[no],
            room: room(),
            from: self.peer(from),
            id,
            numbered: Some(id),
            intact: true,
        });
    }

    pub(super) fn handles(&mut self, no: usize, from: usize, id: u64) {
        self.note(What::Handled {
            client: no,
            peer: self.peer(no),
            room: room(),
            from: self.peer(from),
            id,
        });
    }

    pub(super) fn resumes(&mut self, no: usize, seen: &[(usize, u64)]) {
        self.connections[no] += 2;
        self.opens(no, seen);
        self.is_welcomed_back(no, &[0, 1]);
    }

    pub(super) fn is_welcomed_back(&mut self, no: usize, members: &[usize]) {
        self.note(What::Welcomed {
            client: no,
            connection: self.connections[no],
            peer: self.peer(no),
            resumed: true,
            rooms: vec![self.view(members)],
        });
    }

    /// One resumes, and finds that another has left meanwhile, and may be back.
    pub(super) fn misses(&mut self, no: usize, whom: usize, is_back: bool) {
        self.connections[no] += 2;
        self.opens(no, &[]);
        let mut view = self.view(&[0, 1]);
        match is_back {
            true => view.members[whom].order += 7,
            false => drop(view.members.remove(whom)),
        }
        self.note(What::Welcomed {
            client: no,
            connection: self.connections[no],
            peer: self.peer(no),
            resumed: true,
            rooms: vec![view],
        });
    }

    pub(super) fn is_welcomed_anew(&mut self, no: usize) {
        self.connections[no] += 2;
        self.opens(no, &[]);
        self.note(What::Welcomed {
            client: no,
            connection: self.connections[no],
            peer: self.peer(no + 2),
            resumed: false,
            rooms: Vec::new(),
        });
    }

    pub(super) fn joins_again(&mut self, no: usize, members: &[usize]) {
        let View {
            revision, members, ..
        } = self.view(members);
        self.hears(no, News::Joined { revision, members });
    }

    pub(super) fn leaves(&mut self, no: usize) {
        self.hears(no, News::Left);
    }

    pub(super) fn hears_of_coming(&mut self, no: usize, whom: usize) {
        let member = seen(self.peer(whom), whom);
        let revision = 3;
        self.hears(no, News::Came { revision, member });
    }

    pub(super) fn hears_of_leaving(&mut self, no: usize, whom: usize) {
        let news = News::Went {
            revision: 3,
            peer: self.peer(whom),
            reason: LeaveReason::Expired,
        };
        self.hears(no, news);
    }

    pub(super) fn hears_of_state(&mut self, no: usize, whom: usize, revision: u64) {
        let news = News::Updated {
            revision,
            peer: self.peer(whom),
            away: None,
            state: Some(MemberState::default()),
        };
        self.hears(no, news);
    }

    pub(super) fn is_cut(&mut self, no: usize) {
        let connection = self.connections[no];
        self.note(What::Cut { connection });
    }

    pub(super) fn loses_connection(&mut self, no: usize) {
        self.note(What::Closed {
            client: no,
            connection: self.connections[no],
            code: None,
        });
    }

    pub(super) fn is_superseded(&mut self, no: usize) {
        self.note(What::Closed {
            client: no,
            connection: self.connections[no],
            code: Some(SUPERSEDED),
        });
    }

    /// Somebody takes its session with a secret that is still good.
    pub(super) fn is_robbed(&mut self, no: usize) {
        self.is_intruded(no, Secret::Outdated, Some(true));
    }

    pub(super) fn is_intruded(&mut self, no: usize, secret: Secret, resumed: Option<bool>) {
        self.note(What::Intruded {
            peer: self.peer(no),
            secret,
            resumed,
        });
    }

    pub(super) fn goes(&mut self, no: usize, how: Leaving) {
        self.note(What::Gone { client: no, how });
    }

    pub(super) fn last(&mut self, no: usize) -> &mut LastClient {
        &mut self.trace.last.clients[no]
    }

    /// The node of the second one.
    pub(super) fn last_node(&mut self) -> &mut LastNode {
        &mut self.trace.last.nodes[1]
    }

    pub(super) fn last_room(&mut self) -> &mut LastRoom {
        self.trace.last.rooms.get_mut(&room()).expect("the room")
    }

    pub(super) fn last_record(&mut self, no: usize) -> &mut PeerRecord {
        &mut self.trace.last.peers[no]
    }

    pub(super) fn opens(&mut self, no: usize, seen: &[(usize, u64)]) {
        let connection = self.connections[no];
        self.note(What::Opened {
            client: no,
            connection,
            node: no,
        });
        let seen: BTreeMap<_, _> = seen
            .iter()
            .map(|(from, id)| (self.peer(*from), *id))
            .collect();
        self.note(What::Greeted {
            client: no,
            connection,
            promises: native(),
            resume: None,
            seen,
        });
    }

    /// That one is promised this instead.
    pub(super) fn promise(&mut self, no: usize, promises: Promises) {
        for event in &mut self.trace.events {
            if let What::Greeted {
                client,
                promises: known,
                ..
            } = &mut event.what
                && *client == no
            {
                *known = promises;
            }
        }
        self.last(no).promises = promises;
    }

    /// One is told that another is away.
    pub(super) fn sees_away(&mut self, no: usize, whom: usize, revision: u64) {
        let news = News::Updated {
            revision,
            peer: self.peer(whom),
            away: Some(true),
            state: None,
        };
        self.hears(no, news);
    }

    fn hears(&mut self, no: usize, news: News) {
        self.note(What::Told {
            client: no,
            connection: self.connections[no],
            room: room(),
            news,
        });
    }

    fn view(&self, members: &[usize]) -> View {
        View {
            room: room(),
            revision: 2,
            members: members.iter().map(|no| seen(self.peer(*no), *no)).collect(),
        }
    }

    fn come_to_rest(&mut self) {
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

fn seen(peer: PeerId, no: usize) -> Seen {
    Seen {
        peer,
        name: None,
        order: no as u64 + 1,
        away: false,
        state: MemberState::default(),
    }
}

fn room() -> RoomId {
    "room-0".parse().expect("a room id")
}

fn node(no: usize) -> NodeId {
    format!("node-{no}").parse().expect("a node's id")
}

fn user() -> UserId {
    "somebody".parse().expect("a user id")
}

fn native() -> Promises {
    Speaks::Native.promises(true)
}
