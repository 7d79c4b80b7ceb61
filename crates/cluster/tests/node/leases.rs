//! Nodes that die, and nodes that were taken for dead.

use std::sync::atomic::Ordering;

use switchboard_cluster::memory::MemoryCluster;
use switchboard_cluster::{Backend, Status};
use switchboard_protocol::ServerMessage;
use switchboard_protocol::server_message::{LeaveReason, Reason};
use tokio::time::{Duration, Instant};

use crate::bad_bus::{BadBus, Badness};
use crate::rig::{Session, node_on};

/// A node that stops without a word.
async fn dies(session: &Session) {
    session.node.stop(Duration::ZERO).await;
}

#[tokio::test(start_paused = true)]
async fn the_members_of_a_dead_node_are_gone_within_two_leases_told_once() {
    let cluster = MemoryCluster::new();
    let mut sessions = Vec::new();
    for _ in 0..3 {
        let node = node_on(&cluster, cluster.backend().bus).await;
        let session = Session::new(&node, true).await;
        session.join("r").await.expect("there is room");
        sessions.push(session);
    }
    let dead = sessions.remove(0);
    let unanswered = sessions[0].signal("r", Some(dead.peer()));
    let died_at = Instant::now();
    dies(&dead).await;
    let left = |message: &ServerMessage| match message {
        ServerMessage::MemberLeft(left) if left.peer == dead.peer() => Some(left.reason),
        _ => None,
    };
    for session in &sessions {
        let reason = session
            .told
            .until("that it left", |told| told.iter().find_map(left))
            .await;
        assert_eq!(reason, LeaveReason::NodeLost);
        assert!(
            died_at.elapsed() < Duration::from_secs(8),
            "{:?}",
            died_at.elapsed()
        );
    }
    tokio::time::sleep(Duration::from_secs(20)).await;
    for session in &sessions {
        assert_eq!(session.told.messages().iter().filter_map(left).count(), 1);
    }
    let (id, reason) = sessions[0].told.answers()[0];
    assert_eq!((id, reason), (unanswered, Some(Reason::Unconfirmed)));
    assert_eq!(
        cluster
            .backend()
            .leases
            .read()
            .await
            .expect("memory answers")
            .len(),
        2
    );
}

#[tokio::test(start_paused = true)]
async fn a_node_that_was_taken_for_dead_lets_go_and_serves_again() {
    let cluster = MemoryCluster::new();
    let node = node_on(&cluster, cluster.backend().bus).await;
    let alice = Session::new(&node, true).await;
    alice.join("r").await.expect("alice gets in");
    // Another node claims and buries it, as after a long freeze.
    let Backend { leases, .. } = cluster.backend();
    let (own, claimer) = (
        node.id().clone(),
        switchboard_protocol::NodeId::start("claimer"),
    );
    let lease = leases
        .read()
        .await
        .expect("memory answers")
        .into_iter()
        .find(|lease| lease.node == own);
    assert!(
        leases
            .claim(&lease.expect("it is there"), &claimer)
            .await
            .expect("memory answers")
    );
    alice
        .told
        .until("to go", |_| {
            alice.told.let_go.load(Ordering::Relaxed).then_some(())
        })
        .await;
    leases.bury(&own, &claimer).await.expect("memory answers");
    let mut status = node.status();
    status
        .wait_for(|status| *status == Status::Serving)
        .await
        .expect("the node goes on");
    Session::new(&node, true)
        .await
        .join("r")
        .await
        .expect("it serves again");
}

#[tokio::test(start_paused = true)]
async fn a_node_that_stops_well_leaves_nothing_to_clean_up() {
    let cluster = MemoryCluster::new();
    let bus = BadBus::new(
        cluster.backend().bus,
        Badness {
            lost: 10,
            ..Badness::default()
        },
        7,
    );
    let (one, other) = (
        node_on(&cluster, bus).await,
        node_on(&cluster, cluster.backend().bus).await,
    );
    let (alice, bob) = (
        Session::new(&one, true).await,
        Session::new(&other, true).await,
    );
    alice.join("r").await.expect("alice gets in");
    bob.join("r").await.expect("bob gets in");
    one.detach(alice.local.clone(), LeaveReason::Disconnected);
    assert!(one.stop(Duration::from_secs(10)).await, "all was done");
    let left = |message: &ServerMessage| matches!(message, ServerMessage::MemberLeft(left) if left.reason == LeaveReason::Disconnected);
    bob.told
        .until("that alice left", |told| {
            told.iter().any(left).then_some(())
        })
        .await;
    let Backend {
        leases, directory, ..
    } = cluster.backend();
    assert!(
        leases
            .read()
            .await
            .expect("memory answers")
            .iter()
            .all(|lease| lease.node != *one.id())
    );
    assert!(
        directory
            .enlisted(one.id())
            .await
            .expect("memory answers")
            .is_empty()
    );
}

#[tokio::test(start_paused = true)]
async fn a_cluster_that_was_forgotten_keeps_its_key() {
    let cluster = MemoryCluster::new();
    let bus = || cluster.backend().bus;
    let old = node_on(&cluster, bus()).await;
    let alice = Session::new(&old, true).await;
    cluster.forget();
    let gone = |_: &[ServerMessage]| alice.told.let_go.load(Ordering::Relaxed).then_some(());
    alice.told.until("to go", gone).await;
    let serves = |status: &Status| *status == Status::Serving;
    let mut status = old.status();
    status.wait_for(serves).await.expect("the node goes on");
    let young = node_on(&cluster, bus()).await;
    let (bob, carol) = (
        Session::new(&old, true).await,
        Session::new(&young, true).await,
    );
    bob.join("r").await.expect("bob gets in");
    carol.join("r").await.expect("carol gets in");
    carol.handle_signals();
    let joined = |message: &ServerMessage| matches!(message, ServerMessage::MemberJoined(_));
    bob.told.until_one("that carol came", joined).await;
    let id = bob.signal("r", Some(carol.peer()));
    bob.until_answered(1).await;
    assert_eq!(bob.told.answers(), [(id, None)]);
}
