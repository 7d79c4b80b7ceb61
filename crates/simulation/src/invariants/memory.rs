//! What Redis lost while the only ones who could write it again did not run.

use std::collections::BTreeMap;

use switchboard_protocol::PeerId;
use tokio::time::Duration;

use crate::trace::{ConnectionNo, Event, Fate, NodeNo, Weather, What};

/// A node that has just woken up has written what is its own after this.
const WRITTEN: Duration = Duration::from_secs(3);

/// Follows a trace.
pub(super) struct Memory {
    lease: Duration,
    lost_at: Option<Duration>,
    on: BTreeMap<ConnectionNo, NodeNo>,
    home: BTreeMap<PeerId, NodeNo>,
    /// Nodes that were put to sleep, so many times.
    asleep: BTreeMap<NodeNo, usize>,
    /// From when until when nobody else knows what these nodes know.
    alone: BTreeMap<NodeNo, (Duration, Option<Duration>)>,
}

impl Memory {
    pub(super) fn new(lease: Duration) -> Self {
        Self {
            lease,
            lost_at: None,
            on: BTreeMap::new(),
            home: BTreeMap::new(),
            asleep: BTreeMap::new(),
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
            What::Weather(Weather::Forgot | Weather::WentBack(_)) => {
                self.lost_at = Some(event.at);
                for node in self.asleep.keys() {
                    self.alone.insert(*node, (event.at, None));
                }
            }
            What::Node {
                node,
                fate: Fate::Frozen,
            } => *self.asleep.entry(*node).or_default() += 1,
            What::Node {
                node,
                fate: Fate::Awake,
            } => self.wakes(*node, event.at),
            _ => {}
        }
    }

    /// Whether Redis ever lost anything.
    pub(super) fn was_lost(&self) -> bool {
        self.lost_at.is_some()
    }

    /// Whether a session may be unknown to all nodes that run: Redis lost it while its node was frozen, and waited a lease
    /// for that in vain.
    pub(super) fn is_unknown(&self, peer: &PeerId, at: Duration) -> bool {
        let alone = self.home.get(peer).and_then(|node| self.alone.get(node));
        alone.is_some_and(|(from, until)| {
            at >= *from + self.lease && until.is_none_or(|until| at < until + WRITTEN)
        })
    }

    fn wakes(&mut self, node: NodeNo, at: Duration) {
        let times = self.asleep.get(&node).map_or(0, |times| times - 1);
        if times > 0 {
            self.asleep.insert(node, times);
            return;
        }
        self.asleep.remove(&node);
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
}
