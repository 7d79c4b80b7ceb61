//! Signals between sessions that share several rooms, of which one is ahead of another as somebody moves: in order, each
//! once, each answered.

use switchboard_cluster::Node;
use switchboard_cluster::memory::MemoryCluster;
use switchboard_protocol::server_message::Reason;
use switchboard_protocol::{Connection, ServerMessage};
use tokio::time::{Duration, sleep};

use crate::faulty_directory::FaultyDirectory;
use crate::moving_signals::{all_delivered, seen};
use crate::partition::Partition;
use crate::rig::{Session, faulty_node, id, introduce, node, plain_nodes, settings};

/// Moves a session to a node that has taken it into its first room, and waits for its directory with the second until the
/// future is awaited.
async fn resume_slowly(
    session: &Session,
    to: &Node,
    directory: &FaultyDirectory,
) -> impl Future<Output = Session> + use<> {
    let (mut first, mut second) = (directory.hold("take_over"), directory.hold("take_over"));
    let (session, to) = (session.clone(), to.clone());
    let resuming = tokio::spawn(async move { session.resume_on(&to).await });
    first.begun().await;
    first.go_on();
    second.begun().await;
    async move {
        second.go_on();
        resuming.await.expect("no panic")
    }
}

/// Bob is in two rooms with Alice and moves to a node whose directory takes its time over the second.
async fn moves_slowly_through_two_rooms() -> (Session, Session, impl Future<Output = Session>) {
    let cluster = MemoryCluster::new();
    let [one, other, _] = plain_nodes(&cluster).await;
    let (third, directory) = faulty_node(&cluster).await;
    let (alice, bob) = introduce(&one, &other).await;
    for session in [&alice, &bob] {
        session.join("s").await.expect("there is room");
    }
    alice
        .told
        .until("bob in both", |told| {
            (told
                .iter()
                .filter(|m| matches!(m, ServerMessage::MemberJoined(_)))
                .count()
                == 2)
                .then_some(())
        })
        .await;
    let goes_on = resume_slowly(&bob, &third, &directory).await;
    let goes_on = async move {
        // What is sent meanwhile has the time to go wrong.
        sleep(Duration::from_secs(2)).await;
        goes_on.await
    };
    (alice, bob, goes_on)
}

#[tokio::test(start_paused = true)]
async fn a_signal_that_waits_in_one_room_is_not_refused_because_its_receiver_came_into_another_first()
 {
    let (alice, bob, goes_on) = moves_slowly_through_two_rooms().await;
    // Its receiver has no connection on its old node any more, nor is it in this room on its new one.
    let id = alice.signal("s", Some(bob.peer()));
    bob.until_superseded().await;
    let resumed = goes_on.await;
    resumed.handle_signals();
    alice.until_answered(1).await;
    assert_eq!(alice.told.answers(), [(id, None)]);
    assert_eq!(resumed.told.signals(), [id]);
}

#[tokio::test(start_paused = true)]
async fn signals_in_two_rooms_to_somebody_who_moves_keep_their_order() {
    let (alice, bob, goes_on) = moves_slowly_through_two_rooms().await;
    bob.until_superseded().await;
    alice.signal("s", Some(bob.peer()));
    alice.signal("r", Some(bob.peer()));
    let resumed = goes_on.await;
    resumed.handle_signals();
    alice.until_answered(2).await;
    all_delivered(&alice, 2);
    assert_eq!(resumed.told.signals(), [1, 2]);
}

#[tokio::test(start_paused = true)]
async fn what_was_unanswered_in_two_rooms_as_its_receiver_moves_is_delivered_once() {
    let cluster = MemoryCluster::new();
    let [one, other, _] = plain_nodes(&cluster).await;
    let (third, directory) = faulty_node(&cluster).await;
    let (alice, bob) = introduce(&one, &other).await;
    for session in [&alice, &bob] {
        session.join("s").await.expect("there is room");
    }
    sleep(Duration::from_secs(1)).await;
    alice.signal("s", Some(bob.peer()));
    alice.signal("r", Some(bob.peer()));
    bob.until_signals(2).await;
    bob.loses_connection();
    let goes_on = resume_slowly(&bob, &third, &directory).await;
    sleep(Duration::from_secs(2)).await;
    let resumed = goes_on.await;
    resumed.handle_signals();
    alice.until_answered(2).await;
    all_delivered(&alice, 2);
    assert_eq!(resumed.told.signals(), [1, 2]);
}

#[tokio::test(start_paused = true)]
async fn a_signal_is_not_refused_in_a_room_that_its_receiver_has_yet_to_come_back_to() {
    let cluster = MemoryCluster::new();
    let [one, other, _] = plain_nodes(&cluster).await;
    let (third, directory) = faulty_node(&cluster).await;
    let (alice, bob) = introduce(&one, &other).await;
    for room in ["s", "t"] {
        for session in [&alice, &bob] {
            session.join(room).await.expect("there is room");
        }
    }
    sleep(Duration::from_secs(1)).await;
    let id = alice.signal("t", Some(bob.peer()));
    bob.until_signals(1).await;
    bob.loses_connection();
    // It is in room `r` again and about to be in `s`; `t` is to come.
    let goes_on = resume_slowly(&bob, &third, &directory).await;
    sleep(Duration::from_secs(1)).await;
    let resumed = goes_on.await;
    resumed.handle_signals();
    alice.until_answered(1).await;
    assert_eq!(alice.told.answers(), [(id, None)]);
    assert_eq!(resumed.told.signals(), [id]);
}

#[tokio::test(start_paused = true)]
async fn what_waits_from_a_room_that_its_sender_has_left_is_not_overtaken_and_called_delivered() {
    let cluster = MemoryCluster::new();
    let [one, other, third] = plain_nodes(&cluster).await;
    let (alice, bob) = introduce(&one, &other).await;
    bob.loses_connection();
    alice
        .told
        .until_connection(&bob.peer(), Connection::Away)
        .await;
    alice.signal("r", Some(bob.peer()));
    one.leave(&alice.local, &id("r")).await.expect("she may");
    let bob = bob.resume_on(&third).await;
    for session in [&alice, &bob] {
        session.join("s").await.expect("there is room");
    }
    sleep(Duration::from_secs(1)).await;
    alice.signal("s", Some(bob.peer()));
    bob.until_signals(1).await;
    bob.handle_signals();
    bob.loses_connection();
    let _bob = bob.resume_having_seen(&other, seen(alice.peer(), 2)).await;
    alice.until_answered(2).await;
    let mut answers = alice.told.answers();
    answers.sort_unstable_by_key(|(id, _)| *id);
    assert_eq!(answers, [(1, Some(Reason::NoSuchPeer)), (2, None)]);
}

#[tokio::test(start_paused = true)]
async fn what_is_held_for_one_who_is_away_in_one_room_goes_before_what_another_room_lets_through() {
    let cluster = MemoryCluster::new();
    let (one, directory) = faulty_node(&cluster).await;
    let way = Partition::of(&cluster);
    let other = node(way.backend(&cluster), settings()).await;
    let (alice, bob) = introduce(&one, &other).await;
    for session in [&alice, &bob] {
        session.join("s").await.expect("there is room");
    }
    sleep(Duration::from_secs(1)).await;
    let (mut first, mut second) = (directory.hold("take_over"), directory.hold("take_over"));
    way.cut(true);
    first.begun().await;
    first.go_on();
    second.begun().await;
    // Longer than anybody remembers who has moved, where all rooms agree.
    sleep(Duration::from_secs(20)).await;
    alice.signal("r", Some(bob.peer()));
    alice.signal("s", Some(bob.peer()));
    way.cut(false);
    bob.until_signals(2).await;
    bob.handle_signals();
    second.go_on();
    alice.until_answered(2).await;
    all_delivered(&alice, 2);
    assert_eq!(bob.told.signals(), [1, 2]);
}
