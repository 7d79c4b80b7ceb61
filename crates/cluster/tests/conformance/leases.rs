//! Nodes: who lives, and who cleans up after whom.

use switchboard_cluster::leases::{Lease, NodeInfo, Renewal, SharedKey};
use switchboard_cluster::{Backend, Format};
use switchboard_protocol::NodeId;
use tokio::task::JoinSet;

use crate::people::node;
use crate::stage::Stage;

fn info() -> NodeInfo {
    NodeInfo {
        ops_address: "10.0.0.7:9090".into(),
        version: "0.1.0".into(),
        format: Format::OWN,
        started_at: 1_700_000_000_123,
    }
}

async fn register(backend: &Backend, id: &NodeId) -> bool {
    backend
        .leases
        .register(id, &info())
        .await
        .expect("the leases answer")
}

async fn lease(backend: &Backend, id: &NodeId) -> Option<Lease> {
    backend
        .leases
        .read()
        .await
        .expect("the leases answer")
        .into_iter()
        .find(|lease| lease.node == *id)
}

/// A node that is registered, and its lease.
async fn registered(backend: &Backend, name: &str) -> Lease {
    let id = node(name);
    assert!(register(backend, &id).await);
    lease(backend, &id).await.expect("it is registered")
}

async fn claim(backend: &Backend, seen: &Lease, claimer: &str) -> bool {
    backend
        .leases
        .claim(seen, &node(claimer))
        .await
        .expect("the leases answer")
}

async fn renew(backend: &Backend, id: &NodeId) -> Renewal {
    renew_above(backend, id, 0).await
}

async fn renew_above(backend: &Backend, id: &NodeId, above: u64) -> Renewal {
    let renewed = backend.leases.renew(id, &above).await;
    renewed.expect("the leases answer")
}

pub(crate) async fn a_node_registers_once(stage: &Stage) {
    let backend = stage.node().await;
    let a = node("gw-a");
    assert_eq!(backend.leases.read().await.unwrap(), []);
    assert_eq!(backend.leases.info(&a).await.unwrap(), None);
    assert!(register(&backend, &a).await);
    assert!(!register(&backend, &a).await);
    assert_eq!(backend.leases.info(&a).await.unwrap(), Some(info()));
    let seen = backend.leases.read().await.unwrap();
    assert_eq!(
        seen.iter()
            .map(|lease| (&lease.node, &lease.claimed_by))
            .collect::<Vec<_>>(),
        [(&a, &None)]
    );
}

pub(crate) async fn a_renewal_raises_the_counter(stage: &Stage) {
    let backend = stage.node().await;
    assert_eq!(renew(&backend, &node("gw-a")).await, Renewal::Missing);
    let before = registered(&backend, "gw-a").await;
    for raised in 1..=3 {
        let counter = before.counter + raised;
        let renewed = renew(&backend, &before.node).await;
        let was = counter - 1;
        assert_eq!(renewed, Renewal::Renewed { counter, was });
    }
    let (counter, was) = (before.counter + 1001, before.counter + 3);
    let renewed = renew_above(&backend, &before.node, counter - 1).await;
    assert_eq!(renewed, Renewal::Renewed { counter, was });
    let after = lease(&backend, &before.node).await.unwrap();
    assert_eq!(after, Lease { counter, ..before });
}

pub(crate) async fn of_two_that_claim_a_node_one_succeeds(stage: &Stage) {
    let seen = registered(&stage.node().await, "gw-dead").await;
    let mut race = JoinSet::new();
    for (backend, claimer) in stage.nodes(8).await.into_iter().zip(0..) {
        let seen = seen.clone();
        race.spawn(async move { claim(&backend, &seen, &format!("gw-{claimer}")).await });
    }
    assert_eq!(
        race.join_all()
            .await
            .into_iter()
            .filter(|&claimed| claimed)
            .count(),
        1
    );
    assert!(
        lease(&stage.node().await, &seen.node)
            .await
            .unwrap()
            .claimed_by
            .is_some()
    );
}

pub(crate) async fn a_node_that_moved_cannot_be_claimed(stage: &Stage) {
    let backend = stage.node().await;
    let seen = registered(&backend, "gw-a").await;
    renew(&backend, &seen.node).await;
    assert!(!claim(&backend, &seen, "gw-b").await);
    let counter = seen.counter + 2;
    let renewed = renew(&backend, &seen.node).await;
    let was = counter - 1;
    assert_eq!(renewed, Renewal::Renewed { counter, was });
    let unknown = Lease {
        node: node("gw-x"),
        ..seen
    };
    assert!(!claim(&backend, &unknown, "gw-b").await);
}

pub(crate) async fn a_claimed_node_can_neither_renew_nor_release(stage: &Stage) {
    let backend = stage.node().await;
    let seen = registered(&backend, "gw-a").await;
    assert!(claim(&backend, &seen, "gw-b").await);
    assert_eq!(
        renew(&backend, &seen.node).await,
        Renewal::Claimed { by: node("gw-b") }
    );
    assert!(!register(&backend, &seen.node).await);
    backend.leases.release(&seen.node).await.unwrap();
    let claimed = Lease {
        claimed_by: Some(node("gw-b")),
        ..seen
    };
    assert_eq!(lease(&backend, &claimed.node).await, Some(claimed));
}

pub(crate) async fn a_claim_lapses_to_the_next_with_the_entry_as_seen(stage: &Stage) {
    let backend = stage.node().await;
    let seen = registered(&backend, "gw-a").await;
    assert!(claim(&backend, &seen, "gw-b").await);
    assert!(!claim(&backend, &seen, "gw-c").await);
    let seen = lease(&backend, &seen.node).await.unwrap();
    assert!(claim(&backend, &seen, "gw-c").await);
    assert!(!claim(&backend, &seen, "gw-d").await);
    assert_eq!(
        renew(&backend, &seen.node).await,
        Renewal::Claimed { by: node("gw-c") }
    );
}

pub(crate) async fn only_its_claimer_buries_a_node(stage: &Stage) {
    let backend = stage.node().await;
    let seen = registered(&backend, "gw-a").await;
    let (b, c) = (node("gw-b"), node("gw-c"));
    backend.leases.bury(&seen.node, &b).await.unwrap();
    assert!(claim(&backend, &seen, "gw-b").await);
    backend.leases.bury(&seen.node, &c).await.unwrap();
    assert!(lease(&backend, &seen.node).await.is_some());
    assert_eq!(backend.leases.info(&seen.node).await.unwrap(), Some(info()));
    backend.leases.bury(&seen.node, &b).await.unwrap();
    assert_eq!(lease(&backend, &seen.node).await, None);
    assert_eq!(backend.leases.info(&seen.node).await.unwrap(), None);
    assert_eq!(renew(&backend, &seen.node).await, Renewal::Missing);
    assert!(register(&backend, &seen.node).await);
}

pub(crate) async fn a_released_node_is_gone(stage: &Stage) {
    let backend = stage.node().await;
    let seen = registered(&backend, "gw-a").await;
    registered(&backend, "gw-b").await;
    backend.leases.release(&seen.node).await.unwrap();
    backend.leases.release(&seen.node).await.unwrap();
    assert_eq!(lease(&backend, &seen.node).await, None);
    assert_eq!(backend.leases.info(&seen.node).await.unwrap(), None);
    assert_eq!(backend.leases.read().await.unwrap().len(), 1);
}

async fn key(backend: &Backend, filling: u8, generation: u64) -> SharedKey {
    let offered = SharedKey {
        key: [filling; 32],
        generation,
        former: Some([0xee; 32]),
    };
    let leases = &backend.leases;
    leases
        .cluster_key(&offered)
        .await
        .expect("the leases answer")
}

pub(crate) async fn nodes_that_start_together_agree_on_one_key(stage: &Stage) {
    let mut race = JoinSet::new();
    for (backend, filling) in stage.nodes(6).await.into_iter().zip(1..) {
        race.spawn(async move { key(&backend, filling, 1).await });
    }
    let mut keys = race.join_all().await;
    keys.push(key(&stage.node().await, 0xff, 1).await);
    assert_ne!(keys[0].key, [0xff; 32]);
    assert_eq!(keys[0].generation, 1);
    assert!(keys.iter().all(|key| *key == keys[0]));
}

pub(crate) async fn of_two_keys_the_one_of_the_higher_generation_stays(stage: &Stage) {
    let backend = stage.node().await;
    let fresh = key(&backend, 1, 1).await;
    let later = SharedKey {
        key: [2; 32],
        generation: 9,
        former: Some([1; 32]),
    };
    assert_eq!((fresh.key, fresh.former), ([1; 32], None));
    assert_eq!(key(&backend, 2, 9).await, later);
    assert_eq!(key(&backend, 3, 9).await, later);
    assert_eq!(key(&backend, 1, 1).await, later);
    for generation in [10, 11] {
        let last = SharedKey {
            key: [0; 32],
            generation,
            former: Some([2; 32]),
        };
        assert_eq!(key(&backend, 0, generation).await, last);
    }
}

pub(crate) async fn an_abandoned_node_may_be_claimed_at_once(stage: &Stage) {
    let backend = stage.node().await;
    let seen = registered(&backend, "gw-a").await;
    let a = &seen.node;
    backend.leases.abandon(&node("gw-x")).await.unwrap();
    assert_eq!(lease(&backend, &node("gw-x")).await, None);
    for _ in 0..2 {
        backend.leases.abandon(a).await.unwrap();
        let claimed_by = lease(&backend, a).await.unwrap().claimed_by;
        assert_eq!(claimed_by.as_ref(), Some(a));
    }
    assert_eq!(renew(&backend, a).await, Renewal::Claimed { by: a.clone() });
    backend.leases.release(a).await.unwrap();
    assert!(!claim(&backend, &seen, "gw-b").await);
    let seen = lease(&backend, a).await.unwrap();
    assert!(claim(&backend, &seen, "gw-b").await);
    // Too late: it is another's to clean up now.
    backend.leases.abandon(a).await.unwrap();
    let claimed_by = lease(&backend, a).await.unwrap().claimed_by;
    assert_eq!(claimed_by, Some(node("gw-b")));
}
