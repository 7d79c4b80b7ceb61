//! Nodes of formats that do not mix, and frames of a format that this build does not know.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use switchboard_cluster::leases::{Lease, Renewal};
use switchboard_cluster::memory::MemoryCluster;
use switchboard_cluster::{Format, Node, Observation, Observe, Settings, Status};
use switchboard_protocol::NodeId;
use tokio::time::{Duration, sleep};

use crate::rig::{Session, introduce, observed, plain_node, reach_one_another, settings};

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
    let observe = Arc::new(());
    let node = Node::new(NodeId::start("other"), settings, cluster.backend(), observe);
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
