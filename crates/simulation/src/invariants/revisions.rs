//! Which revision of a room Redis owes to everybody. What it lost goes on from the highest that anyone asserts (DESIGN 5):
//! what only nodes knew that have died since, or slept and were cut off while rooms were filled again, nobody asserts.

use std::collections::BTreeMap;

use switchboard_protocol::RoomId;
use tokio::time::Duration;

use super::memory::WRITTEN;
use crate::trace::{ClientNo, ConnectionNo, Event, Fate, NodeNo, Weather, What};

/// Follows a trace.
pub(super) struct Revisions {
    lease: Duration,
    lost_at: Duration,
    /// It is down, or hangs.
    is_away: bool,
    on: BTreeMap<ConnectionNo, NodeNo>,
    /// What each client was shown last, and by which node: that one knows it, too.
    shown: BTreeMap<(ClientNo, RoomId), (NodeNo, u64)>,
    /// What Redis had at the least since it lost something, if ever.
    stored: BTreeMap<RoomId, u64>,
    nodes: BTreeMap<NodeNo, Node>,
}

#[derive(Default)]
struct Node {
    is_dead: bool,
    /// Put to sleep, so many times.
    asleep: usize,
    is_cut_off: bool,
    /// Redis lost something, and this node has not written yet what it knows.
    owes: bool,
    /// Since when it can.
    able_since: Option<Duration>,
    /// It could not in time: rooms are open without what it knows from then on.
    missed_from: Option<Duration>,
}

impl Node {
    fn becomes_able(&mut self, at: Duration) {
        let is_able = self.asleep == 0 && !self.is_cut_off;
        self.able_since = is_able.then_some(at);
    }

    fn knows_what_counts(&self, at: Duration) -> bool {
        self.owes && !self.is_dead && self.missed_from.is_none_or(|from| at < from)
    }
}

impl Revisions {
    pub(super) fn new(lease: Duration) -> Self {
        Self {
            lease,
            lost_at: Duration::ZERO,
            is_away: false,
            on: BTreeMap::new(),
            shown: BTreeMap::new(),
            stored: BTreeMap::new(),
            nodes: BTreeMap::new(),
        }
    }

    /// A node that could write for long enough has written what it knows. To be called before [`owed`](Self::owed).
    pub(super) fn settle(&mut self, at: Duration) {
        for (no, node) in &mut self.nodes {
            let is_able = node.able_since.is_some_and(|since| since + WRITTEN <= at);
            if !node.owes || node.is_dead || self.is_away || !is_able {
                continue;
            }
            (node.owes, node.missed_from) = (false, None);
            for ((_, room), (by, revision)) in &self.shown {
                if by == no {
                    raise(&mut self.stored, room, *revision);
                }
            }
        }
    }

    /// The revision that a room does not fall below.
    pub(super) fn owed(&self, room: &RoomId, at: Duration) -> u64 {
        let counts = |no: &NodeNo| {
            self.nodes
                .get(no)
                .is_some_and(|node| node.knows_what_counts(at))
        };
        let shown = self.shown.iter();
        let known = shown.filter(|((_, known), (node, _))| known == room && counts(node));
        let stored = self.stored.get(room).copied();
        known
            .map(|(_, (_, revision))| *revision)
            .chain(stored)
            .max()
            .unwrap_or(0)
    }

    pub(super) fn take(&mut self, event: &Event) {
        match &event.what {
            What::Opened {
                connection, node, ..
            } => {
                self.on.insert(*connection, *node);
                self.nodes.entry(*node).or_default();
            }
            What::Welcomed {
                client,
                connection,
                rooms,
                ..
            } => {
                self.forget(*client);
                for view in rooms {
                    self.note((*client, *connection), &view.room, view.revision);
                }
            }
            What::Told {
                client,
                connection,
                room,
                news,
            } => match news.revision() {
                Some(revision) => self.note((*client, *connection), room, revision),
                None => drop(self.shown.remove(&(*client, room.clone()))),
            },
            What::Leaves { client, room } => drop(self.shown.remove(&(*client, room.clone()))),
            What::Gone { client, .. } => self.forget(*client),
            What::Node { node, fate } => self.befell(*node, *fate, event.at),
            What::Weather(weather) => self.weather(*weather, event.at),
            _ => {}
        }
    }

    fn forget(&mut self, client: ClientNo) {
        self.shown.retain(|(known, _), _| *known != client);
    }

    fn note(
        &mut self,
        (client, connection): (ClientNo, ConnectionNo),
        room: &RoomId,
        revision: u64,
    ) {
        let Some(no) = self.on.get(&connection) else {
            return;
        };
        self.shown.insert((client, room.clone()), (*no, revision));
        if self.nodes.get(no).is_some_and(|node| !node.owes) {
            raise(&mut self.stored, room, revision);
        }
    }

    fn weather(&mut self, weather: Weather, at: Duration) {
        match weather {
            Weather::Down | Weather::Hangs => self.is_away = true,
            Weather::Forgot | Weather::WentBack(_) => self.loses(at),
            Weather::Back | Weather::GoesOn | Weather::Quiet => {
                self.is_away = false;
                for node in self.nodes.values_mut() {
                    // Those who were cut off find it again with the others.
                    node.is_cut_off &= weather == Weather::GoesOn;
                    if weather == Weather::Quiet {
                        node.asleep = 0;
                    }
                    node.becomes_able(at);
                }
            }
        }
    }

    fn loses(&mut self, at: Duration) {
        self.lost_at = at;
        self.stored.clear();
        for node in self.nodes.values_mut() {
            node.owes = true;
            node.becomes_able(at);
            if node.able_since.is_none() {
                node.missed_from.get_or_insert(at + self.lease);
            }
        }
    }

    fn befell(&mut self, no: NodeNo, fate: Fate, at: Duration) {
        let node = self.nodes.entry(no).or_default();
        match fate {
            Fate::Killed | Fate::Stopped(_) => node.is_dead = true,
            Fate::Frozen => node.asleep += 1,
            Fate::CutOff => node.is_cut_off = true,
            Fate::Awake => node.asleep = node.asleep.saturating_sub(1),
            Fate::Mended => node.is_cut_off = false,
            Fate::Started | Fate::Deaf | Fate::Hears | Fate::Draining => return,
        }
        if matches!(fate, Fate::Awake | Fate::Mended) {
            return node.becomes_able(at);
        }
        node.able_since = None;
        if node.owes {
            node.missed_from.get_or_insert(self.lost_at + self.lease);
        }
    }
}

fn raise(stored: &mut BTreeMap<RoomId, u64>, room: &RoomId, revision: u64) {
    let known = stored.entry(room.clone()).or_default();
    *known = revision.max(*known);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::invariants::telling::Tale;

    const LEASE: u64 = 4;

    /// What is owed of the room in which both were shown revision 9 by node 1, after that story and so many seconds.
    fn owed(story: Vec<(u64, What)>, after: u64) -> u64 {
        let mut tale = Tale::of_two();
        for node in [0, 1] {
            let fate = Fate::Started;
            tale.trace.events.insert(
                0,
                Event {
                    at: Duration::ZERO,
                    what: What::Node { node, fate },
                },
            );
        }
        tale.hears_of_state(0, 1, 9);
        for (seconds, what) in story {
            tale.wait(seconds);
            tale.note(what);
        }
        let mut revisions = Revisions::new(Duration::from_secs(LEASE));
        for event in &tale.trace.events {
            revisions.settle(event.at);
            revisions.take(event);
        }
        let end = tale.trace.events.last().expect("it begins").at + Duration::from_secs(after);
        revisions.settle(end);
        revisions.owed(&"room-0".parse().expect("a room id"), end)
    }

    fn all(fate: Fate) -> Vec<(u64, What)> {
        [0, 1].map(|node| (0, What::Node { node, fate })).into()
    }

    fn weather(weather: Weather) -> (u64, What) {
        (0, What::Weather(weather))
    }

    #[test]
    fn what_was_shown_is_owed_also_once_nobody_runs_any_more() {
        assert_eq!(owed(vec![], 0), 9);
        assert_eq!(owed(all(Fate::Killed), 100), 9);
    }

    #[test]
    fn what_was_lost_is_owed_by_those_who_know_it() {
        for after in [0, LEASE, 100] {
            assert_eq!(owed(vec![weather(Weather::Forgot)], after), 9);
        }
    }

    #[test]
    fn what_nobody_knows_who_reached_redis_since_is_owed_by_nobody() {
        let lost = || vec![weather(Weather::Down), weather(Weather::Forgot)];
        let and = |more: Vec<(u64, What)>| lost().into_iter().chain(more).collect::<Vec<_>>();
        assert_eq!(owed(and(all(Fate::Killed)), 0), 0);
        // It was written before they died.
        let mut written = and(vec![weather(Weather::Back)]);
        written.push((
            4,
            What::Leaves {
                client: 1,
                room: "room-1".parse().expect("a room id"),
            },
        ));
        written.extend(all(Fate::Killed));
        assert_eq!(owed(written, 0), 9);
        // They had died before.
        let mut before = all(Fate::Killed);
        before.extend(lost());
        assert_eq!(owed(before, 0), 0);
    }

    #[test]
    fn what_only_those_know_who_sleep_is_not_owed_once_rooms_may_be_open() {
        let mut story = all(Fate::Frozen);
        story.push(weather(Weather::Forgot));
        assert_eq!(owed(story.clone(), LEASE - 1), 9);
        assert_eq!(owed(story.clone(), LEASE), 0);
        story.extend(all(Fate::Awake));
        assert_eq!(owed(story, LEASE), 9, "they have written it since");
    }
}
