//! Who is dead, as this node sees it.
//!
//! A node is dead when its counter did not change for the lease time of the observer's own monotonic clock, during which
//! the observer's own reads and renewals all succeeded. Time without the backend, or spent frozen, starts the count again:
//! a node that could not look has seen nothing.

use std::collections::BTreeMap;

use switchboard_protocol::NodeId;
use tokio::time::{Duration, Instant};

use crate::backend::leases::Lease;

/// What this node has seen of the others.
#[derive(Debug)]
pub(crate) struct Observer {
    own: NodeId,
    lease: Duration,
    seen: BTreeMap<NodeId, (Lease, Instant)>,
    /// Since when they are missing.
    missing: BTreeMap<NodeId, Instant>,
    looked_at: Option<Instant>,
}

/// What a look at the table brought.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Look {
    /// To be claimed: they did not move, and no node that lives has claimed them.
    pub(crate) dead: Vec<Lease>,
    /// They were there before and have been missing for as long as it takes to be dead: a table that was forgotten is
    /// full again sooner.
    pub(crate) vanished: Vec<NodeId>,
}

impl Observer {
    pub(crate) fn new(own: NodeId, lease: Duration) -> Self {
        Self {
            own,
            lease,
            seen: BTreeMap::new(),
            missing: BTreeMap::new(),
            looked_at: None,
        }
    }

    /// Something went wrong with this node's own reads or renewals: every count starts again.
    pub(crate) fn start_again(&mut self) {
        self.looked_at = None;
    }

    /// Takes note of the table as it was read at `now`. `linked` are the nodes that this one has something to tell: also one
    /// that was never seen in the table may be told as vanished.
    pub(crate) fn look(
        &mut self,
        table: Vec<Lease>,
        linked: impl Iterator<Item = NodeId>,
        now: Instant,
    ) -> Look {
        let continuous = self.has_just_looked(now);
        self.looked_at = Some(now);
        let mut before = std::mem::take(&mut self.seen);
        for lease in table {
            let since = match before.remove(&lease.node) {
                Some((known, since)) if continuous && known == lease => since,
                _ => now,
            };
            self.missing.remove(&lease.node);
            self.seen.insert(lease.node.clone(), (lease, since));
        }
        for node in before.into_keys() {
            self.missing.insert(node, now);
        }
        for node in linked.filter(|node| !self.seen.contains_key(node)) {
            self.missing.entry(node).or_insert(now);
        }
        let lease = self.lease;
        let vanished = self
            .missing
            .extract_if(.., |_, since| now - *since >= lease);
        let vanished = vanished.map(|(node, _)| node).collect();
        let dead = self.seen.values().filter(|(lease, since)| {
            let is_left_to_others = lease.is_abandoned() && lease.node != self.own;
            is_left_to_others || now - *since >= self.lease && self.may_claim(lease, now)
        });
        Look {
            dead: dead.map(|(lease, _)| lease.clone()).collect(),
            vanished,
        }
    }

    /// Whether a lease, as it was just read, has stood so for as long as it takes to be dead.
    pub(crate) fn holds_for_dead(&self, lease: &Lease, now: Instant) -> bool {
        let has_stood =
            |(known, since): &(Lease, Instant)| known == lease && now - *since >= self.lease;
        self.has_just_looked(now) && self.seen.get(&lease.node).is_some_and(has_stood)
    }

    /// False where two looks are further apart than half a lease: this process was frozen, or starved.
    fn has_just_looked(&self, now: Instant) -> bool {
        self.looked_at
            .is_some_and(|looked_at| now - looked_at < self.lease / 2)
    }

    /// A claim lapses with its claimer's lease: a claimer that vanished, or is dead itself, cleans up no more. Then this
    /// node may even clean up after itself.
    fn may_claim(&self, lease: &Lease, now: Instant) -> bool {
        let claimer_lives = lease.claimed_by.as_ref().is_some_and(|claimer| {
            *claimer == self.own
                || self
                    .seen
                    .get(claimer)
                    .is_some_and(|(_, since)| now - *since < self.lease)
        });
        let is_own = lease.node == self.own && lease.claimed_by.is_none();
        !is_own && !claimer_lives
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LEASE: Duration = Duration::from_secs(4);

    fn lease(node: &NodeId, counter: u64, claimed_by: Option<&NodeId>) -> Lease {
        Lease {
            node: node.clone(),
            counter,
            claimed_by: claimed_by.cloned(),
        }
    }

    struct Rig {
        observer: Observer,
        now: Instant,
        other: NodeId,
    }

    impl Rig {
        fn new() -> Self {
            Self {
                observer: Observer::new(NodeId::start("own"), LEASE),
                now: Instant::now(),
                other: NodeId::start("other"),
            }
        }

        fn look_after(&mut self, seconds: u64, table: Vec<Lease>) -> Vec<NodeId> {
            self.now += Duration::from_secs(seconds);
            self.observer
                .look(table, std::iter::empty(), self.now)
                .dead
                .into_iter()
                .map(|lease| lease.node)
                .collect()
        }
    }

    #[test]
    fn a_node_is_dead_after_a_lease_without_change() {
        let mut rig = Rig::new();
        let table = vec![lease(&rig.other, 7, None)];
        for _ in 0..4 {
            assert!(rig.look_after(1, table.clone()).is_empty());
        }
        assert_eq!(rig.look_after(1, table), [rig.other.clone()]);
    }

    #[test]
    fn an_observer_that_was_frozen_or_cut_off_has_seen_nothing() {
        let mut rig = Rig::new();
        let table = vec![lease(&rig.other, 7, None)];
        rig.look_after(1, table.clone());
        assert!(rig.look_after(60, table.clone()).is_empty(), "frozen");
        for _ in 0..3 {
            rig.look_after(1, table.clone());
        }
        rig.observer.start_again();
        assert!(rig.look_after(1, table).is_empty(), "cut off");
    }

    #[test]
    fn a_claim_holds_as_long_as_its_claimer_lives() {
        let mut rig = Rig::new();
        let claimer = NodeId::start("claimer");
        let table = |counter| {
            vec![
                lease(&rig.other, 7, Some(&claimer)),
                lease(&claimer, counter, None),
            ]
        };
        let (alive, stuck): (Vec<_>, Vec<_>) = (
            (0..10).map(table).collect(),
            (0..6).map(|_| table(10)).collect(),
        );
        for table in alive {
            assert!(rig.look_after(1, table).is_empty());
        }
        let dead = stuck
            .into_iter()
            .map(|table| rig.look_after(1, table))
            .last()
            .expect("six looks");
        assert_eq!(dead.len(), 2, "the claimer and whom it claimed");
    }

    #[test]
    fn a_node_claimed_by_one_that_died_cleans_up_after_itself() {
        let mut rig = Rig::new();
        let (own, claimer) = (rig.observer.own.clone(), NodeId::start("claimer"));
        let table = vec![lease(&own, 7, Some(&claimer)), lease(&claimer, 3, None)];
        for _ in 0..4 {
            assert!(rig.look_after(1, table.clone()).is_empty());
        }
        assert_eq!(rig.look_after(1, table).len(), 2);
        let unclaimed = vec![lease(&own, 7, None)];
        for _ in 0..9 {
            assert!(rig.look_after(1, unclaimed.clone()).is_empty());
        }
    }

    #[test]
    fn a_node_that_abandoned_its_lease_is_cleaned_up_after_at_once() {
        let mut rig = Rig::new();
        let table = vec![lease(&rig.other, 7, Some(&rig.other))];
        assert_eq!(rig.look_after(1, table), [rig.other.clone()]);
    }

    #[test]
    fn a_node_does_not_bury_the_lease_that_it_has_just_abandoned() {
        let mut rig = Rig::new();
        let own = rig.observer.own.clone();
        let table = vec![lease(&own, 7, Some(&own))];
        for _ in 0..9 {
            assert!(rig.look_after(1, table.clone()).is_empty());
        }
    }

    #[test]
    fn whoever_stays_away_from_the_table_is_told_once() {
        let mut rig = Rig::new();
        let look = |rig: &mut Rig, table| {
            rig.now += Duration::from_secs(1);
            rig.observer
                .look(table, std::iter::empty(), rig.now)
                .vanished
        };
        let table = vec![lease(&rig.other, 7, None)];
        look(&mut rig, table.clone());
        assert!(look(&mut rig, vec![]).is_empty());
        look(&mut rig, table);
        for _ in 0..4 {
            assert!(look(&mut rig, vec![]).is_empty());
        }
        assert_eq!(look(&mut rig, vec![]), [rig.other.clone()]);
        assert!(look(&mut rig, vec![]).is_empty());
    }

    #[test]
    fn whoever_is_linked_and_never_in_the_table_is_told_as_well() {
        let mut rig = Rig::new();
        let linked = rig.other.clone();
        let vanished: Vec<_> = (0..6)
            .map(|_| {
                rig.now += Duration::from_secs(1);
                let look = rig
                    .observer
                    .look(vec![], [linked.clone()].into_iter(), rig.now);
                look.vanished.len()
            })
            .collect();
        assert_eq!(vanished, [0, 0, 0, 0, 1, 0]);
    }
}
