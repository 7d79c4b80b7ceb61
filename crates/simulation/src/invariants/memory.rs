//! What Redis lost while the only ones who could write it again did not run, or could not reach it.

use std::collections::{BTreeMap, BTreeSet};

use switchboard_protocol::PeerId;
use tokio::time::Duration;

use crate::trace::{ConnectionNo, Event, Fate, NodeNo, Weather, What};

/// A node that can write (again) has written what is its own after this.
pub(super) const WRITTEN: Duration = Duration::from_secs(3);

/// Follows a trace.
pub(super) struct Memory {
    lease: Duration,
    lost_at: Option<Duration>,
    /// When everybody who can has written what was lost; not while Redis is away.
    written_at: Duration,
    is_down: bool,
    on: BTreeMap<ConnectionNo, NodeNo>,
    home: BTreeMap<PeerId, NodeNo>,
    /// Nodes that were put to sleep, so many times.
    asleep: BTreeMap<NodeNo, usize>,
    cut_off: BTreeSet<NodeNo>,
    /// From when until when nobody else knows what these nodes know.
    alone: BTreeMap<NodeNo, (Duration, Option<Duration>)>,
}

impl Memory {
    pub(super) fn new(lease: Duration) -> Self {
        Self {
            lease,
            lost_at: None,
            written_at: Duration::ZERO,
            is_down: false,
            on: BTreeMap::new(),
            home: BTreeMap::new(),
            asleep: BTreeMap::new(),
            cut_off: BTreeSet::new(),
            alone: BTreeMap::new(),
        }
    }

    pub(super) fn take(&mut self, event: &Event) {
        match &event.what {
            What::Opened {
                connection, node, ..
            } => drop(self.on.insert(*connection, *node)),
            What::Welcomed {
                connection, peer, ..
            } => {
                if let Some(node) = self.on.get(connection) {
                    self.home.insert(*peer, *node);
                }
            }
            What::Weather(weather) => self.weather(*weather, event.at),
            What::Node { node, fate } => self.befell(*node, *fate, event.at),
            _ => {}
        }
    }

    /// Whether Redis ever lost anything.
    pub(super) fn was_lost(&self) -> bool {
        self.lost_at.is_some()
    }

    /// Whether a session may be unknown to all nodes that run and reach Redis: that lost it, its node was frozen or cut off
    /// before it could write it again, and a lease was waited for that in vain.
    pub(super) fn is_unknown(&self, peer: &PeerId, at: Duration) -> bool {
        let alone = self.home.get(peer).and_then(|node| self.alone.get(node));
        alone.is_some_and(|(from, until)| {
            at >= *from + self.lease && until.is_none_or(|until| at < until + WRITTEN)
        })
    }

    fn weather(&mut self, weather: Weather, at: Duration) {
        match weather {
            Weather::Down => self.is_down = true,
            Weather::Forgot | Weather::WentBack(_) => {
                self.lost_at = Some(at);
                self.written_at = match self.is_down {
                    true => Duration::MAX,
                    false => at + WRITTEN,
                };
                for node in self.asleep.keys().chain(&self.cut_off) {
                    let alone = self.alone.entry(*node).or_insert((at, None));
                    // What one that could not write since the last time knows was unknown ever since.
                    if alone.1.is_some() {
                        *alone = (at, None);
                    }
                }
            }
            Weather::Back => {
                self.is_down = false;
                self.written_at = self.written_at.min(at + WRITTEN);
                // Those who were cut off find it again with the others.
                for node in std::mem::take(&mut self.cut_off) {
                    self.can_write(node, at);
                }
            }
            _ => {}
        }
    }

    fn befell(&mut self, node: NodeNo, fate: Fate, at: Duration) {
        match fate {
            Fate::Frozen => *self.asleep.entry(node).or_default() += 1,
            Fate::CutOff => drop(self.cut_off.insert(node)),
            Fate::Awake => return self.wakes(node, at),
            Fate::Mended => {
                self.cut_off.remove(&node);
                return self.can_write(node, at);
            }
            _ => return,
        }
        if let Some(lost_at) = self.lost_at.filter(|_| at < self.written_at) {
            self.alone.insert(node, (lost_at, None));
        }
    }

    fn wakes(&mut self, node: NodeNo, at: Duration) {
        let times = self.asleep.get(&node).map_or(0, |times| times - 1);
        if times > 0 {
            self.asleep.insert(node, times);
            return;
        }
        self.asleep.remove(&node);
        self.can_write(node, at);
    }

    fn can_write(&mut self, node: NodeNo, at: Duration) {
        if self.asleep.contains_key(&node) || self.cut_off.contains(&node) {
            return;
        }
        if let Some((_, until)) = self.alone.get_mut(&node) {
            until.get_or_insert(at);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::invariants::telling::Tale;

    #[test]
    fn what_a_frozen_node_alone_knows_is_unknown_a_lease_after_redis_lost_it() {
        let mut tale = Tale::of_two();
        let node = 1;
        for fate in [Fate::Frozen, Fate::Awake] {
            tale.note(What::Weather(Weather::Forgot));
            tale.note(What::Node { node, fate });
        }
        let (peer, other) = (tale.peer(1), tale.peer(0));
        let mut memory = Memory::new(tale.trace.rules.lease);
        let awake = tale.trace.events.pop().expect("it wakes up");
        tale.trace
            .events
            .iter()
            .for_each(|event| memory.take(event));
        let later = |seconds| awake.at + Duration::from_secs(seconds);
        assert!(!memory.is_unknown(&peer, later(3)), "within the lease");
        assert!(memory.is_unknown(&peer, later(5)));
        assert!(!memory.is_unknown(&other, later(5)));
        memory.take(&Event {
            at: later(6),
            what: awake.what,
        });
        assert!(!memory.is_unknown(&peer, later(10)));
    }

    #[test]
    fn what_is_lost_again_while_its_node_sleeps_was_unknown_since_the_first_time() {
        let mut tale = Tale::of_two();
        let (node, fate) = (1, Fate::Frozen);
        tale.note(What::Node { node, fate });
        tale.note(What::Weather(Weather::Forgot));
        tale.wait(5);
        tale.note(What::Weather(Weather::Forgot));
        let mut memory = Memory::new(tale.trace.rules.lease);
        let events = &tale.trace.events;
        events.iter().for_each(|event| memory.take(event));
        let end = events.last().expect("it begins").at;
        assert!(memory.is_unknown(&tale.peer(1), end));
    }

    #[test]
    fn so_is_what_a_node_knows_that_was_cut_off_or_frozen_before_it_could_write_it() {
        let befalls = |fate| What::Node { node: 1, fate };
        let weather = What::Weather;
        let forgot = || weather(Weather::Forgot);
        let is_unknown = |story: Vec<(u64, What)>| {
            let mut tale = Tale::of_two();
            for (seconds, what) in story {
                tale.wait(seconds);
                tale.note(what);
            }
            let mut memory = Memory::new(tale.trace.rules.lease);
            let events = &tale.trace.events;
            events.iter().for_each(|event| memory.take(event));
            let end = events.last().expect("it begins").at;
            memory.is_unknown(&tale.peer(1), end + Duration::from_secs(5))
        };
        assert!(is_unknown(vec![(0, befalls(Fate::CutOff)), (1, forgot())]));
        assert!(is_unknown(vec![
            (0, weather(Weather::Down)),
            (0, forgot()),
            (2, befalls(Fate::Frozen)),
            (2, weather(Weather::Back)),
        ]));
        assert!(!is_unknown(vec![(0, forgot()), (4, befalls(Fate::Frozen))]));
        assert!(!is_unknown(vec![
            (0, weather(Weather::Down)),
            (0, forgot()),
            (2, weather(Weather::Back)),
            (4, befalls(Fate::CutOff)),
        ]));
        assert!(!is_unknown(vec![
            (0, befalls(Fate::CutOff)),
            (1, befalls(Fate::Mended)),
            (1, forgot()),
        ]));
    }
}
