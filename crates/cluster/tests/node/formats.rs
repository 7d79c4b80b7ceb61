//! Nodes of formats that do not mix, and frames of a format that this build does not know.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use switchboard_cluster::leases::{Lease, Renewal};
use switchboard_cluster::memory::MemoryCluster;
use switchboard_cluster::{Backend, Format, Node, Observation, Observe, Settings, Status};
use switchboard_protocol::NodeId;
use tokio::time::{Duration, sleep};

use crate::partition::Partition;
use crate::rig::{Session, introduce, node, observed, plain_node, reach_one_another, settings};

const LEASE: Duration = Duration::from_secs(4);

/// Of a later release that knows nothing of the present one.
fn later() -> Settings {
    let mut settings = settings();
    settings.info.version = "9.0.0".into();
    settings.info.format = Format {
        number: 9,
        oldest: 9,
    };
    settings
}

fn started(cluster: &MemoryCluster, settings: Settings) -> Node {
    started_on(cluster.backend(), settings)
}

fn started_on(backend: Backend, settings: Settings) -> Node {
    let node = Node::new(NodeId::start("other"), settings, backend, Arc::new(()));
    node.start();
    node
}

async fn until(node: &Node, what: Status) {
    let mut status = node.status();
    let turned = status.wait_for(|status| *status == what);
    let turned = tokio::time::timeout(LEASE * 10, turned).await;
    turned.expect("in time").expect("the node goes on");
}

fn says(node: &Node) -> String {
    match &*node.status().borrow() {
        Status::Starting(why) => why.clone(),
        status => panic!("{status:?}"),
    }
}

async fn table(cluster: &MemoryCluster) -> Vec<Lease> {
    cluster.backend().leases.read().await.expect("it answers")
}

async fn is_in(cluster: &MemoryCluster, node: &NodeId) -> bool {
    table(cluster).await.iter().any(|lease| lease.node == *node)
}

/// A node without a task of its own is in the table.
async fn entered(cluster: &MemoryCluster, settings: Settings) -> NodeId {
    let node = NodeId::start("by-hand");
    let leases = cluster.backend().leases;
    assert_eq!(leases.register(&node, &settings.info).await, Ok(true));
    node
}

async fn renewed(cluster: &MemoryCluster, node: &NodeId) -> Renewal {
    let renewal = cluster.backend().leases.renew(node, &0).await;
    renewal.expect("it answers")
}

/// Such a node lives on for so many quarters of a lease.
async fn lives_on(cluster: &MemoryCluster, node: &NodeId, quarters: usize) {
    for _ in 0..quarters {
        let renewal = renewed(cluster, node).await;
        assert!(matches!(renewal, Renewal::Renewed { .. }), "{renewal:?}");
        sleep(LEASE / 4).await;
    }
}

/// It is claimed, or already cleaned up after.
async fn assert_is_out(cluster: &MemoryCluster, node: &NodeId) {
    let renewal = renewed(cluster, node).await;
    assert!(!matches!(renewal, Renewal::Renewed { .. }), "{renewal:?}");
}

/// A node's lease is removed, as by somebody who took it for dead.
async fn bury(cluster: &MemoryCluster, node: &NodeId) {
    let leases = cluster.backend().leases;
    leases.release(node).await.expect("it answers");
}

#[tokio::test(start_paused = true)]
async fn a_node_waits_beside_nodes_it_cannot_work_with_says_why_and_enters_once_they_are_gone() {
    let cluster = MemoryCluster::new();
    let present = plain_node(&cluster).await;
    let newcomer = started(&cluster, later());
    for _ in 0..20 {
        sleep(LEASE / 4).await;
        let why = says(&newcomer);
        for words in [
            "version 9.0.0 (format 9)",
            "version test (format 1)",
            present.id().as_str(),
        ] {
            assert!(why.contains(words), "{why}");
        }
        let table = table(&cluster).await;
        assert!(table.len() == 1 && table[0].node == *present.id());
    }
    assert_eq!(*present.status().borrow(), Status::Serving);
    assert!(present.stop(LEASE).await);
    until(&newcomer, Status::Serving).await;
}

#[tokio::test(start_paused = true)]
async fn one_that_died_holds_nobody_up_for_longer_than_a_lease() {
    let cluster = MemoryCluster::new();
    let present = plain_node(&cluster).await;
    let session = Session::new(&present, true).await;
    session.join("r").await.expect("there is room");
    present.stop(Duration::ZERO).await;
    assert_eq!(table(&cluster).await.len(), 1, "it left its lease behind");
    let newcomer = started(&cluster, later());
    sleep(LEASE / 2).await;
    assert!(says(&newcomer).contains("cannot work beside"));
    until(&newcomer, Status::Serving).await;
    sleep(LEASE * 4).await;
    assert_eq!(table(&cluster).await.len(), 1, "it is cleaned up after");
}

#[tokio::test(start_paused = true)]
async fn of_many_that_start_together_only_those_of_one_format_serve() {
    for _ in 0..8 {
        let cluster = MemoryCluster::new();
        let nodes: Vec<_> = [settings(), later(), settings(), later()]
            .map(|settings| started(&cluster, settings))
            .into();
        let serving = || {
            let serves = |node: &&Node| *node.status().borrow() == Status::Serving;
            let indices = (0..4).filter(|&index| serves(&&nodes[index]));
            indices.collect::<Vec<_>>()
        };
        for _ in 0..200 {
            sleep(Duration::from_millis(100)).await;
            let serving = serving();
            let formats = serving.iter().map(|index| index % 2);
            assert!(formats.min() == serving.iter().map(|index| index % 2).max());
        }
        assert_eq!(serving().len(), 2, "both of one format");
    }
}

#[tokio::test(start_paused = true)]
async fn one_that_was_taken_for_dead_cannot_renew_once_the_newcomer_serves() {
    let cluster = MemoryCluster::new();
    let present = entered(&cluster, settings()).await;
    let newcomer = started(&cluster, later());
    lives_on(&cluster, &present, 8).await;
    until(&newcomer, Status::Serving).await;
    assert_is_out(&cluster, &present).await;
}

#[tokio::test(start_paused = true)]
async fn a_newcomer_gives_its_lease_back_where_one_that_it_took_for_dead_wakes_up_meanwhile() {
    let cluster = MemoryCluster::new();
    let present = entered(&cluster, settings()).await;
    let way = Partition::of(&cluster);
    way.answer_late("info", LEASE / 8);
    let newcomer = started_on(way.backend(&cluster), later());
    while !is_in(&cluster, newcomer.id()).await {
        sleep(LEASE / 100).await;
    }
    lives_on(&cluster, &present, 20).await;
    assert!(says(&newcomer).contains("cannot work beside"));
    assert!(!is_in(&cluster, newcomer.id()).await);
}

#[tokio::test(start_paused = true)]
async fn a_table_that_was_forgotten_is_left_to_those_who_were_in_it() {
    for step in 0..20 {
        let cluster = MemoryCluster::new();
        let present = plain_node(&cluster).await;
        let newcomer = started(&cluster, later());
        sleep(LEASE + LEASE / 20 * step).await;
        cluster.forget();
        for _ in 0..16 {
            sleep(LEASE / 4).await;
            assert!(says(&newcomer).contains("cannot work beside"));
            assert_eq!(*present.status().borrow(), Status::Serving);
        }
    }
}

/// Frozen, say, while the others were replaced.
#[tokio::test(start_paused = true)]
async fn a_node_whose_lease_is_gone_stays_out_where_others_cannot_work_beside_it() {
    let cluster = MemoryCluster::new();
    let present = plain_node(&cluster).await;
    let leases = cluster.backend().leases;
    let other = NodeId::start("later");
    leases
        .register(&other, &later().info)
        .await
        .expect("it answers");
    let seen = table(&cluster).await;
    let seen = seen.iter().find(|lease| lease.node == *present.id());
    let claimed = leases.claim(seen.expect("it is there"), &other).await;
    assert_eq!(claimed, Ok(true));
    leases.bury(present.id(), &other).await.expect("it answers");
    until(&present, Status::Reentering).await;
    for _ in 0..20 {
        let renewed = leases.renew(&other, &0).await;
        assert!(matches!(renewed, Ok(Renewal::Renewed { .. })));
        sleep(LEASE / 4).await;
        assert_eq!(*present.status().borrow(), Status::Reentering);
        assert!(
            table(&cluster)
                .await
                .iter()
                .all(|lease| lease.node == other)
        );
    }
    leases.release(&other).await.expect("it answers");
    until(&present, Status::Serving).await;
}

#[tokio::test(start_paused = true)]
async fn a_node_that_enters_anew_gives_its_lease_back_to_one_that_came_meanwhile() {
    let cluster = MemoryCluster::new();
    let way = Partition::of(&cluster);
    let present = node(way.backend(&cluster), settings()).await;
    // Between its look at the table and its entry there.
    way.answer_late("cluster_key", LEASE / 2);
    let asked = way.keys_asked();
    bury(&cluster, present.id()).await;
    while way.keys_asked() == asked {
        sleep(LEASE / 100).await;
    }
    let other = entered(&cluster, later()).await;
    lives_on(&cluster, &other, 20).await;
    assert_eq!(*present.status().borrow(), Status::Reentering);
    assert!(!is_in(&cluster, present.id()).await);
}

/// Counts leases that are lost.
#[derive(Default)]
struct Lost(AtomicUsize);

impl Observe for Lost {
    fn observe(&self, observation: Observation) {
        if matches!(observation, Observation::LeaseLost) {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_node_that_stays_out_claims_and_asserts_nothing_and_counts_that_once() {
    let cluster = MemoryCluster::new();
    let lost = Arc::new(Lost::default());
    let present = observed(cluster.backend(), settings(), lost.clone()).await;
    let alice = Session::new(&present, true).await;
    let other = entered(&cluster, later()).await;
    bury(&cluster, present.id()).await;
    lives_on(&cluster, &other, 4).await;
    assert_eq!(*present.status().borrow(), Status::Reentering);
    cluster.forget();
    let Backend {
        directory, leases, ..
    } = cluster.backend();
    let entered_again = leases.register(&other, &later().info).await;
    assert_eq!(entered_again, Ok(true));
    let left = entered(&cluster, later()).await;
    leases.abandon(&left).await.expect("it answers");
    lives_on(&cluster, &other, 20).await;
    let is_left = |lease: &Lease| lease.node == left && lease.is_abandoned();
    assert!(table(&cluster).await.iter().any(is_left));
    assert_eq!(directory.peer(&alice.peer()).await, Ok(None));
    assert_eq!(lost.0.load(Ordering::Relaxed), 1);
    bury(&cluster, &other).await;
    until(&present, Status::Serving).await;
    sleep(LEASE).await;
    assert!(
        directory
            .peer(&alice.peer())
            .await
            .expect("it answers")
            .is_some()
    );
    assert!(!is_in(&cluster, &left).await);
}

#[tokio::test(start_paused = true)]
async fn a_node_stays_out_no_longer_than_it_takes_the_others_to_be_dead() {
    let cluster = MemoryCluster::new();
    let present = plain_node(&cluster).await;
    let other = entered(&cluster, later()).await;
    bury(&cluster, present.id()).await;
    until(&present, Status::Reentering).await;
    until(&present, Status::Serving).await;
    assert_is_out(&cluster, &other).await;
}

#[tokio::test(start_paused = true)]
async fn a_node_that_stayed_out_as_it_started_waits_for_rooms_to_open_all_the_same() {
    let cluster = MemoryCluster::new();
    cluster.forget();
    let starting = started(&cluster, settings());
    while !is_in(&cluster, starting.id()).await {
        sleep(LEASE / 100).await;
    }
    let other = entered(&cluster, later()).await;
    bury(&cluster, starting.id()).await;
    lives_on(&cluster, &other, 20).await;
    assert!(says(&starting).contains("cannot work beside"));
    bury(&cluster, &other).await;
    until(&starting, Status::Serving).await;
    let closed = cluster.backend().directory.closed_buckets().await;
    assert_eq!(closed, Ok(vec![]));
}

/// Counts frames that are not taken.
#[derive(Default)]
struct Rejected(AtomicUsize);

impl Observe for Rejected {
    fn observe(&self, observation: Observation) {
        if matches!(observation, Observation::FrameRejected) {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_frame_of_an_unknown_version_is_counted_and_dropped_and_the_next_one_is_read() {
    let cluster = MemoryCluster::new();
    let rejected = Arc::new(Rejected::default());
    let one = observed(cluster.backend(), settings(), rejected.clone()).await;
    let other = plain_node(&cluster).await;
    let (alice, bob) = introduce(&one, &other).await;
    let unknown = [&[3][..], &[0x95; 60]].concat();
    let bus = cluster.backend().bus;
    let published = bus.publish(one.id(), unknown.into()).await;
    assert!(published.is_ok(), "{published:?}");
    reach_one_another(&alice, &bob).await;
    assert_eq!(rejected.0.load(Ordering::Relaxed), 1);
}
