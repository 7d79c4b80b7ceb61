//! What happens at the same time: nobody is lost between two steps.

use std::collections::BTreeMap;

use switchboard_cluster::memory::MemoryCluster;
use switchboard_cluster::{Departure, JoinRoom, Node, Profile, ResumeError};
use switchboard_protocol::server_message::LeaveReason;
use tokio::time::{Duration, sleep, timeout};

use crate::rig::{Session, WINDOW, faulty_node, id, introduce, node_on};

/// A session reaches another and is reached by it.
async fn reach_one_another(alice: &Session, bob: &Session) {
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

/// The session again, resumed by a task of its own.
fn resuming(session: &Session, on: &Node) -> tokio::task::JoinHandle<Result<Session, ResumeError>> {
    let (session, node) = (session.clone(), on.clone());
    tokio::spawn(async move {
        let secret = session.secret();
        session.try_to_resume(&node, &secret, BTreeMap::new()).await
    })
}

#[tokio::test(start_paused = true)]
async fn of_two_that_resume_on_two_nodes_at_once_exactly_one_lives() {
    for call in ["peer", "attach", "admit", "take_over"] {
        let cluster = MemoryCluster::new();
        let (one, other) = (
            node_on(&cluster, cluster.backend().bus).await,
            node_on(&cluster, cluster.backend().bus).await,
        );
        let (slow_node, directory) = faulty_node(&cluster).await;
        let (alice, bob) = introduce(&one, &other).await;
        let mut waiting = directory.hold(call);
        let slow = resuming(&alice, &slow_node);
        waiting.begun().await;
        let fast = alice.resume_on(&other).await;
        waiting.go_on();
        let slow = slow.await.expect("no panic");
        alice.until_superseded().await;
        sleep(Duration::from_secs(60)).await;
        let lives = match slow {
            Ok(slow) if fast.told.is_superseded() => {
                fast.until_superseded().await;
                slow
            }
            Ok(slow) => {
                assert!(slow.told.is_superseded(), "{call}: both live");
                slow.until_superseded().await;
                fast
            }
            Err(_) => {
                assert!(!fast.told.is_superseded(), "{call}: nobody lives");
                fast
            }
        };
        sleep(Duration::from_secs(60)).await;
        reach_one_another(&lives, &bob).await;
        assert!(bob.told.leaves(&alice.peer()).is_empty(), "{call}");
    }
}

/// Two resume on one node; the first waits at `call` while the second comes.
async fn two_on_one_node(call: &'static str) {
    let cluster = MemoryCluster::new();
    let other = node_on(&cluster, cluster.backend().bus).await;
    let (one, directory) = faulty_node(&cluster).await;
    let (alice, bob) = introduce(&one, &other).await;
    let mut waiting = directory.hold(call);
    let slow = resuming(&alice, &one);
    waiting.begun().await;
    let fast = resuming(&alice, &one);
    sleep(Duration::from_secs(1)).await;
    waiting.go_on();
    alice.until_superseded().await;
    let mut resumed = Vec::new();
    for attempt in [slow, fast] {
        resumed.extend(attempt.await.expect("no panic"));
    }
    sleep(Duration::from_secs(120)).await;
    resumed.retain(|session| !session.told.is_superseded());
    assert_eq!(resumed.len(), 1, "so many live");
    let lives = resumed.remove(0);
    let told = &bob.told;
    assert!(told.leaves(&alice.peer()).is_empty(), "it was expelled");
    reach_one_another(&lives, &bob).await;
}

#[tokio::test(start_paused = true)]
async fn of_two_that_resume_on_one_node_at_once_exactly_one_lives_and_is_reached() {
    two_on_one_node("peer").await;
    two_on_one_node("take_over").await;
}

#[tokio::test(start_paused = true)]
async fn one_that_is_overtaken_before_its_welcome_is_not_welcomed() {
    let cluster = MemoryCluster::new();
    let other = node_on(&cluster, cluster.backend().bus).await;
    let (one, directory) = faulty_node(&cluster).await;
    let (alice, _bob) = introduce(&one, &other).await;
    let mut waiting = directory.hold_answer_of("take_over");
    let (early, node) = (alice.clone(), one.clone());
    let overtaken = tokio::spawn(async move {
        let nothing_seen = BTreeMap::new();
        let secret = early.secret();
        early.try_to_resume(&node, &secret, nothing_seen).await
    });
    waiting.begun().await;
    alice.resume_on(&one).await;
    waiting.go_on();
    let overtaken = overtaken.await.expect("no panic");
    assert_eq!(overtaken.err(), Some(ResumeError::Superseded));
}

#[tokio::test(start_paused = true)]
async fn of_two_that_attach_on_one_node_with_the_same_epoch_exactly_one_lives() {
    two_on_one_node("attach").await;
}

#[tokio::test(start_paused = true)]
async fn one_that_is_overtaken_on_its_own_node_after_it_attached_does_not_hide_the_other() {
    two_on_one_node("admit").await;
}

#[tokio::test(start_paused = true)]
async fn a_resume_whose_answers_were_lost_works_the_next_time() {
    for call in ["enlist", "peer", "attach", "take_over"] {
        let cluster = MemoryCluster::new();
        let (one, other) = (
            node_on(&cluster, cluster.backend().bus).await,
            node_on(&cluster, cluster.backend().bus).await,
        );
        let (slow_node, directory) = faulty_node(&cluster).await;
        let (alice, bob) = introduce(&one, &other).await;
        directory.lose_answer_of(call);
        let secret = alice.secret();
        let failed = alice.try_to_resume(&slow_node, &secret, BTreeMap::new());
        assert_eq!(failed.await.err(), Some(ResumeError::Unavailable), "{call}");
        let resumed = alice.resume_on(&other).await;
        alice.until_superseded().await;
        sleep(2 * WINDOW).await;
        assert!(bob.told.leaves(&alice.peer()).is_empty(), "{call}");
        reach_one_another(&resumed, &bob).await;
        assert_eq!(slow_node.away_count(), 0);
        let noted = directory_of(&cluster, &slow_node).await;
        assert_eq!(
            noted, 0,
            "{call}: it is noted for a node that has it no more"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn whoever_had_a_session_hears_of_an_attach_that_got_no_answer() {
    for on_the_same_node in [false, true] {
        let cluster = MemoryCluster::new();
        let one = node_on(&cluster, cluster.backend().bus).await;
        let (slow_node, directory) = faulty_node(&cluster).await;
        let from = if on_the_same_node { &slow_node } else { &one };
        let alice = Session::new(from, true).await;
        // Nobody else is in, whose node would be told.
        alice.join("r").await.expect("alice gets in");
        directory.lose_answer_of("attach");
        let secret = alice.secret();
        let failed = alice.try_to_resume(&slow_node, &secret, BTreeMap::new());
        assert_eq!(failed.await.err(), Some(ResumeError::Unavailable));
        let told = timeout(Duration::from_secs(2), alice.until_superseded());
        told.await.expect("it is told at once");
        let resumed = alice.resume_on(&one).await;
        assert_eq!(resumed.rooms.len(), 1);
    }
}

async fn directory_of(cluster: &MemoryCluster, node: &Node) -> usize {
    let directory = cluster.backend().directory;
    directory
        .enlisted(node.id())
        .await
        .expect("memory answers")
        .len()
}

#[tokio::test(start_paused = true)]
async fn a_connection_that_is_lost_during_a_join_is_told_as_away_and_leaves_no_ghost() {
    for call in ["intend", "join"] {
        let cluster = MemoryCluster::new();
        let other = node_on(&cluster, cluster.backend().bus).await;
        let (one, directory) = faulty_node(&cluster).await;
        let (alice, bob) = (
            Session::new(&one, true).await,
            Session::new(&other, true).await,
        );
        bob.join("r").await.expect("bob gets in");
        let mut waiting = directory.hold(call);
        let joining = joining(&alice);
        waiting.begun().await;
        alice.loses_connection();
        waiting.go_on();
        let _ = joining.await.expect("no panic");
        sleep(WINDOW + Duration::from_secs(10)).await;
        nobody_but_bob(&cluster, &one, call).await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_connection_that_ends_during_a_join_leaves_no_ghost() {
    for call in ["intend", "join"] {
        let cluster = MemoryCluster::new();
        let other = node_on(&cluster, cluster.backend().bus).await;
        let (one, directory) = faulty_node(&cluster).await;
        let (alice, bob) = (
            Session::new(&one, true).await,
            Session::new(&other, true).await,
        );
        bob.join("r").await.expect("bob gets in");
        let mut waiting = directory.hold(call);
        let joining = joining(&alice);
        waiting.begun().await;
        one.detach(alice.local.clone(), Departure::Leave(LeaveReason::Left));
        waiting.go_on();
        let _ = joining.await.expect("no panic");
        sleep(Duration::from_secs(60)).await;
        nobody_but_bob(&cluster, &one, call).await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_connection_that_is_superseded_during_a_join_leaves_nothing_on_its_node() {
    for call in ["intend", "join"] {
        let cluster = MemoryCluster::new();
        let other = node_on(&cluster, cluster.backend().bus).await;
        let (one, directory) = faulty_node(&cluster).await;
        let (alice, bob) = (
            Session::new(&one, true).await,
            Session::new(&other, true).await,
        );
        bob.join("r").await.expect("bob gets in");
        let mut waiting = directory.hold(call);
        let joining = joining(&alice);
        waiting.begun().await;
        let resumed = alice.resume_on(&other).await;
        alice.until_superseded().await;
        waiting.go_on();
        let _ = joining.await.expect("no panic");
        resumed.departs(LeaveReason::Left);
        sleep(Duration::from_secs(60)).await;
        nobody_but_bob(&cluster, &one, call).await;
    }
}

fn joining(
    session: &Session,
) -> tokio::task::JoinHandle<Result<(), switchboard_cluster::JoinError>> {
    let (node, local) = (session.node.clone(), session.local.clone());
    let join = JoinRoom {
        re: 1,
        room: id("r"),
        capacity: 9,
        may_create: true,
        profile: Profile::default(),
        claim: None,
    };
    tokio::spawn(async move { node.join(&local, join).await })
}

async fn nobody_but_bob(cluster: &MemoryCluster, one: &Node, call: &str) {
    let directory = cluster.backend().directory;
    let roster = directory.roster(&id("r")).await.expect("memory answers");
    assert_eq!(roster.members.len(), 1, "{call}: {:?}", roster.members);
    assert_eq!(
        (one.rooms(), one.away_count()),
        (0, 0),
        "{call}: the node has something of it still"
    );
    assert_eq!(directory_of(cluster, one).await, 0, "{call}");
}

#[tokio::test(start_paused = true)]
async fn a_session_that_is_resumed_as_its_window_ends_lives_or_is_refused() {
    for call in ["peer", "leave", "intend", "dismiss", "forget", "delist"] {
        let cluster = MemoryCluster::new();
        let other = node_on(&cluster, cluster.backend().bus).await;
        let (one, directory) = faulty_node(&cluster).await;
        let (alice, bob) = introduce(&one, &other).await;
        alice.loses_connection();
        sleep(WINDOW / 2).await;
        let mut waiting = directory.hold(call);
        waiting.begun().await;
        let resumed = alice
            .try_to_resume(&other, &alice.secret(), BTreeMap::new())
            .await;
        waiting.go_on();
        sleep(Duration::from_secs(60)).await;
        let Ok(resumed) = resumed else {
            assert_eq!(
                bob.told.leaves(&alice.peer()),
                [LeaveReason::Expired],
                "{call}"
            );
            continue;
        };
        // It may have lost its room, but not itself.
        if resumed.join("r").await.is_err() {
            panic!("{call}: a session that was resumed may join");
        }
        reach_one_another(&resumed, &bob).await;
    }
}
