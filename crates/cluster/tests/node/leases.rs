//! Nodes that die, and nodes that were taken for dead.

use std::collections::BTreeMap;

use switchboard_cluster::directory::TakeOver;
use switchboard_cluster::memory::MemoryCluster;
use switchboard_cluster::{Backend, JoinError, Status};
use switchboard_protocol::server_message::{LeaveReason, Reason};
use switchboard_protocol::{Connection, NodeId, ServerMessage};
use tokio::time::{Duration, Instant, sleep};

use crate::bad_bus::{BadBus, Badness};
use crate::partition::Partition;
use crate::rig::{Kind, Session, WINDOW, id, node, node_on, plain_node, settings, until_open};

/// A node that stops without a word.
async fn dies(session: &Session) {
    session.node.stop(Duration::ZERO).await;
}

/// One session on each of three nodes, all in one room, the first of that kind.
async fn three(cluster: &MemoryCluster, first: Kind) -> Vec<Session> {
    let mut sessions = Vec::new();
    for kind in [first, Kind::default(), Kind::default()] {
        let node = plain_node(cluster).await;
        let session = Session::of(&node, kind).await;
        session.join("r").await.expect("there is room");
        sessions.push(session);
    }
    sessions
}

async fn nodes_in_the_table(cluster: &MemoryCluster) -> usize {
    let table = cluster.backend().leases.read().await;
    table.expect("memory answers").len()
}

#[tokio::test(start_paused = true)]
async fn members_of_a_dead_node_that_cannot_resume_are_gone_within_two_leases_told_once() {
    let cluster = MemoryCluster::new();
    let cannot_resume = Kind {
        resumable: false,
        ..Kind::default()
    };
    let mut sessions = three(&cluster, cannot_resume).await;
    let dead = sessions.remove(0);
    let unanswered = sessions[0].signal("r", Some(dead.peer()));
    let died_at = Instant::now();
    dies(&dead).await;
    for session in &sessions {
        let reason = session.told.until_left(&dead.peer()).await;
        assert_eq!(reason, LeaveReason::NodeLost);
        let took = died_at.elapsed();
        assert!(took < Duration::from_secs(8), "{took:?}");
    }
    sleep(Duration::from_secs(20)).await;
    for session in &sessions {
        assert_eq!(session.told.leaves(&dead.peer()).len(), 1);
        assert!(session.told.connections(&dead.peer()).is_empty());
    }
    let (id, reason) = sessions[0].told.answers()[0];
    assert_eq!((id, reason), (unanswered, Some(Reason::Unconfirmed)));
    assert_eq!(nodes_in_the_table(&cluster).await, 2);
}

#[tokio::test(start_paused = true)]
async fn members_of_a_dead_node_are_away_within_two_leases_and_expire_each_told_once() {
    let cluster = MemoryCluster::new();
    let mut sessions = three(&cluster, Kind::default()).await;
    let dead = sessions.remove(0);
    let unanswered = sessions[0].signal("r", Some(dead.peer()));
    let died_at = Instant::now();
    dies(&dead).await;
    for session in &sessions {
        let told = &session.told;
        told.until_connection(&dead.peer(), Connection::Away).await;
        let took = died_at.elapsed();
        assert!(took < Duration::from_secs(8), "{took:?}");
    }
    for session in &sessions {
        let reason = session.told.until_left(&dead.peer()).await;
        assert_eq!(reason, LeaveReason::Expired);
        let took = died_at.elapsed();
        assert!(
            took >= WINDOW,
            "the window starts with the take-over: {took:?}"
        );
    }
    sleep(Duration::from_secs(20)).await;
    for session in &sessions {
        assert_eq!(session.told.connections(&dead.peer()), [Connection::Away]);
        assert_eq!(session.told.leaves(&dead.peer()).len(), 1);
    }
    let (id, reason) = sessions[0].told.answers()[0];
    assert_eq!((id, reason), (unanswered, Some(Reason::Unconfirmed)));
    assert_eq!(nodes_in_the_table(&cluster).await, 2);
    let directory = cluster.backend().directory;
    let record = directory.peer(&dead.peer()).await;
    assert_eq!(record.expect("memory answers"), None);
}

/// One of its nodes is taken for dead.
async fn claim(cluster: &MemoryCluster, node: &NodeId, claimer: &NodeId) {
    let leases = cluster.backend().leases;
    let table = leases.read().await.expect("memory answers");
    let mut of_it = table.into_iter().filter(|lease| lease.node == *node);
    let seen = of_it.next().expect("it is there");
    let claimed = leases.claim(&seen, claimer).await;
    assert!(claimed.expect("memory answers"));
}

#[tokio::test(start_paused = true)]
async fn a_node_whose_entry_anew_got_no_answer_serves_again() {
    let cluster = MemoryCluster::new();
    let node = plain_node(&cluster).await;
    let claimer = NodeId::start("claimer");
    claim(&cluster, node.id(), &claimer).await;
    let mut status = node.status();
    status
        .wait_for(|status| *status == Status::Reentering)
        .await
        .expect("the node goes on");
    // The node finds itself in the table again, and does not know that it did that itself.
    let leases = cluster.backend().leases;
    let buried = leases.bury(node.id(), &claimer).await;
    buried.expect("memory answers");
    let entered = leases.register(node.id(), &settings().info).await;
    assert!(entered.expect("memory answers"));
    tokio::time::timeout(
        Duration::from_secs(5),
        status.wait_for(|status| *status == Status::Serving),
    )
    .await
    .expect("with its next renewal")
    .expect("the node goes on");
}

#[tokio::test(start_paused = true)]
async fn a_node_that_was_taken_for_dead_keeps_its_sockets_and_serves_again() {
    let cluster = MemoryCluster::new();
    let node = plain_node(&cluster).await;
    let alice = Session::new(&node, true).await;
    alice.join("r").await.expect("alice gets in");
    // Another node claims and buries it, as after a long freeze.
    let claimer = NodeId::start("claimer");
    claim(&cluster, node.id(), &claimer).await;
    let (own, leases) = (node.id(), cluster.backend().leases);
    let mut status = node.status();
    status
        .wait_for(|status| *status == Status::Reentering)
        .await
        .expect("the node goes on");
    assert_eq!(alice.join("s").await, Err(JoinError::Unavailable));
    leases.bury(own, &claimer).await.expect("memory answers");
    status
        .wait_for(|status| *status == Status::Serving)
        .await
        .expect("the node goes on");
    assert!(!alice.told.is_superseded());
    alice.join("s").await.expect("alice is here still");
    let bob = Session::new(&node, true).await;
    bob.join("r").await.expect("it serves again");
    alice.told.until_joined(&bob.peer()).await;
}

#[tokio::test(start_paused = true)]
async fn whoever_cleans_up_after_a_node_that_wakes_keeps_what_it_took_until_that_has_entered_anew()
{
    let cluster = MemoryCluster::new();
    let node = plain_node(&cluster).await;
    let (alice, bob) = (
        Session::new(&node, true).await,
        Session::new(&node, true).await,
    );
    alice.join("r").await.expect("alice gets in");
    bob.join("s").await.expect("bob gets in");
    let claimer = NodeId::start("claimer");
    claim(&cluster, node.id(), &claimer).await;
    let mut status = node.status();
    let reenters = status.wait_for(|status| *status == Status::Reentering);
    reenters.await.expect("the node goes on");
    let before = cluster.snapshot();
    let left = node.leave(&bob.local, &id("s")).await;
    left.expect("memory answers");
    // A directory that lists bob again, and is asserted to at once.
    cluster.restore(&before);
    let Backend {
        directory, leases, ..
    } = cluster.backend();
    for (session, room) in [(&alice, "r"), (&bob, "s")] {
        let peer = session.peer();
        let handed = directory.hand_over(&peer, 1, node.id(), &claimer).await;
        assert!(handed.expect("memory answers"));
        let kept = TakeOver {
            room: id(room),
            peer,
            epoch: 1,
            node: claimer.clone(),
            away: true,
            whole: false,
        };
        directory.take_over(&kept).await.expect("memory answers");
    }
    let places = async || {
        let mut places = Vec::new();
        for room in ["r", "s"] {
            let roster = directory.roster(&id(room)).await.expect("memory answers");
            places.extend(roster.members.into_iter().map(|member| member.node));
        }
        places
    };
    sleep(Duration::from_secs(2)).await;
    assert_eq!(places().await, [claimer.clone(), claimer.clone()]);
    let buried = leases.bury(node.id(), &claimer).await;
    buried.expect("memory answers");
    sleep(Duration::from_secs(2)).await;
    assert_eq!(places().await, [node.id().clone()]);
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
    let (one, other) = (node_on(&cluster, bus).await, plain_node(&cluster).await);
    let (alice, bob) = (
        Session::new(&one, true).await,
        Session::new(&other, true).await,
    );
    alice.join("r").await.expect("alice gets in");
    bob.join("r").await.expect("bob gets in");
    alice.departs(LeaveReason::Disconnected);
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
    let old = plain_node(&cluster).await;
    let alice = Session::new(&old, true).await;
    let secret = alice.secret();
    cluster.forget();
    // It is the first to offer a key, for the old one has not noticed yet.
    let young = plain_node(&cluster).await;
    let (bob, carol) = (
        Session::new(&old, true).await,
        Session::new(&young, true).await,
    );
    bob.join("r").await.expect("bob gets in");
    carol.join("r").await.expect("carol gets in");
    carol.handle_signals();
    bob.told.until_joined(&carol.peer()).await;
    let id = bob.signal("r", Some(carol.peer()));
    bob.until_answered(1).await;
    assert_eq!(bob.told.answers(), [(id, None)]);
    let resumed = alice.try_to_resume(&young, &secret, BTreeMap::new()).await;
    assert!(
        resumed.is_ok(),
        "what was made with the old key is good still"
    );
}

#[tokio::test(start_paused = true)]
async fn a_node_that_gives_its_lease_back_does_not_take_the_directory_for_one_that_went_back_in_time()
 {
    let cluster = MemoryCluster::new();
    let way = Partition::of(&cluster);
    let one = node(way.backend(&cluster), settings()).await;
    plain_node(&cluster).await;
    // It renews its lease in the meantime.
    way.answer_late("release", Duration::from_secs(3));
    assert!(one.stop(Duration::from_secs(10)).await);
    let closed = cluster.backend().directory.closed_buckets().await;
    assert_eq!(closed.expect("memory answers"), []);
}

#[tokio::test(start_paused = true)]
async fn rooms_that_were_closed_are_opened_again_also_where_nobody_joins() {
    let cluster = MemoryCluster::new();
    plain_node(&cluster).await;
    let closed = cluster.backend().directory.close_buckets().await;
    closed.expect("memory answers");
    until_open(&cluster).await;
}
