//! Sessions of nodes that are dead, cut off or taken for dead: they are moved, kept or reclaimed, and never twice.

use switchboard_cluster::memory::MemoryCluster;
use switchboard_cluster::{Node, Status};
use switchboard_protocol::Connection;
use switchboard_protocol::server_message::LeaveReason;
use tokio::time::{Duration, Instant, sleep};

use crate::partition::Partition;
use crate::rig::{Kind, Session, WINDOW, introduce, node, plain_node, reach_one_another, settings};

/// The first node is the one to be cut off.
async fn cluster_of_three() -> (MemoryCluster, Partition, [Node; 3]) {
    let cluster = MemoryCluster::new();
    let partition = Partition::of(&cluster);
    let nodes = [
        node(partition.backend(&cluster), settings()).await,
        plain_node(&cluster).await,
        plain_node(&cluster).await,
    ];
    (cluster, partition, nodes)
}

async fn serves(node: &Node) {
    let mut status = node.status();
    let serving = status.wait_for(|status| *status == Status::Serving);
    serving.await.expect("the node goes on");
}

#[tokio::test(start_paused = true)]
async fn a_session_leaves_a_dead_node_before_anybody_notices_that_it_died() {
    let (_cluster, _, nodes) = cluster_of_three().await;
    let (alice, bob) = introduce(&nodes[0], &nodes[1]).await;
    let waiting = bob.signal("r", Some(alice.peer()));
    nodes[0].stop(Duration::ZERO).await;
    let lost = bob.signal("r", Some(alice.peer()));
    let died_at = Instant::now();
    let resumed = alice.resume_on(&nodes[2]).await;
    resumed.handle_signals();
    bob.until_answered(2).await;
    assert!(died_at.elapsed() < Duration::from_secs(1));
    assert_eq!(bob.told.answers(), [(waiting, None), (lost, None)]);
    sleep(2 * WINDOW).await;
    assert!(bob.told.connections(&alice.peer()).is_empty());
    assert!(bob.told.leaves(&alice.peer()).is_empty());
    reach_one_another(&resumed, &bob).await;
}

#[tokio::test(start_paused = true)]
async fn a_session_of_a_dead_node_comes_back_after_that_was_cleaned_up() {
    let (_cluster, _, nodes) = cluster_of_three().await;
    let (alice, bob) = introduce(&nodes[0], &nodes[1]).await;
    nodes[0].stop(Duration::ZERO).await;
    bob.told
        .until_connection(&alice.peer(), Connection::Away)
        .await;
    let waiting = bob.signal("r", Some(alice.peer()));
    sleep(Duration::from_secs(20)).await;
    let resumed = alice.resume_on(&nodes[1]).await;
    resumed.handle_signals();
    bob.until_answered(1).await;
    assert_eq!(bob.told.answers(), [(waiting, None)]);
    sleep(2 * WINDOW).await;
    let expected = [Connection::Away, Connection::Live];
    assert_eq!(bob.told.connections(&alice.peer()), expected);
    assert_eq!(nodes[1].away_count() + nodes[2].away_count(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_session_that_moved_while_its_node_was_cut_off_is_let_go_as_that_wakes() {
    // Shorter than a lease, and longer.
    for cut in [2, 30] {
        let (_cluster, partition, nodes) = cluster_of_three().await;
        let (alice, bob) = introduce(&nodes[0], &nodes[1]).await;
        partition.cut(true);
        sleep(Duration::from_secs(cut)).await;
        let resumed = alice.resume_on(&nodes[2]).await;
        nodes[2].prove(&resumed.local).await;
        assert!(!alice.told.is_superseded(), "its node cannot know");
        partition.cut(false);
        alice.until_superseded().await;
        sleep(2 * WINDOW).await;
        serves(&nodes[0]).await;
        assert!(!resumed.told.is_superseded());
        assert!(bob.told.leaves(&alice.peer()).is_empty());
        reach_one_another(&resumed, &bob).await;
        assert_eq!(nodes[0].rooms(), 0);
    }
}

#[tokio::test(start_paused = true)]
async fn a_node_that_was_cut_off_reclaims_the_sessions_that_stayed_with_it() {
    let (cluster, partition, nodes) = cluster_of_three().await;
    let (alice, bob) = introduce(&nodes[0], &nodes[1]).await;
    let (to_alice, to_bob) = (
        bob.signal("r", Some(alice.peer())),
        alice.signal("r", Some(bob.peer())),
    );
    alice.until_signals(1).await;
    bob.until_signals(1).await;
    partition.cut(true);
    bob.told
        .until_connection(&alice.peer(), Connection::Away)
        .await;
    let while_cut = bob.signal("r", Some(alice.peer()));
    let from_cut = alice.signal("r", Some(bob.peer()));
    sleep(Duration::from_secs(10)).await;
    assert_eq!(nodes[1].away_count() + nodes[2].away_count(), 1);
    partition.cut(false);
    bob.told
        .until_connection(&alice.peer(), Connection::Live)
        .await;
    for (session, of) in [(&alice, &bob), (&bob, &alice)] {
        session.handle_signals();
        session.handles(&of.peer(), 1);
    }
    alice.until_answered(2).await;
    bob.until_answered(2).await;
    assert_eq!(alice.told.answers(), [(to_bob, None), (from_cut, None)]);
    assert_eq!(bob.told.answers(), [(to_alice, None), (while_cut, None)]);
    assert_eq!(alice.told.signals(), [to_alice, while_cut]);
    assert_eq!(bob.told.signals(), [to_bob, from_cut]);
    sleep(2 * WINDOW).await;
    assert!(!alice.told.is_superseded());
    let expected = [Connection::Away, Connection::Live];
    assert_eq!(bob.told.connections(&alice.peer()), expected);
    assert!(bob.told.leaves(&alice.peer()).is_empty());
    assert!(alice.told.leaves(&bob.peer()).is_empty());
    assert_eq!(nodes[1].away_count() + nodes[2].away_count(), 0);
    let table = cluster
        .backend()
        .leases
        .read()
        .await
        .expect("memory answers");
    assert_eq!(table.len(), 3);
    // What it reclaimed it can give away again, and lose.
    let resumed = alice.resume_on(&nodes[2]).await;
    alice.until_superseded().await;
    reach_one_another(&resumed, &bob).await;
}

#[tokio::test(start_paused = true)]
async fn a_node_whose_lease_alone_was_lost_reclaims_its_sessions() {
    let (_cluster, partition, nodes) = cluster_of_three().await;
    let (alice, bob) = introduce(&nodes[0], &nodes[1]).await;
    partition.cut_lease(true);
    bob.told
        .until_connection(&alice.peer(), Connection::Away)
        .await;
    let held = bob.signal("r", Some(alice.peer()));
    let id = alice.signal("r", Some(bob.peer()));
    bob.handle_signals();
    alice.until_answered(1).await;
    assert_eq!(alice.told.answers(), [(id, None)], "it can speak");
    partition.cut_lease(false);
    bob.told
        .until_connection(&alice.peer(), Connection::Live)
        .await;
    alice.handle_signals();
    bob.until_answered(1).await;
    assert_eq!(bob.told.answers(), [(held, None)]);
    sleep(2 * WINDOW).await;
    serves(&nodes[0]).await;
    assert!(bob.told.leaves(&alice.peer()).is_empty());
    reach_one_another(&alice, &bob).await;
}

#[tokio::test(start_paused = true)]
async fn a_reclaimed_session_that_then_loses_its_connection_is_kept_and_expires_once() {
    let (_cluster, partition, nodes) = cluster_of_three().await;
    let (alice, bob) = introduce(&nodes[0], &nodes[1]).await;
    partition.cut(true);
    bob.told
        .until_connection(&alice.peer(), Connection::Away)
        .await;
    partition.cut(false);
    bob.told
        .until_connection(&alice.peer(), Connection::Live)
        .await;
    alice.loses_connection();
    let lost_at = Instant::now();
    assert_eq!(
        bob.told.until_left(&alice.peer()).await,
        LeaveReason::Expired
    );
    let took = lost_at.elapsed();
    assert!(
        (WINDOW..WINDOW + Duration::from_secs(1)).contains(&took),
        "{took:?}"
    );
    sleep(2 * WINDOW).await;
    assert_eq!(bob.told.leaves(&alice.peer()).len(), 1);
    let expected = [Connection::Away, Connection::Live, Connection::Away];
    assert_eq!(bob.told.connections(&alice.peer()), expected);
}

#[tokio::test(start_paused = true)]
async fn a_session_that_lost_its_connection_while_its_node_was_cut_off_is_kept_by_one_node_only() {
    let (_cluster, partition, nodes) = cluster_of_three().await;
    let (alice, bob) = introduce(&nodes[0], &nodes[1]).await;
    partition.cut(true);
    sleep(Duration::from_secs(1)).await;
    alice.loses_connection();
    bob.told
        .until_connection(&alice.peer(), Connection::Away)
        .await;
    sleep(Duration::from_secs(10)).await;
    partition.cut(false);
    sleep(Duration::from_secs(30)).await;
    let kept: usize = nodes.iter().map(Node::away_count).sum();
    assert_eq!(kept, 1);
    let resumed = alice.resume_on(&nodes[0]).await;
    sleep(2 * WINDOW).await;
    let expected = [Connection::Away, Connection::Live];
    assert_eq!(bob.told.connections(&alice.peer()), expected);
    assert!(bob.told.leaves(&alice.peer()).is_empty());
    reach_one_another(&resumed, &bob).await;
}

#[tokio::test(start_paused = true)]
async fn a_session_that_cannot_resume_and_was_taken_for_lost_hears_that_its_room_is_closed() {
    let (cluster, partition, nodes) = cluster_of_three().await;
    let cannot_resume = Kind {
        resumable: false,
        ..Kind::default()
    };
    let alice = Session::of(&nodes[0], cannot_resume).await;
    let bob = Session::new(&nodes[1], true).await;
    alice.join("r").await.expect("alice gets in");
    bob.join("r").await.expect("bob gets in");
    partition.cut(true);
    assert_eq!(
        bob.told.until_left(&alice.peer()).await,
        LeaveReason::NodeLost
    );
    partition.cut(false);
    serves(&nodes[0]).await;
    sleep(WINDOW).await;
    let directory = cluster.backend().directory;
    let roster = directory
        .roster(&crate::rig::id("r"))
        .await
        .expect("memory answers");
    let is_in = roster.member(&alice.peer()).is_some();
    let was_told = alice
        .told
        .messages()
        .iter()
        .any(|message| matches!(message, switchboard_protocol::ServerMessage::RoomClosed(_)));
    assert_ne!(
        is_in, was_told,
        "either it is in, or it knows that it is not"
    );
    if !is_in {
        alice.join("r").await.expect("it may come again");
    }
    reach_one_another(&alice, &bob).await;
}

#[tokio::test(start_paused = true)]
async fn sessions_of_all_nodes_survive_one_after_another_being_cut_off() {
    let cluster = MemoryCluster::new();
    let mut parts = Vec::new();
    let mut sessions = Vec::new();
    for _ in 0..3 {
        let partition = Partition::of(&cluster);
        let node = node(partition.backend(&cluster), settings()).await;
        for _ in 0..5 {
            let session = Session::new(&node, true).await;
            session.join("r").await.expect("there is room");
            session.handle_signals();
            sessions.push(session);
        }
        parts.push(partition);
    }
    for partition in &parts {
        partition.cut(true);
        sleep(Duration::from_secs(20)).await;
        partition.cut(false);
        sleep(Duration::from_secs(40)).await;
    }
    for session in &sessions {
        assert!(!session.told.is_superseded());
        session.signal("r", None);
        session.until_answered(sessions.len() - 1).await;
        assert!(session.told.answers().iter().all(|(_, why)| why.is_none()));
        for other in &sessions {
            assert!(session.told.leaves(&other.peer()).is_empty());
        }
    }
}
