//! A trace, told from the sessions' points of view: what the invariants have in common.

use std::collections::{BTreeMap, BTreeSet};

use switchboard_protocol::server_message::Reason;
use switchboard_protocol::{PeerId, RoomId};
use tokio::time::Duration;

use crate::scenario::HOLD;
use crate::trace::{
    ClientNo, ConnectionNo, Leaving, News, Promises, Seen, Trace, View, Weather, What,
};

/// Every session of a run.
#[derive(Debug, Default)]
pub(crate) struct Story {
    pub(crate) sessions: BTreeMap<PeerId, Session>,
    /// When a kernel took a signal: for whom, whose, and its id.
    pub(crate) written: BTreeMap<(PeerId, PeerId, u64), Duration>,
    /// When Redis last went back in time.
    went_back_at: Option<Duration>,
}

/// One session, as its client knows it.
#[derive(Debug)]
pub(crate) struct Session {
    pub(crate) client: ClientNo,
    pub(crate) promises: Promises,
    /// Whether it is welcomed at the end of the run.
    pub(crate) lives: bool,
    /// When its page was loaded again, the last time.
    pub(crate) reloaded_at: Option<Duration>,
    /// When it was welcomed, the last time.
    pub(crate) welcomed_at: Duration,
    pub(crate) said: BTreeMap<u64, Said>,
    /// What its application handled, and when.
    pub(crate) handled: BTreeMap<(PeerId, u64), Duration>,
    /// When it was in which room, without a break.
    pub(crate) stays: Vec<Stay>,
    /// Whom it was told to have left.
    pub(crate) missed: Vec<Missed>,
    /// Which members it is told of, at this moment, and their places in the join order.
    members: BTreeMap<(RoomId, PeerId), u64>,
}

/// A member that was told as gone.
#[derive(Debug)]
pub(crate) struct Missed {
    peer: PeerId,
    room: RoomId,
    at: Duration,
    /// When it was told as there again.
    until: Option<Duration>,
}

/// A signal.
#[derive(Debug)]
pub(crate) struct Said {
    pub(crate) room: RoomId,
    pub(crate) to: Option<PeerId>,
    pub(crate) by_name: Option<ClientNo>,
    pub(crate) first_at: Duration,
    /// Who was in the room then, by all that its sender was told.
    pub(crate) members: BTreeSet<PeerId>,
    pub(crate) last_at: Duration,
    /// The connections it was said over.
    pub(crate) over: BTreeSet<ConnectionNo>,
    /// Whom it goes to, by all that its sender was told.
    pub(crate) goes: BTreeSet<PeerId>,
    pub(crate) refused: bool,
    pub(crate) answers: Vec<Answer>,
}

/// What its sender was told.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Answer {
    pub(crate) at: Duration,
    pub(crate) to: PeerId,
    pub(crate) outcome: Result<(), Reason>,
}

/// A time in a room. Open: until the end of the run.
#[derive(Debug, Clone)]
pub(crate) struct Stay {
    pub(crate) room: RoomId,
    pub(crate) from: Duration,
    /// Its place in the join order.
    pub(crate) order: u64,
    pub(crate) until: Option<Duration>,
}

/// Where a client is in the trace.
#[derive(Default)]
struct Cursor {
    promises: Promises,
    peer: Option<PeerId>,
    main: Option<ConnectionNo>,
    /// When its page was loaded again, until it is welcomed.
    reloading_since: Option<Duration>,
}

impl Story {
    pub(crate) fn of(trace: &Trace) -> Self {
        let mut story = Self::default();
        let mut cursors: BTreeMap<ClientNo, Cursor> = BTreeMap::new();
        for event in &trace.events {
            story.take(event.at, &event.what, &mut cursors);
        }
        for client in &trace.last.clients {
            if let Some(session) = client.peer.and_then(|peer| story.sessions.get_mut(&peer)) {
                session.lives = true;
            }
        }
        story
    }

    /// Whether a peer is in that room from `from` until the end, and has that place in the order.
    pub(crate) fn keeps_place(
        &self,
        peer: &PeerId,
        (room, order): (&RoomId, u64),
        from: Duration,
    ) -> bool {
        let is_it = |stay: &Stay| stay.room == *room && stay.order == order;
        self.stayed(peer, room, from).is_some_and(|session| {
            session
                .stays
                .iter()
                .any(|stay| is_it(stay) && stay.until.is_none())
        })
    }

    /// The session of a peer, if it was in that room from `from` on without a break, and still is.
    pub(crate) fn stayed(&self, peer: &PeerId, room: &RoomId, from: Duration) -> Option<&Session> {
        let session = self.sessions.get(peer).filter(|session| session.lives)?;
        let mut stays = session.stays.iter();
        let stays =
            stays.any(|stay| stay.room == *room && stay.from <= from && stay.until.is_none());
        stays.then_some(session)
    }

    fn take(&mut self, at: Duration, what: &What, cursors: &mut BTreeMap<ClientNo, Cursor>) {
        match what {
            What::Greeted {
                client, promises, ..
            } => cursors.entry(*client).or_default().promises = *promises,
            What::Welcomed {
                client,
                connection,
                peer,
                rooms: views,
                ..
            } => {
                let cursor = cursors.entry(*client).or_default();
                (cursor.peer, cursor.main) = (Some(*peer), Some(*connection));
                let promises = cursor.promises;
                let reloading_since = cursor.reloading_since.take();
                // It had expired, and the others were told so; then Redis went back to before that.
                let has_expired = reloading_since.is_some_and(|since| {
                    let expired_at = since + HOLD;
                    self.went_back_at
                        .is_some_and(|back_at| (expired_at..at).contains(&back_at))
                });
                let session = self
                    .sessions
                    .entry(*peer)
                    .or_insert_with(|| Session::new(*client, promises));
                let order = |members: &[Seen]| order_of(peer, members);
                let rooms: BTreeMap<_, _> = views
                    .iter()
                    .map(|view| (view.room.clone(), order(&view.members)))
                    .collect();
                session.welcomed_at = at;
                let known = std::mem::take(&mut session.members);
                for view in views {
                    session.misses_in(&known, view, at);
                    session.finds(&view.room, &view.members, at);
                }
                if has_expired {
                    session.is_in(&BTreeMap::new(), at);
                }
                session.is_in(&rooms, at);
            }
            What::Told {
                client,
                connection,
                room,
                news,
            } => {
                if let Some((peer, session)) = self.main(*client, *connection, cursors) {
                    match news {
                        News::Joined { members, .. } => {
                            let order = order_of(&peer, members);
                            session.leaves(room, at);
                            session.enters(room, order, at);
                            session.members.retain(|(known, _), _| known != room);
                            session.finds(room, members, at);
                        }
                        News::Entered => session.enters(room, 0, at),
                        News::Left | News::Closed => session.leaves(room, at),
                        News::Came { member, .. } => {
                            session.finds(room, std::slice::from_ref(member), at);
                        }
                        News::Went { peer, .. } => {
                            session.members.remove(&(room.clone(), *peer));
                            session.missed.push(Missed {
                                peer: *peer,
                                room: room.clone(),
                                at,
                                until: None,
                            });
                        }
                        _ => {}
                    }
                }
            }
            What::Leaves { client, room } => {
                let peer = cursors.get(client).and_then(|cursor| cursor.peer);
                if let Some(session) = peer.and_then(|peer| self.sessions.get_mut(&peer)) {
                    session.leaves(room, at);
                }
            }
            What::Said {
                peer,
                connection,
                id,
                room,
                to,
                by_name,
                again,
                ..
            } => {
                if let Some(session) = self.sessions.get_mut(peer) {
                    let members = session.members.keys();
                    let members = members.filter(|(known, _)| known == room);
                    let said = session.said.entry(*id).or_insert_with(|| Said {
                        room: room.clone(),
                        to: *to,
                        by_name: *by_name,
                        first_at: at,
                        members: members.map(|(_, member)| *member).collect(),
                        last_at: at,
                        over: BTreeSet::new(),
                        goes: to.iter().copied().collect(),
                        refused: false,
                        answers: Vec::new(),
                    });
                    said.last_at = at;
                    said.over.insert(*connection);
                    // A broadcast that is said again to one after another names its receivers itself.
                    if *again {
                        said.goes.extend(to);
                    }
                }
            }
            What::Goes { client, id, to, .. } => {
                if let Some(said) = self.said(*client, *id, cursors) {
                    said.goes.extend(to);
                }
            }
            What::Refused {
                client,
                id: Some(id),
                ..
            } => {
                if let Some(said) = self.said(*client, *id, cursors) {
                    said.refused = true;
                }
            }
            What::Answered {
                client,
                id,
                to,
                outcome,
                ..
            } => {
                let answer = Answer {
                    at,
                    to: *to,
                    outcome: *outcome,
                };
                if let Some(said) = self.said(*client, *id, cursors) {
                    said.answers.push(answer);
                }
            }
            What::Written { to, from, id } => {
                self.written.entry((*to, *from, *id)).or_insert(at);
            }
            What::Handled { peer, from, id, .. } => {
                if let Some(session) = self.sessions.get_mut(peer) {
                    session.handled.entry((*from, *id)).or_insert(at);
                }
            }
            What::Weather(Weather::WentBack(_)) => self.went_back_at = Some(at),
            What::Gone { client, how } => {
                let cursor = cursors.entry(*client).or_default();
                if *how == Leaving::Reloaded {
                    // Loaded again before it was back: its places are held from the first time on.
                    cursor.reloading_since.get_or_insert(at);
                }
                let peer = cursor.peer;
                let Some(session) = peer.and_then(|peer| self.sessions.get_mut(&peer)) else {
                    return;
                };
                match how {
                    Leaving::Reloaded => session.reloaded_at = Some(at),
                    _ => session.is_in(&BTreeMap::new(), at),
                }
            }
            _ => {}
        }
    }

    fn main(
        &mut self,
        client: ClientNo,
        connection: ConnectionNo,
        cursors: &BTreeMap<ClientNo, Cursor>,
    ) -> Option<(PeerId, &mut Session)> {
        let cursor = cursors.get(&client)?;
        let peer = cursor.peer.filter(|_| cursor.main == Some(connection))?;
        Some((peer, self.sessions.get_mut(&peer)?))
    }

    fn said(
        &mut self,
        client: ClientNo,
        id: u64,
        cursors: &BTreeMap<ClientNo, Cursor>,
    ) -> Option<&mut Said> {
        let peer = cursors.get(&client)?.peer?;
        self.sessions.get_mut(&peer)?.said.get_mut(&id)
    }
}

fn order_of(peer: &PeerId, members: &[Seen]) -> u64 {
    let mut own = members.iter().filter(|member| member.peer == *peer);
    own.next().map_or(0, |member| member.order)
}

impl Session {
    fn new(client: ClientNo, promises: Promises) -> Self {
        Self {
            client,
            promises,
            lives: false,
            reloaded_at: None,
            welcomed_at: Duration::ZERO,
            said: BTreeMap::new(),
            handled: BTreeMap::new(),
            stays: Vec::new(),
            missed: Vec::new(),
            members: BTreeMap::new(),
        }
    }

    /// Its signals that its present page waits for, or waited.
    pub(crate) fn own(&self) -> impl Iterator<Item = (u64, &Said)> {
        let reloaded_at = self.reloaded_at;
        self.said
            .iter()
            .filter(move |(_, said)| reloaded_at.is_none_or(|at| said.first_at >= at))
            .map(|(id, said)| (*id, said))
    }

    /// Whether it is told after `since` that a peer left a room: until then it knew an earlier stay of that peer.
    pub(crate) fn misses(&self, peer: &PeerId, room: &RoomId, since: Duration) -> bool {
        self.missed_from(peer, room)
            .any(|missed| missed.at >= since)
    }

    /// Whether a peer was gone from a room for it, at `since` or later.
    pub(crate) fn lacks(&self, peer: &PeerId, room: &RoomId, since: Duration) -> bool {
        self.missed_from(peer, room)
            .any(|missed| missed.until.is_none_or(|until| until >= since))
    }

    fn missed_from(&self, peer: &PeerId, room: &RoomId) -> impl Iterator<Item = &Missed> {
        let missed = self.missed.iter();
        missed.filter(move |missed| missed.peer == *peer && missed.room == *room)
    }

    /// A list lacks a member that it knows, or shows it in another place: that member has left since, and may be back.
    fn misses_in(&mut self, known: &BTreeMap<(RoomId, PeerId), u64>, view: &View, at: Duration) {
        let known = known.iter().filter(|((room, _), _)| *room == view.room);
        for ((_, peer), order) in known {
            let shown = view.members.iter().find(|member| member.peer == *peer);
            if shown.is_none_or(|member| member.order != *order) {
                self.missed.push(Missed {
                    peer: *peer,
                    room: view.room.clone(),
                    at,
                    until: shown.map(|_| at),
                });
            }
        }
    }

    /// It is told of members that are there.
    fn finds(&mut self, room: &RoomId, members: &[Seen], at: Duration) {
        let found = members.iter();
        let found = found.map(|member| ((room.clone(), member.peer), member.order));
        self.members.extend(found);
        let missed = self.missed.iter_mut();
        for missed in missed.filter(|missed| missed.room == *room && missed.until.is_none()) {
            if members.iter().any(|member| member.peer == missed.peer) {
                missed.until = Some(at);
            }
        }
    }

    fn is_in(&mut self, rooms: &BTreeMap<RoomId, u64>, at: Duration) {
        for stay in self.stays.iter_mut().filter(|stay| stay.until.is_none()) {
            if rooms.get(&stay.room) != Some(&stay.order) {
                stay.until = Some(at);
            }
        }
        for (room, order) in rooms {
            self.enters(room, *order, at);
        }
    }

    fn enters(&mut self, room: &RoomId, order: u64, at: Duration) {
        let mut open = self.stays.iter().filter(|stay| stay.until.is_none());
        if !open.any(|stay| stay.room == *room) {
            self.stays.push(Stay {
                room: room.clone(),
                from: at,
                order,
                until: None,
            });
        }
    }

    fn leaves(&mut self, room: &RoomId, at: Duration) {
        let mut open = self.stays.iter_mut().filter(|stay| stay.until.is_none());
        if let Some(stay) = open.find(|stay| stay.room == *room) {
            stay.until = Some(at);
        }
    }
}
