//! The directory goes back in time, as a Redis does whose replica lagged behind when it took over.

use std::collections::BTreeMap;

use switchboard_cluster::memory::MemoryCluster;
use switchboard_cluster::{JoinError, ResumeError};
use switchboard_protocol::server_message::LeaveReason;
use switchboard_protocol::{ClientMessage, Codec, ServerMessage};
use tokio::time::{Duration, sleep};

use crate::partition::Partition;
use crate::rig::{
    Session, WINDOW, faulty_node, id, introduce, node, plain_node, plain_nodes, settings,
    until_open,
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
    let roster = cluster.backend().directory.roster(&id("r")).await;
    assert_eq!(roster.expect("it is open").members.len(), 2);
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
    let roster = cluster.backend().directory.roster(&id("r")).await;
    let members = roster.expect("it is open").members;
    let peers: Vec<_> = members.iter().map(|member| member.peer).collect();
    assert_eq!(peers, [bob.peer()]);
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
    let directory = cluster.backend().directory;
    let record = directory.peer(&alice.peer()).await;
    assert_eq!(record.expect("memory answers"), None);
    let roster = directory.roster(&id("r")).await.expect("it is open");
    let members: Vec<_> = roster.members.iter().map(|member| member.peer).collect();
    assert_eq!(members, [bob.peer()]);
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
    let roster = directory.roster(&id("r")).await.expect("it is open");
    assert_eq!(roster.members.len(), 1);
    assert!(!roster.members[0].flags.away);
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

#[tokio::test(start_paused = true)]
async fn a_revision_that_is_given_twice_hides_no_change() {
    let cluster = MemoryCluster::new();
    let [one, other] = plain_nodes(&cluster).await;
    let (alice, bob) = introduce(&one, &other).await;
    let before = cluster.snapshot();
    let says = async |n: u64| {
        let json = format!(r#"{{"type":"state","id":1,"room":"r","state":{{"n":{n}}}}}"#);
        let Ok(ClientMessage::State(message)) = Codec::Json.decode(json.as_bytes()) else {
            panic!("a state message")
        };
        let updated = one.update(&alice.local, &id("r"), &message.state).await;
        updated.expect("she may");
    };
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
        let roster = cluster.backend().directory.roster(&id("r")).await;
        let members = roster.expect("it is open").members;
        for session in [&alice, &bob, &carol] {
            assert!(members.iter().any(|member| member.peer == session.peer()));
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
