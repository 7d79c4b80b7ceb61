//! Sessions without a connection: how long they are kept, by whom, and when they make place.

use std::collections::BTreeMap;

use switchboard_cluster::memory::MemoryCluster;
use switchboard_cluster::{Backend, Departure, JoinError, Reach, ResumeError};
use switchboard_protocol::server_message::{LeaveReason, Reason};
use switchboard_protocol::{Connection, UserId};
use tokio::sync::watch;
use tokio::time::{Duration, Instant, sleep, sleep_until};

use crate::rig::{
    Kind, Session, WINDOW, id, introduce, members, node, plain_node, plain_nodes, settings,
    until_open,
};

/// Less than it takes a node to look who is over.
const MOMENT: Duration = Duration::from_millis(1);

/// Redis is away from this node for longer than the window, or for a moment as it ends.
#[tokio::test(start_paused = true)]
async fn no_window_ends_while_nobody_can_come_back_nor_for_ten_seconds_after() {
    for (from, until) in [(WINDOW / 2, WINDOW * 3), (WINDOW, WINDOW)] {
        let cluster = MemoryCluster::new();
        let reach = watch::Sender::new(Reach::Reached);
        let backend = Backend {
            reach: reach.subscribe(),
            ..cluster.backend()
        };
        let (one, other) = (plain_node(&cluster).await, node(backend, settings()).await);
        let (alice, bob) = introduce(&one, &other).await;
        bob.loses_connection();
        let lost_at = Instant::now();
        sleep_until(lost_at + from - MOMENT).await;
        reach.send_replace(Reach::Lost("a test".into()));
        sleep_until(lost_at + until - MOMENT).await;
        reach.send_replace(Reach::Reached);
        assert_eq!(
            alice.told.until_left(&bob.peer()).await,
            LeaveReason::Expired
        );
        let took = lost_at.elapsed();
        let in_time = until + Duration::from_secs(9)..until + Duration::from_secs(11);
        assert!(in_time.contains(&took), "{took:?}");
    }
}

/// Everything is forgotten just before the window ends: rooms are closed while they are filled, and nobody can come back.
#[tokio::test(start_paused = true)]
async fn no_window_ends_while_rooms_are_closed() {
    let cluster = MemoryCluster::new();
    let [one, other] = plain_nodes(&cluster).await;
    let (alice, bob) = introduce(&one, &other).await;
    bob.loses_connection();
    sleep(WINDOW - Duration::from_secs(2)).await;
    cluster.forget();
    until_open(&cluster).await;
    sleep(Duration::from_secs(5)).await; // between two attempts of his client
    let resumed = bob.resume_on(&one).await;
    assert_eq!(resumed.peer(), bob.peer());
    assert_eq!(alice.told.leaves(&bob.peer()), []);
}

#[tokio::test(start_paused = true)]
async fn whoever_cannot_resume_leaves_with_the_connection() {
    let cluster = MemoryCluster::new();
    let [one, other] = plain_nodes(&cluster).await;
    let alice = Session::new(&one, true).await;
    let cannot_resume = Kind {
        resumable: false,
        ..Kind::default()
    };
    let bob = Session::of(&other, cannot_resume).await;
    alice.join("r").await.expect("alice gets in");
    bob.join("r").await.expect("bob gets in");
    alice.told.until_joined(&bob.peer()).await;
    bob.loses_connection();
    let reason = alice.told.until_left(&bob.peer()).await;
    assert_eq!(reason, LeaveReason::Disconnected);
    assert_eq!(alice.told.connections(&bob.peer()), [], "nor was it away");
}

#[tokio::test(start_paused = true)]
async fn whoever_does_not_come_back_expires_with_what_waits_for_it() {
    let cluster = MemoryCluster::new();
    let [one, other] = plain_nodes(&cluster).await;
    let (alice, bob) = introduce(&one, &other).await;
    let (written, waiting) = (
        alice.signal("r", Some(bob.peer())),
        alice.signal("r", Some(bob.peer())),
    );
    bob.until_signals(2).await;
    other.written(&bob.local, &alice.peer(), written);
    bob.loses_connection();
    let lost_at = Instant::now();
    alice
        .told
        .until_connection(&bob.peer(), Connection::Away)
        .await;
    let while_away = alice.signal("r", Some(bob.peer()));
    assert_eq!(
        alice.told.until_left(&bob.peer()).await,
        LeaveReason::Expired
    );
    let took = lost_at.elapsed();
    assert!(
        (WINDOW..WINDOW + Duration::from_secs(1)).contains(&took),
        "{took:?}"
    );
    alice.until_answered(3).await;
    let expected = [
        (written, Some(Reason::Unconfirmed)),
        (waiting, Some(Reason::Expired)),
        (while_away, Some(Reason::Expired)),
    ];
    assert_eq!(alice.told.answers(), expected);
    assert_eq!((other.away_count(), other.rooms()), (0, 0));
    let directory = cluster.backend().directory;
    let record = directory.peer(&bob.peer()).await.expect("memory answers");
    assert_eq!(record, None);
    let noted = directory
        .enlisted(other.id())
        .await
        .expect("memory answers");
    assert!(noted.is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_goodbye_with_a_hold_keeps_the_place_for_just_that_long() {
    let hold = Duration::from_secs(5);
    let cluster = MemoryCluster::new();
    let [one, other] = plain_nodes(&cluster).await;
    let (alice, bob) = introduce(&one, &other).await;
    one.detach(alice.local.clone(), Departure::Away(hold));
    sleep(hold - Duration::from_secs(1)).await;
    let reloaded = alice.resume_on(&other).await;
    sleep(2 * hold).await;
    assert!(
        bob.told.leaves(&alice.peer()).is_empty(),
        "it came back in time"
    );
    let said_at = Instant::now();
    other.detach(reloaded.local.clone(), Departure::Away(hold));
    assert_eq!(
        bob.told.until_left(&alice.peer()).await,
        LeaveReason::Expired
    );
    let took = said_at.elapsed();
    assert!(
        (hold..hold + Duration::from_secs(1)).contains(&took),
        "{took:?}"
    );
}

#[tokio::test(start_paused = true)]
async fn a_plain_goodbye_leaves_at_once() {
    let cluster = MemoryCluster::new();
    let [one, other] = plain_nodes(&cluster).await;
    let (alice, bob) = introduce(&one, &other).await;
    alice.departs(LeaveReason::Left);
    sleep(Duration::from_secs(1)).await;
    assert_eq!(bob.told.leaves(&alice.peer()), [LeaveReason::Left]);
    assert!(bob.told.connections(&alice.peer()).is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_users_own_session_that_is_away_makes_place_in_a_full_room_and_is_forgotten_there() {
    let cluster = MemoryCluster::new();
    let [one, other] = plain_nodes(&cluster).await;
    let user: UserId = "alice".parse().expect("a user");
    let alices = || Kind {
        user: Some(user.clone()),
        ..Kind::default()
    };
    let (lost, bob) = (
        Session::of(&one, alices()).await,
        Session::new(&other, true).await,
    );
    lost.join_with("r", 2).await.expect("there is room");
    bob.join_with("r", 2).await.expect("there is room");
    let waiting = bob.signal("r", Some(lost.peer()));
    lost.until_signals(1).await;
    let stranger = Session::new(&other, true).await;
    let full = Err(JoinError::Full { capacity: 2 });
    let new = Session::of(&other, alices()).await;
    assert_eq!(new.join("r").await, full, "it has a connection");
    lost.loses_connection();
    bob.told
        .until_connection(&lost.peer(), Connection::Away)
        .await;
    assert_eq!(stranger.join("r").await, full);
    new.join("r").await.expect("its own place");
    assert_eq!(
        bob.told.until_left(&lost.peer()).await,
        LeaveReason::Expired
    );
    bob.told.until_joined(&new.peer()).await;
    bob.until_answered(1).await;
    assert_eq!(bob.told.answers(), [(waiting, Some(Reason::Expired))]);
    let resumed = lost.resume_on(&other).await;
    assert!(resumed.rooms.is_empty());
    sleep(2 * WINDOW).await;
    assert_eq!(members(&cluster).await, [bob.peer(), new.peer()]);
}

#[tokio::test(start_paused = true)]
async fn a_place_that_was_given_away_is_not_asserted_again() {
    let cluster = MemoryCluster::new();
    let [node, other] = plain_nodes(&cluster).await;
    let user: UserId = "alice".parse().expect("a user");
    let kind = || Kind {
        user: Some(user.clone()),
        ..Kind::default()
    };
    let lost = Session::of(&node, kind()).await;
    lost.join_with("r", 1).await.expect("there is room");
    lost.loses_connection();
    sleep(Duration::from_secs(1)).await;
    let new = Session::of(&other, kind()).await;
    new.join_with("r", 1).await.expect("its own place");
    cluster.forget();
    sleep(Duration::from_secs(20)).await;
    let directory = cluster.backend().directory;
    let roster = directory
        .roster(&id("r"))
        .await
        .expect("it is filled again");
    let members: Vec<_> = roster.members.iter().map(|member| member.peer).collect();
    assert_eq!(members, [new.peer()]);
}

#[tokio::test(start_paused = true)]
async fn a_node_that_stops_leaves_those_who_are_away_to_another_at_once() {
    let cluster = MemoryCluster::new();
    let [one, other] = plain_nodes(&cluster).await;
    let (alice, bob) = introduce(&one, &other).await;
    alice.loses_connection();
    let stopped_at = Instant::now();
    assert!(one.stop(Duration::from_secs(10)).await, "all was done");
    bob.told
        .until("that it is kept", |_| {
            (other.away_count() == 1).then_some(())
        })
        .await;
    let took = stopped_at.elapsed();
    assert!(
        took < Duration::from_secs(3),
        "sooner than a lease: {took:?}"
    );
    let waiting = bob.signal("r", Some(alice.peer()));
    sleep(WINDOW / 2).await;
    let resumed = alice.resume_on(&other).await;
    assert_eq!(resumed.rooms.len(), 1);
    resumed.handle_signals();
    bob.until_answered(1).await;
    assert_eq!(bob.told.answers(), [(waiting, None)]);
    let expected = [Connection::Away, Connection::Live];
    assert_eq!(bob.told.connections(&alice.peer()), expected);
    assert!(bob.told.leaves(&alice.peer()).is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_keeper_that_dies_itself_is_followed_by_another() {
    let cluster = MemoryCluster::new();
    let mut nodes = Vec::new();
    for _ in 0..4 {
        nodes.push(plain_node(&cluster).await);
    }
    let (alice, bob) = introduce(&nodes[0], &nodes[3]).await;
    nodes[0].stop(Duration::ZERO).await;
    bob.told
        .until_connection(&alice.peer(), Connection::Away)
        .await;
    for keeper in &nodes[1..3] {
        if keeper.away_count() == 1 {
            keeper.stop(Duration::ZERO).await;
        }
    }
    sleep(Duration::from_secs(15)).await;
    let waiting = bob.signal("r", Some(alice.peer()));
    let resumed = alice.resume_on(&nodes[3]).await;
    assert_eq!(resumed.rooms.len(), 1);
    resumed.handle_signals();
    bob.until_answered(1).await;
    assert_eq!(bob.told.answers(), [(waiting, None)]);
    resumed.loses_connection();
    assert_eq!(
        bob.told.until_left(&alice.peer()).await,
        LeaveReason::Expired
    );
    let too_late = alice
        .try_to_resume(&nodes[3], &resumed.secret(), BTreeMap::new())
        .await;
    assert_eq!(too_late.err(), Some(ResumeError::Refused));
}
