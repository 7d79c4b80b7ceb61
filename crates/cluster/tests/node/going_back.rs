//! The directory goes back in time, as a Redis does whose replica lagged behind when it took over.

use std::collections::BTreeMap;

use switchboard_cluster::memory::{MemoryCluster, Snapshot};
use switchboard_cluster::{Backend, JoinError, Node, ResumeError};
use switchboard_protocol::server_message::LeaveReason;
use switchboard_protocol::{ClientMessage, Codec, Connection, ServerMessage};
use tokio::time::{Duration, sleep};

use crate::faulty_directory::FaultyDirectory;
use crate::partition::Partition;
use crate::rig::{
    Kind, Session, WINDOW, faulty_node, id, introduce, members, node, plain_node, plain_nodes,
    roster, settings, until_open,
};

#[tokio::test(start_paused = true)]
async fn a_member_whose_node_writes_it_again_later_than_others_does_not_leave_meanwhile() {
    let cluster = MemoryCluster::new();
    let partition = Partition::of(&cluster);
    let one = plain_node(&cluster).await;
    let other = node(partition.backend(&cluster), settings()).await;
    let before = cluster.snapshot();
    let (alice, bob) = introduce(&one, &other).await;
    partition.cut(true);
    cluster.restore(&before);
    sleep(Duration::from_secs(2)).await;
    partition.cut(false);
    sleep(Duration::from_secs(10)).await;
    for (session, of) in [(&alice, &bob), (&bob, &alice)] {
        assert!(session.told.leaves(&of.peer()).is_empty());
    }
    assert_eq!(members(&cluster).await.len(), 2);
}

#[tokio::test(start_paused = true)]
async fn whoever_resumed_and_left_since_leaves_again() {
    let cluster = MemoryCluster::new();
    let [one, other] = plain_nodes(&cluster).await;
    let (alice, bob) = introduce(&one, &other).await;
    let before = cluster.snapshot();
    let resumed = alice.resume_on(&other).await;
    let left = other.leave(&resumed.local, &id("r")).await;
    left.expect("memory answers");
    cluster.restore(&before);
    sleep(Duration::from_secs(60)).await;
    assert_eq!(members(&cluster).await, [bob.peer()]);
}

#[tokio::test(start_paused = true)]
async fn whoever_keeps_a_session_writes_it_again_over_its_former_connection() {
    let cluster = MemoryCluster::new();
    let [one, other] = plain_nodes(&cluster).await;
    let (alice, _bob) = introduce(&one, &other).await;
    let before = cluster.snapshot();
    let resumed = alice.resume_on(&other).await;
    cluster.restore(&before);
    resumed.loses_connection();
    sleep(WINDOW / 2).await;
    let record = cluster.backend().directory.peer(&alice.peer()).await;
    let record = record.expect("memory answers").expect("it is away");
    assert_eq!((&record.node, record.epoch), (other.id(), 2));
}

#[tokio::test(start_paused = true)]
async fn whoever_left_a_node_that_has_stopped_since_is_cleaned_up_after() {
    let cluster = MemoryCluster::new();
    let [one, other] = plain_nodes(&cluster).await;
    let (alice, _bob) = introduce(&one, &other).await;
    let before = cluster.snapshot();
    alice.departs(LeaveReason::Left);
    sleep(Duration::from_secs(1)).await;
    cluster.restore(&before);
    assert!(one.stop(Duration::from_secs(5)).await);
    sleep(WINDOW * 2).await;
    let record = cluster.backend().directory.peer(&alice.peer()).await;
    assert_eq!(record.expect("memory answers"), None);
}

#[tokio::test(start_paused = true)]
async fn whoever_has_left_since_leaves_again_though_somebody_shows_an_old_secret_meanwhile() {
    let cluster = MemoryCluster::new();
    let [one, other] = plain_nodes(&cluster).await;
    let (former, bob) = introduce(&one, &other).await;
    let alice = former.resume_on(&one).await;
    one.prove(&alice.local).await;
    let before = cluster.snapshot();
    alice.departs(LeaveReason::Left);
    sleep(Duration::from_secs(1)).await;
    cluster.restore(&before);
    until_open(&cluster).await;
    let secret = former.secret();
    let resumed = former.try_to_resume(&one, &secret, BTreeMap::new()).await;
    assert_eq!(resumed.err(), Some(ResumeError::Refused));
    sleep(WINDOW).await;
    let record = cluster.backend().directory.peer(&alice.peer()).await;
    assert_eq!(record.expect("memory answers"), None);
    assert_eq!(members(&cluster).await, [bob.peer()]);
}

/// The directory goes back to when another node cleaned up after alice's, and had taken her over.
#[tokio::test(start_paused = true)]
async fn whoever_is_connected_stays_in_while_its_node_is_cleaned_up_after_once_more() {
    let cluster = MemoryCluster::new();
    let way = Partition::of(&cluster);
    let own = node(way.backend(&cluster), settings()).await;
    let (keeper, keepers) = faulty_node(&cluster).await;
    let alice = Session::new(&own, true).await;
    alice.join("r").await.expect("alice gets in");
    way.cut(true);
    let mut reaping = keepers.hold("delist");
    reaping.begun().await;
    let then = cluster.snapshot();
    way.cut(false);
    reaping.go_on();
    sleep(WINDOW).await;
    let directory = cluster.backend().directory;
    let owner = async || {
        let record = directory.peer(&alice.peer()).await;
        record.expect("memory answers").map(|record| record.node)
    };
    assert_eq!(owner().await.as_ref(), Some(own.id()), "it is taken back");
    let mut reaping = keepers.hold("delist");
    cluster.restore(&then);
    reaping.begun().await;
    sleep(WINDOW).await;
    assert_eq!(owner().await.as_ref(), Some(keeper.id()));
    reaping.go_on();
    sleep(WINDOW).await;
    assert_eq!(owner().await.as_ref(), Some(own.id()));
    let roster = roster(&cluster).await;
    assert_eq!(roster.members.len(), 1);
    assert!(!roster.members[0].flags.away);
}

/// The directory goes back to before one of a dead node's sessions was cleaned up after, and it is the other's turn.
#[tokio::test(start_paused = true)]
async fn what_comes_back_while_a_dead_node_is_cleaned_up_after_is_cleaned_up_after_once_more() {
    let cluster = MemoryCluster::new();
    let dead = plain_node(&cluster).await;
    let (_reaper, reapers) = faulty_node(&cluster).await;
    let cannot_resume = || Kind {
        resumable: false,
        ..Kind::default()
    };
    let mut peers = Vec::new();
    for _ in 0..2 {
        let session = Session::of(&dead, cannot_resume()).await;
        session.join("r").await.expect("there is room");
        peers.push(session.peer());
    }
    let (mut first, mut second) = (reapers.hold("leave"), reapers.hold("leave"));
    dead.stop(Duration::ZERO).await;
    first.begun().await;
    let then = cluster.snapshot();
    first.go_on();
    second.begun().await;
    sleep(Duration::from_secs(1)).await;
    cluster.restore(&then);
    second.go_on();
    sleep(WINDOW * 2).await;
    for peer in peers {
        let record = cluster.backend().directory.peer(&peer).await;
        assert_eq!(record.expect("memory answers"), None);
    }
}

#[tokio::test(start_paused = true)]
async fn a_node_does_not_refuse_a_session_that_it_has_itself() {
    let cluster = MemoryCluster::new();
    let [one, other] = plain_nodes(&cluster).await;
    let before = cluster.snapshot();
    let (alice, _bob) = introduce(&one, &other).await;
    cluster.restore(&before);
    let secret = alice.secret();
    let resumed = alice.try_to_resume(&one, &secret, BTreeMap::new()).await;
    assert_eq!(resumed.err(), Some(ResumeError::Unavailable));
}

/// As where one lagging replica takes over after another, which had lagged more.
#[tokio::test(start_paused = true)]
async fn whoever_resumes_after_it_went_back_twice_the_second_time_not_as_far_is_told_to_come_again()
{
    let cluster = MemoryCluster::new();
    let [one, other] = plain_nodes(&cluster).await;
    let [long_ago, then] = {
        let long_ago = cluster.snapshot();
        sleep(Duration::from_secs(10)).await;
        [long_ago, cluster.snapshot()]
    };
    let (alice, bob) = introduce(&one, &other).await;
    cluster.restore(&long_ago);
    sleep(Duration::from_secs(2)).await;
    cluster.restore(&then);
    // Each node has renewed its lease since.
    sleep(Duration::from_secs(1)).await;
    let closed = cluster.backend().directory.closed_buckets().await;
    assert!(!closed.expect("memory answers").is_empty());
    alice.loses_connection();
    let secret = alice.secret();
    let resumed = alice.try_to_resume(&other, &secret, BTreeMap::new()).await;
    assert_eq!(resumed.err(), Some(ResumeError::Unavailable));
    assert!(bob.told.leaves(&alice.peer()).is_empty());
}

/// The directory goes back, and its rooms are filled and open again.
async fn goes_back(cluster: &MemoryCluster, then: &Snapshot) {
    cluster.restore(then);
    sleep(Duration::from_secs(1)).await;
    until_open(cluster).await;
}

/// Changes the session's state in the room, which is one step of its revision.
async fn says_state(session: &Session, n: u64) {
    let json = format!(r#"{{"type":"state","id":1,"room":"r","state":{{"n":{n}}}}}"#);
    let Ok(ClientMessage::State(message)) = Codec::Json.decode(json.as_bytes()) else {
        panic!("a state message")
    };
    let (node, local) = (&session.node, &session.local);
    let updated = node.update(local, &id("r"), &message.state).await;
    updated.expect("it may");
}

/// Somebody alone in a room, whose revision rose to 6 since the snapshot.
async fn alone_at_six(cluster: &MemoryCluster, node: &Node) -> (Session, Snapshot) {
    let alice = Session::new(node, true).await;
    alice.join("r").await.expect("alice gets in");
    let before = cluster.snapshot();
    for n in 1..=5 {
        says_state(&alice, n).await;
    }
    (alice, before)
}

#[tokio::test(start_paused = true)]
async fn what_a_room_was_at_is_not_forgotten_with_the_connection_of_whoever_is_in_it() {
    let cluster = MemoryCluster::new();
    let [one, other] = plain_nodes(&cluster).await;
    let (alice, before) = alone_at_six(&cluster, &one).await;
    alice.loses_connection();
    // She is marked as away in a room that has an older revision by then.
    goes_back(&cluster, &before).await;
    let resumed = alice.resume_on(&other).await;
    assert!(resumed.rooms[0].revision > 6, "{:?}", resumed.rooms);
}

#[tokio::test(start_paused = true)]
async fn what_a_room_was_at_is_written_also_by_a_node_that_has_just_let_go_of_whoever_is_in_it() {
    let cluster = MemoryCluster::new();
    let (one, directory) = faulty_node(&cluster).await;
    let other = plain_node(&cluster).await;
    let (alice, before) = alone_at_six(&cluster, &one).await;
    let secret = alice.secret();
    sleep(Duration::from_secs(2)).await;
    // It comes to writing only after another node has the session, which does not know the room.
    directory.cut(true);
    cluster.restore(&before);
    let resumed = alice.try_to_resume(&other, &secret, BTreeMap::new()).await;
    assert_eq!(resumed.err(), Some(ResumeError::Unavailable));
    alice.until_superseded().await;
    directory.cut(false);
    sleep(Duration::from_secs(1)).await;
    until_open(&cluster).await;
    sleep(Duration::from_secs(1)).await;
    let resumed = alice.try_to_resume(&other, &secret, BTreeMap::new()).await;
    let resumed = resumed.expect("rooms are open");
    assert!(resumed.rooms[0].revision > 6, "{:?}", resumed.rooms);
}

#[tokio::test(start_paused = true)]
async fn nobody_is_welcomed_back_into_the_past_of_a_room() {
    // It goes back without a word on the connection.
    let (cluster, silent) = (MemoryCluster::new(), MemoryCluster::new());
    let directory = FaultyDirectory::new(cluster.backend().directory);
    let backend = Backend {
        directory: directory.clone(),
        doubts: silent.backend().doubts,
        ..cluster.backend()
    };
    let one = node(backend, settings()).await;
    let (alice, before) = alone_at_six(&cluster, &one).await;
    alice.loses_connection();
    sleep(Duration::from_secs(1)).await;
    let secret = alice.secret();
    let mut entering = directory.hold("take_over");
    let goes_back = async {
        entering.begun().await;
        cluster.restore(&before);
        entering.go_on();
    };
    let resuming = alice.try_to_resume(&one, &secret, BTreeMap::new());
    let ((), resumed) = tokio::join!(goes_back, resuming);
    assert_eq!(resumed.err(), Some(ResumeError::Unavailable));
    sleep(Duration::from_secs(1)).await;
    until_open(&cluster).await;
    let resumed = alice.resume_on(&one).await;
    assert!(resumed.rooms[0].revision > 6, "{:?}", resumed.rooms);
}

#[tokio::test(start_paused = true)]
async fn what_a_session_told_of_itself_last_is_written_again() {
    let cluster = MemoryCluster::new();
    let [one, other] = plain_nodes(&cluster).await;
    let (alice, bob) = introduce(&one, &other).await;
    says_state(&alice, 1).await;
    let before = cluster.snapshot();
    says_state(&alice, 2).await;
    goes_back(&cluster, &before).await;
    let carol = Session::new(&other, true).await;
    carol.join("r").await.expect("carol gets in");
    let roster = roster(&cluster).await;
    let state = |peer| {
        let member = roster.member(peer).expect("it is in");
        member.profile.state.as_json().to_owned()
    };
    assert_eq!(state(&alice.peer()), r#"{"n":2}"#);
    // Nobody was told that it is another again.
    let updates = bob.told.messages();
    let of_alice = updates.iter().filter(|message| {
        matches!(message, ServerMessage::MemberUpdated(update) if update.peer == alice.peer())
    });
    assert_eq!(of_alice.count(), 2);
}

/// As where one server of many does, behind a proxy.
#[tokio::test(start_paused = true)]
async fn so_it_is_where_a_part_of_the_directory_goes_back_without_a_word() {
    let (cluster, rest) = (MemoryCluster::new(), MemoryCluster::new());
    let backend = || Backend {
        leases: rest.backend().leases,
        doubts: rest.backend().doubts,
        ..cluster.backend()
    };
    let one = node(backend(), settings()).await;
    let other = node(backend(), settings()).await;
    let (alice, bob) = introduce(&one, &other).await;
    let before = cluster.snapshot();
    says_state(&alice, 1).await;
    says_state(&bob, 2).await;
    cluster.restore(&before);
    sleep(WINDOW).await;
    until_open(&cluster).await;
    let roster = roster(&cluster).await;
    for (session, state) in [(&alice, r#"{"n":1}"#), (&bob, r#"{"n":2}"#)] {
        let member = roster.member(&session.peer()).expect("it is in");
        assert_eq!(member.profile.state.as_json(), state);
    }
}

#[tokio::test(start_paused = true)]
async fn whoever_had_left_and_come_again_stays_and_keeps_its_place() {
    let cluster = MemoryCluster::new();
    let [one, other] = plain_nodes(&cluster).await;
    let (alice, bob) = introduce(&one, &other).await;
    let before = cluster.snapshot();
    let left = one.leave(&alice.local, &id("r")).await;
    left.expect("memory answers");
    alice.join("r").await.expect("alice gets in");
    bob.told.until_joined(&alice.peer()).await;
    goes_back(&cluster, &before).await;
    sleep(Duration::from_secs(1)).await;
    let roster = roster(&cluster).await;
    let member = roster.member(&alice.peer()).expect("she is in");
    assert_eq!(member.order, 3);
    let closed = |message: &ServerMessage| matches!(message, ServerMessage::RoomClosed(_));
    assert!(!alice.told.messages().iter().any(closed));
    assert_eq!(bob.told.leaves(&alice.peer()).len(), 1);
}

#[tokio::test(start_paused = true)]
async fn whoever_was_away_is_away_again() {
    let cluster = MemoryCluster::new();
    let [one, other] = plain_nodes(&cluster).await;
    let (alice, bob) = introduce(&one, &other).await;
    let before = cluster.snapshot();
    alice.loses_connection();
    bob.told
        .until_connection(&alice.peer(), Connection::Away)
        .await;
    goes_back(&cluster, &before).await;
    sleep(Duration::from_secs(1)).await;
    let roster = roster(&cluster).await;
    let member = roster.member(&alice.peer()).expect("its window lasts");
    assert!(member.flags.away);
}

#[tokio::test(start_paused = true)]
async fn a_revision_that_is_given_twice_hides_no_change() {
    let cluster = MemoryCluster::new();
    let [one, other] = plain_nodes(&cluster).await;
    let (alice, bob) = introduce(&one, &other).await;
    let before = cluster.snapshot();
    let says = async |n: u64| says_state(&alice, n).await;
    let is = |n: u64| {
        move |message: &ServerMessage| match message {
            ServerMessage::MemberUpdated(update) => update
                .state
                .as_ref()
                .is_some_and(|state| format!("{state:?}").contains(&format!("{n}}}"))),
            _ => false,
        }
    };
    says(1).await;
    bob.told.until_one("the first", is(1)).await;
    cluster.restore(&before);
    says(2).await;
    bob.told.until_one("the second", is(2)).await;
}

#[tokio::test(start_paused = true)]
async fn whoever_leaves_again_hides_nobody_else_who_left() {
    // Who is asserted first, alice or bob, is chance.
    for _ in 0..8 {
        let cluster = MemoryCluster::new();
        let (one, directory) = faulty_node(&cluster).await;
        let (other, others) = faulty_node(&cluster).await;
        let (alice, bob) = introduce(&one, &one).await;
        let carol = Session::new(&other, true).await;
        carol.join("r").await.expect("carol gets in");
        let before = cluster.snapshot();
        let left = one.leave(&alice.local, &id("r")).await;
        left.expect("memory answers");
        bob.told.until_left(&alice.peer()).await;
        cluster.restore(&before);
        // This takes effect, with the revision that alice's leaving had, and nobody can say so.
        others.lose_answer_of("leave");
        let left = other.leave(&carol.local, &id("r")).await;
        left.expect_err("its answer is lost");
        // Bob is asserted before it is known here which revision alice's leaving again was given.
        let mut leaving = directory.hold_answer_of("leave");
        leaving.begun().await;
        sleep(Duration::from_millis(10)).await;
        leaving.go_on();
        bob.told.until_left(&carol.peer()).await;
    }
}

#[tokio::test(start_paused = true)]
async fn nobody_is_let_in_before_everybody_has_written_what_was_lost() {
    // So short that no lease tells, or longer.
    for ago in [Duration::ZERO, Duration::from_secs(2)] {
        let cluster = MemoryCluster::new();
        let [one, other] = plain_nodes(&cluster).await;
        let carol = Session::new(&one, true).await;
        let before = cluster.snapshot();
        let (alice, bob) = introduce(&other, &other).await;
        sleep(ago).await;
        cluster.restore(&before);
        for _ in 0..10 {
            assert_eq!(carol.join("r").await, Err(JoinError::Unavailable));
            sleep(Duration::from_millis(300)).await;
        }
        sleep(Duration::from_secs(5)).await;
        assert_eq!(carol.join("r").await, Ok(()));
        let members = members(&cluster).await;
        for session in [&alice, &bob, &carol] {
            assert!(members.contains(&session.peer()));
        }
    }
}

#[tokio::test(start_paused = true)]
async fn whoever_loses_his_connection_while_his_turn_is_waited_for_is_written_again_all_the_same() {
    let cluster = MemoryCluster::new();
    let (slow, directory) = faulty_node(&cluster).await;
    let other = plain_node(&cluster).await;
    // The slow cycle that follows is long before it comes to alice, unless chance has her first.
    for _ in 0..20 {
        Session::new(&slow, true).await;
    }
    let before = cluster.snapshot();
    let alice = Session::new(&slow, true).await;
    let mut joining = directory.hold("join");
    let goes_back = async {
        joining.begun().await;
        cluster.restore(&before);
        sleep(Duration::from_secs(1)).await;
        alice.loses_connection();
        joining.go_on();
    };
    let _ = tokio::join!(alice.join("r"), goes_back);
    sleep(Duration::from_secs(1)).await;
    alice.resume_on(&other).await;
}
