//! One session, as its client knows it: in which rooms it was, with whom, and what it said and handled.

use std::collections::{BTreeMap, BTreeSet};

use switchboard_protocol::{PeerId, RoomId};
use tokio::time::Duration;

use super::signal::{Answer, Said};
use crate::trace::{ClientNo, Promises, Seen, View};

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
    missed: Vec<Missed>,
    /// Which members it is told of, at this moment, and their places in the join order.
    pub(super) members: BTreeMap<(RoomId, PeerId), u64>,
}

/// A member that was told as gone.
#[derive(Debug)]
struct Missed {
    peer: PeerId,
    room: RoomId,
    at: Duration,
    /// When it was told as there again.
    until: Option<Duration>,
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

impl Session {
    pub(super) fn new(client: ClientNo, promises: Promises) -> Self {
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

    /// It says a signal, for the first time or again.
    pub(super) fn says(
        &mut self,
        id: u64,
        room: &RoomId,
        (to, by_name): (Option<PeerId>, Option<ClientNo>),
        at: Duration,
    ) -> &mut Said {
        let members = self.members.keys().filter(|(known, _)| known == room);
        self.said.entry(id).or_insert_with(|| Said {
            room: room.clone(),
            to,
            by_name,
            first_at: at,
            members: members.map(|(_, member)| *member).collect(),
            last_at: at,
            over: BTreeSet::new(),
            goes: to.into_iter().collect(),
            refused: false,
            answers: Vec::new(),
        })
    }

    /// Its signals that its present page waits for, or waited.
    pub(crate) fn own(&self) -> impl Iterator<Item = (u64, &Said)> {
        let reloaded_at = self.reloaded_at;
        self.said
            .iter()
            .filter(move |(_, said)| reloaded_at.is_none_or(|at| said.first_at >= at))
            .map(|(id, said)| (*id, said))
    }

    /// How many of its signals for a receiver were said over that connection until then, and had no answer over it: what
    /// is said again counts there, also where the client hears the answer over the connection before.
    pub(crate) fn unanswered_over(&self, answer: &Answer) -> usize {
        let is_same = |known: &&Answer| known.to == answer.to && known.over == answer.over;
        let waits = |said: &&Said| {
            let is_for = said.goes.contains(&answer.to) || said.to.is_none();
            let mut answers = said.answers.iter().filter(is_same);
            let is_said = said.over.contains(&answer.over) && said.last_at <= answer.at;
            is_said && is_for && answers.all(|known| known.at >= answer.at)
        };
        self.said.values().filter(waits).count()
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
    pub(super) fn misses_in(
        &mut self,
        known: &BTreeMap<(RoomId, PeerId), u64>,
        view: &View,
        at: Duration,
    ) {
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

    /// It is told that a member is gone.
    pub(super) fn loses(&mut self, peer: &PeerId, room: &RoomId, at: Duration) {
        self.members.remove(&(room.clone(), *peer));
        self.missed.push(Missed {
            peer: *peer,
            room: room.clone(),
            at,
            until: None,
        });
    }

    /// It is told of members that are there.
    pub(super) fn finds(&mut self, room: &RoomId, members: &[Seen], at: Duration) {
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

    pub(super) fn is_in(&mut self, rooms: &BTreeMap<RoomId, u64>, at: Duration) {
        for stay in self.stays.iter_mut().filter(|stay| stay.until.is_none()) {
            if rooms.get(&stay.room) != Some(&stay.order) {
                stay.until = Some(at);
            }
        }
        for (room, order) in rooms {
            self.enters(room, *order, at);
        }
    }

    pub(super) fn enters(&mut self, room: &RoomId, order: u64, at: Duration) {
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

    pub(super) fn leaves(&mut self, room: &RoomId, at: Duration) {
        let mut open = self.stays.iter_mut().filter(|stay| stay.until.is_none());
        if let Some(stay) = open.find(|stay| stay.room == *room) {
            stay.until = Some(at);
        }
    }
}
