//! Interleavings that chance seldom meets.

use std::collections::BTreeMap;

use switchboard_cluster::Node;
use switchboard_cluster::memory::MemoryCluster;
use switchboard_protocol::server_message::LeaveReason;
use switchboard_protocol::{Connection, NodeId};
use tokio::time::{Duration, sleep};

use crate::partition::Partition;
use crate::rig::{
    Session, WINDOW, faulty_node, id, introduce, node, plain_node, plain_nodes, settings,
};

async fn cuttable(cluster: &MemoryCluster) -> (Node, Partition) {
    let partition = Partition::of(cluster);
    (
        node(partition.backend(cluster), settings()).await,
        partition,
    )
}

#[tokio::test(start_paused = true)]
async fn whoever_is_connected_is_not_kept_as_away_by_its_own_node_after_the_node_that_claimed_it_died()
 {
    let cluster = MemoryCluster::new();
    let (own, own_way) = cuttable(&cluster).await;
    let (claimer, claimers_way) = cuttable(&cluster).await;
    let (alice, bob) = introduce(&own, &own).await;
    let carol = Session::new(&claimer, true).await;
    carol.join("r").await.expect("carol gets in");
    own_way.cut(true);
    let directory = cluster.backend().directory;
    loop {
        sleep(Duration::from_millis(10)).await;
        let record = directory.peer(&alice.peer()).await.expect("memory answers");
        let other = directory.peer(&bob.peer()).await.expect("memory answers");
        if [record, other]
            .into_iter()
            .flatten()
            .all(|record| record.node == *claimer.id())
        {
            break;
        }
    }
    claimers_way.cut(true);
    own_way.cut(false);
    sleep(WINDOW * 3).await;
    assert_eq!(own.away_count(), 0);
    assert!(
        bob.told.leaves(&alice.peer()).is_empty(),
        "it was here all the time"
    );
    let roster = directory.roster(&id("r")).await.expect("memory answers");
    let here = roster
        .members
        .iter()
        .filter(|member| member.peer != carol.peer());
    assert!(
        here.clone().count() == 2
            && here
                .clone()
                .all(|member| member.node == *own.id() && !member.flags.away)
    );
}

#[tokio::test(start_paused = true)]
async fn of_two_nodes_that_mark_a_session_as_away_one_keeps_it_for_its_window() {
    let cluster = MemoryCluster::new();
    let (own, own_way) = cuttable(&cluster).await;
    let other = plain_node(&cluster).await;
    let (alice, bob) = introduce(&own, &other).await;
    own_way.cut(true);
    alice.loses_connection();
    bob.told
        .until_connection(&alice.peer(), Connection::Away)
        .await;
    own_way.cut(false);
    sleep(WINDOW - Duration::from_secs(10)).await;
    assert!(
        bob.told.leaves(&alice.peer()).is_empty(),
        "within its window"
    );
    let resumed = alice.resume_on(&other).await;
    assert_eq!(resumed.rooms.len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_resume_that_failed_halfway_costs_nothing_of_the_window() {
    for call in ["attach", "admit", "take_over"] {
        let cluster = MemoryCluster::new();
        let [one, other] = plain_nodes(&cluster).await;
        let (slow, directory) = faulty_node(&cluster).await;
        let (alice, bob) = introduce(&one, &other).await;
        sleep(Duration::from_millis(29_500)).await;
        alice.loses_connection();
        bob.told
            .until_connection(&alice.peer(), Connection::Away)
            .await;
        directory.lose_answer_of(call);
        let failed = alice
            .try_to_resume(&slow, &alice.secret(), BTreeMap::new())
            .await;
        if let Ok(resumed) = failed {
            assert_eq!(resumed.rooms.len(), 1, "{call}");
            continue;
        }
        sleep(WINDOW - Duration::from_secs(5)).await;
        assert!(
            bob.told.leaves(&alice.peer()).is_empty(),
            "{call}: within its window"
        );
        let resumed = alice
            .try_to_resume(&other, &alice.secret(), BTreeMap::new())
            .await;
        assert_eq!(
            resumed.expect("it is within its window").rooms.len(),
            1,
            "{call}"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn whoever_expires_while_it_is_asserted_does_not_come_back_as_a_ghost() {
    for call in ["enlist", "assert_peer", "count", "assert_member"] {
        let cluster = MemoryCluster::new();
        let other = plain_node(&cluster).await;
        let (one, directory) = faulty_node(&cluster).await;
        let (alice, bob) = introduce(&one, &other).await;
        let carol = Session::new(&one, true).await;
        carol.join("r").await.expect("carol gets in");
        alice.loses_connection();
        sleep(Duration::from_secs(3)).await;
        // The first is carol's or alice's, by chance: alice's waits whichever it is.
        let mut waiting = [directory.hold(call), directory.hold(call)];
        let (one_waits, other_waits) = waiting.split_at_mut(1);
        let both = async {
            tokio::select! {
                () = one_waits[0].begun() => {}
                () = other_waits[0].begun() => {}
            }
        };
        both.await;
        sleep(WINDOW).await;
        for waiting in waiting {
            waiting.go_on();
        }
        sleep(Duration::from_secs(1)).await;
        assert_eq!(
            bob.told.leaves(&alice.peer()),
            [LeaveReason::Expired],
            "{call}"
        );
        let directory = cluster.backend().directory;
        let roster = directory.roster(&id("r")).await.expect("memory answers");
        assert_eq!(roster.members.len(), 2, "{call}");
        assert_eq!(directory.peer(&alice.peer()).await, Ok(None), "{call}");
    }
}

#[tokio::test(start_paused = true)]
async fn whoever_is_back_on_its_node_stays_noted_for_it_as_its_old_window_ends() {
    let cluster = MemoryCluster::new();
    let (one, directory) = faulty_node(&cluster).await;
    let alice = Session::new(&one, true).await;
    alice.loses_connection();
    sleep(WINDOW / 2).await;
    // The departure of the old connection begins, and the session is back before it has looked.
    let waiting = loop {
        let mut waiting = directory.hold("peer");
        waiting.begun().await;
        if one.away_count() == 0 {
            break waiting;
        }
        waiting.go_on();
    };
    let resumed = alice.resume_on(&one).await;
    waiting.go_on();
    sleep(Duration::from_secs(1)).await;
    let noted = {
        let directory = cluster.backend().directory;
        directory.enlisted(one.id()).await
    };
    assert_eq!(noted.expect("memory answers"), [resumed.peer()]);
}

#[tokio::test(start_paused = true)]
async fn a_signal_for_somebody_whose_resume_is_not_answered_yet_waits_for_it() {
    let cluster = MemoryCluster::new();
    let [one, other] = plain_nodes(&cluster).await;
    let (slow, directory) = faulty_node(&cluster).await;
    let (alice, bob) = introduce(&one, &other).await;
    let carol = Session::new(&slow, true).await;
    carol.join("r").await.expect("carol gets in");
    alice.told.until_joined(&carol.peer()).await;
    bob.loses_connection();
    alice
        .told
        .until_connection(&bob.peer(), Connection::Away)
        .await;
    let signal = alice.signal("r", Some(bob.peer()));
    let mut waiting = directory.hold_answer_of("take_over");
    let (again, node) = (bob.clone(), slow.clone());
    let resuming = tokio::spawn(async move { again.resume_on(&node).await });
    waiting.begun().await;
    // Alice's node reads the roster for another reason.
    let dave = Session::new(&one, true).await;
    dave.join("r").await.expect("dave gets in");
    alice
        .told
        .until_connection(&bob.peer(), Connection::Live)
        .await;
    sleep(Duration::from_secs(1)).await;
    waiting.go_on();
    let resumed = resuming.await.expect("no panic");
    resumed.handle_signals();
    alice.until_answered(1).await;
    assert_eq!(alice.told.answers(), [(signal, None)]);
}

#[tokio::test(start_paused = true)]
async fn what_a_late_join_left_behind_is_cleared_up_also_when_the_directory_was_away() {
    let cluster = MemoryCluster::new();
    let other = plain_node(&cluster).await;
    let (one, directory) = faulty_node(&cluster).await;
    let (alice, bob) = (
        Session::new(&one, true).await,
        Session::new(&other, true).await,
    );
    bob.join("r").await.expect("bob gets in");
    let mut waiting = directory.hold("join");
    let (node, local) = (one.clone(), alice.local.clone());
    let join = node.join_request(&local, id("r"), 9, Default::default());
    let joining = tokio::spawn(async move { node.join(&local, 1, join).await });
    waiting.begun().await;
    let resumed = alice.resume_on(&other).await;
    alice.until_superseded().await;
    waiting.go_on();
    let _ = joining.await.expect("no panic");
    resumed.departs(LeaveReason::Left);
    sleep(Duration::from_secs(5)).await;
    directory.cut(true);
    sleep(Duration::from_secs(10)).await;
    directory.cut(false);
    sleep(Duration::from_secs(60)).await;
    let truth = cluster.backend().directory;
    let roster = truth.roster(&id("r")).await;
    assert_eq!(roster.expect("memory answers").members.len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_word_to_a_node_that_is_not_in_the_table_keeps_nobody_from_stopping() {
    let cluster = MemoryCluster::new();
    let [one, other] = plain_nodes(&cluster).await;
    let alice = Session::new(&one, true).await;
    let nobody = NodeId::start("nobody");
    let directory = cluster.backend().directory;
    let peer = alice.peer();
    let handed = directory.hand_over(&peer, 1, one.id(), &nobody);
    assert_eq!(handed.await, Ok(true));
    let resumed = alice.resume_on(&other).await;
    sleep(Duration::from_secs(30)).await;
    resumed.departs(LeaveReason::Left);
    assert!(other.stop(Duration::from_secs(10)).await, "all was done");
}

#[tokio::test(start_paused = true)]
async fn one_unreadable_record_does_not_keep_the_others_from_being_asserted() {
    let cluster = MemoryCluster::new();
    let (one, directory) = faulty_node(&cluster).await;
    let sessions = [
        Session::new(&one, true).await,
        Session::new(&one, true).await,
    ];
    for session in &sessions {
        session.join("r").await.expect("it gets in");
    }
    for _ in 0..10_000 {
        directory.corrupt("assert_member");
    }
    cluster.forget();
    sleep(Duration::from_secs(20)).await;
    let truth = cluster.backend().directory;
    let closed = truth.closed_buckets().await;
    assert_eq!(closed.expect("memory answers"), []);
}

#[tokio::test(start_paused = true)]
async fn a_node_that_stops_while_it_cleans_up_after_another_leaves_no_orphans() {
    let cluster = MemoryCluster::new();
    let (dead, deads_way) = cuttable(&cluster).await;
    let (one, directory) = faulty_node(&cluster).await;
    let alice = Session::new(&dead, true).await;
    alice.join("r").await.expect("alice gets in");
    deads_way.cut(true);
    let mut waiting = directory.hold("hand_over");
    waiting.begun().await;
    let _other = plain_node(&cluster).await;
    let stopping = tokio::spawn(async move { one.stop(Duration::from_secs(10)).await });
    sleep(Duration::from_secs(1)).await;
    waiting.go_on();
    stopping.await.expect("no panic");
    sleep(WINDOW * 2).await;
    let truth = cluster.backend().directory;
    let roster = truth.roster(&id("r")).await;
    assert_eq!(roster.expect("memory answers").members.len(), 0, "a ghost");
}

#[tokio::test(start_paused = true)]
async fn a_session_that_ends_while_its_node_resumes_it_stays_noted_for_that_node() {
    let cluster = MemoryCluster::new();
    let (one, directory) = faulty_node(&cluster).await;
    let alice = Session::new(&one, true).await;
    alice.join("r").await.expect("alice gets in");
    let mut resuming = directory.hold("admit");
    let ends = async {
        resuming.begun().await;
        alice.departs(LeaveReason::Left);
        sleep(Duration::from_secs(1)).await;
        resuming.go_on();
    };
    let (resumed, ()) = tokio::join!(alice.resume_on(&one), ends);
    let noted = cluster.backend().directory.enlisted(one.id()).await;
    assert_eq!(noted.expect("memory answers"), [resumed.peer()]);
}
