//! Nodes and sessions for the tests.

mod recorder;
mod session;

use std::sync::Arc;

use switchboard_cluster::memory::MemoryCluster;
use switchboard_cluster::node::Settings;
use switchboard_cluster::record::RosterSnapshot;
use switchboard_cluster::{Backend, Bus, Format, InFlightMax, Node, NodeInfo, Observe, Status};
use switchboard_protocol::{NodeId, PeerId, RoomId, ServerMessage};
use switchboard_traces::Traces;
use tokio::time::{Duration, Instant, sleep, timeout};

pub(crate) use self::session::{Kind, Session};
use crate::faulty_directory::FaultyDirectory;

/// A test that waits longer for something waits in vain. Most tests pause time, which makes this cheap.
const PATIENCE: Duration = Duration::from_secs(300);

/// How long the nodes of these tests hold a session that lost its connection.
pub(crate) const WINDOW: Duration = Duration::from_secs(60);

pub(crate) fn settings() -> Settings {
    Settings {
        info: NodeInfo {
            ops_address: "127.0.0.1:1".into(),
            version: "test".into(),
            format: Format::OWN,
            started_at: 0,
        },
        cluster_key: None,
        lease: Duration::from_secs(4),
        delivery_deadline: Duration::from_secs(75),
        heartbeat_timeout: Duration::from_secs(40),
        in_flight: InFlightMax {
            signals: 1024,
            bytes: 1 << 20,
            node_bytes: 1 << 28,
        },
        resume_window: WINDOW,
        away_max: 1000,
        away_bytes: 1 << 24,
        sessions_per_user: 5,
        revocations_kept: Duration::from_secs(3600),
        linger_max: Duration::from_millis(1),
        local_shortcut: false,
        traces: Traces::off(),
    }
}

pub(crate) async fn node(backend: Backend, settings: Settings) -> Node {
    observed(backend, settings, Arc::new(())).await
}

/// A node of which `observe` hears.
pub(crate) async fn observed(
    backend: Backend,
    settings: Settings,
    observe: Arc<dyn Observe>,
) -> Node {
    let node = Node::new(NodeId::start("test"), settings, backend, observe);
    node.start();
    timeout(
        PATIENCE,
        node.status().wait_for(|status| *status == Status::Serving),
    )
    .await
    .expect("the node serves in time")
    .expect("the node goes on");
    node
}

/// A node of `cluster` to which nothing happens.
pub(crate) async fn plain_node(cluster: &MemoryCluster) -> Node {
    node(cluster.backend(), settings()).await
}

/// So many of them.
pub(crate) async fn plain_nodes<const N: usize>(cluster: &MemoryCluster) -> [Node; N] {
    let mut nodes = Vec::new();
    for _ in 0..N {
        nodes.push(plain_node(cluster).await);
    }
    nodes.try_into().ok().expect("so many were started")
}

/// A node of `cluster` whose directory does what it is told to.
pub(crate) async fn faulty_node(cluster: &MemoryCluster) -> (Node, Arc<FaultyDirectory>) {
    let directory = FaultyDirectory::new(cluster.backend().directory);
    let backend = Backend {
        directory: directory.clone(),
        ..cluster.backend()
    };
    (node(backend, settings()).await, directory)
}

/// A node of `cluster` whose frames go out over `bus`.
pub(crate) async fn node_on(cluster: &MemoryCluster, bus: Arc<dyn Bus>) -> Node {
    node(
        Backend {
            bus,
            ..cluster.backend()
        },
        settings(),
    )
    .await
}

/// Alice on one node and Bob on the other, in one room, who have heard of one another.
pub(crate) async fn introduce(one: &Node, other: &Node) -> (Session, Session) {
    let (alice, bob) = (
        Session::new(one, true).await,
        Session::new(other, true).await,
    );
    alice.join("r").await.expect("alice gets in");
    bob.join("r").await.expect("bob gets in");
    let is_ready = |message: &ServerMessage| matches!(message, ServerMessage::Ready(_));
    alice.told.until_one("ready", is_ready).await;
    (alice, bob)
}

/// Waits until the rooms are open again.
pub(crate) async fn until_open(cluster: &MemoryCluster) {
    let directory = cluster.backend().directory;
    let began = Instant::now();
    while !directory
        .closed_buckets()
        .await
        .expect("memory answers")
        .is_empty()
    {
        assert!(began.elapsed() < WINDOW, "they stay closed");
        sleep(Duration::from_millis(100)).await;
    }
}

/// Room `r`, once it is open.
pub(crate) async fn roster(cluster: &MemoryCluster) -> RosterSnapshot {
    let roster = cluster.backend().directory.roster(&id("r")).await;
    roster.expect("it is open")
}

/// The members of room `r`, once it is open.
pub(crate) async fn members(cluster: &MemoryCluster) -> Vec<PeerId> {
    let roster = roster(cluster).await;
    roster.members.iter().map(|member| member.peer).collect()
}

/// A session reaches another and is reached by it.
pub(crate) async fn reach_one_another(alice: &Session, bob: &Session) {
    let before = (alice.told.answers().len(), bob.told.answers().len());
    alice.handle_signals();
    bob.handle_signals();
    let to_bob = alice.signal("r", Some(bob.peer()));
    let to_alice = bob.signal("r", Some(alice.peer()));
    alice.until_answered(before.0 + 1).await;
    bob.until_answered(before.1 + 1).await;
    assert_eq!(alice.told.answers().last(), Some(&(to_bob, None)));
    assert_eq!(bob.told.answers().last(), Some(&(to_alice, None)));
}

pub(crate) fn id(room: &str) -> RoomId {
    room.parse().expect("a room id")
}
