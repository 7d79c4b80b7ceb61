//! Names that one member of a room holds, over all nodes.

use switchboard_cluster::memory::MemoryCluster;
use switchboard_cluster::{Claim, JoinError, Node, RenameError};
use switchboard_protocol::server_message::LeaveReason;
use switchboard_protocol::{Connection, PeerId, ServerMessage, UserId};
use tokio::time::{Duration, Instant, sleep};

use crate::partition::Partition;
use crate::rig::{
    Kind, Session, WINDOW, faulty_node, id, introduce, members, node, node_on, plain_node, roster,
    settings,
};

const TAKEN: Result<(), JoinError> = Err(JoinError::NameTaken);

async fn nodes(cluster: &MemoryCluster) -> [Node; 3] {
    let node = || node_on(cluster, cluster.backend().bus);
    [node().await, node().await, node().await]
}

/// A session of alice's.
async fn alices(node: &Node, resumable: bool) -> Session {
    let user: UserId = "alice".parse().expect("a user id");
    let kind = Kind {
        user: Some(user),
        resumable,
        ..Kind::default()
    };
    Session::of(node, kind).await
}

/// Anna of alice's, in the room, and somebody on another node who watches it.
async fn anna_and_bob(one: &Node, other: &Node) -> (Session, Session) {
    let (anna, bob) = (alices(one, true).await, Session::new(other, true).await);
    anna.join_as("r", "anna", Claim::IfFree)
        .await
        .expect("it is free");
    bob.join("r").await.expect("there is room");
    (anna, bob)
}

/// Whether somebody who claims nothing held gets the name; who does gives it back.
async fn is_free(node: &Node, name: &str) -> bool {
    let probe = Session::new(node, true).await;
    let joined = probe.join_as("r", name, Claim::IfFree).await;
    if joined.is_ok() {
        let left = probe.node.leave(&probe.local, &id("r")).await;
        left.expect("memory answers");
    }
    probe.departs(LeaveReason::Left);
    joined != TAKEN
}

/// Waits until a session is told that the room is closed to it, and why.
async fn until_closed(session: &Session) -> String {
    let closed = |told: &[ServerMessage]| {
        told.iter().find_map(|message| match message {
            ServerMessage::RoomClosed(closed) => Some(closed.reason.to_string()),
            _ => None,
        })
    };
    session.told.until("that its room is closed", closed).await
}

async fn holders(cluster: &MemoryCluster) -> Vec<PeerId> {
    let members = roster(cluster).await.members;
    let named = members.into_iter().filter(|member| member.flags.named);
    named.map(|member| member.peer).collect()
}

#[tokio::test(start_paused = true)]
async fn of_two_nodes_that_claim_a_name_at_once_one_gets_it() {
    let cluster = MemoryCluster::new();
    let nodes = nodes(&cluster).await;
    for round in 0..10 {
        let name = format!("anna {round}");
        let (one, other) = (
            Session::new(&nodes[0], true).await,
            Session::new(&nodes[1], true).await,
        );
        let (first, second) = tokio::join!(
            one.join_as("r", &name, Claim::IfFree),
            other.join_as("r", &name, Claim::IfFree)
        );
        let (inside, outside) = match first {
            Ok(()) => ((one, first), second),
            Err(_) => ((other, second), first),
        };
        assert_eq!((inside.1, outside), (Ok(()), TAKEN));
        assert!(holders(&cluster).await.contains(&inside.0.peer()));
    }
    assert_eq!(holders(&cluster).await.len(), 10);
}

#[tokio::test(start_paused = true)]
async fn of_two_who_both_take_a_name_over_the_one_that_has_it_stays_and_the_other_is_told() {
    let cluster = MemoryCluster::new();
    let nodes = nodes(&cluster).await;
    for _ in 0..10 {
        let (one, other) = (
            Session::new(&nodes[0], true).await,
            Session::new(&nodes[1], true).await,
        );
        let began = Instant::now();
        let (first, second) = tokio::join!(
            one.join_as("r", "anna", Claim::FromAnybody),
            other.join_as("r", "anna", Claim::FromAnybody)
        );
        assert!(began.elapsed() < Duration::from_secs(1));
        let holders = holders(&cluster).await;
        let (holder, former) = match holders == [one.peer()] {
            true => ((one, first), (other, second)),
            false => ((other, second), (one, first)),
        };
        assert_eq!((holders, holder.1), (vec![holder.0.peer()], Ok(())));
        // Before it was told that it was in, or after.
        match former.1 {
            Ok(()) => drop(until_closed(&former.0).await),
            refused => assert_eq!(refused, TAKEN),
        }
    }
}

#[tokio::test(start_paused = true)]
async fn who_loses_its_name_is_told_so_by_its_own_node_and_may_come_again_under_another() {
    let cluster = MemoryCluster::new();
    let [one, other, third] = nodes(&cluster).await;
    let (former, bob) = anna_and_bob(&one, &other).await;
    let new = alices(&third, true).await;
    new.join_as("r", "anna", Claim::FromSameUser)
        .await
        .expect("it is the same user's");
    let reason = until_closed(&former).await;
    assert!(reason.contains("took your name"), "{reason}");
    let reason = bob.told.until_left(&former.peer()).await;
    assert_eq!(reason, LeaveReason::Kicked);
    bob.told.until_joined(&new.peer()).await;
    former
        .join_as("r", "anne", Claim::IfFree)
        .await
        .expect("it has a connection still");
    new.told.until_joined(&former.peer()).await;
    assert_eq!(holders(&cluster).await, [new.peer(), former.peer()]);
}

#[tokio::test(start_paused = true)]
async fn who_loses_its_name_while_its_node_hears_nothing_is_told_so_afterwards() {
    let cluster = MemoryCluster::new();
    let partition = Partition::of(&cluster);
    let cut_off = node(partition.backend(&cluster), settings()).await;
    let other = node_on(&cluster, cluster.backend().bus).await;
    let (former, _) = anna_and_bob(&cut_off, &other).await;
    partition.cut(true);
    let new = Session::new(&other, true).await;
    new.join_as("r", "anna", Claim::FromAnybody)
        .await
        .expect("the newest claim wins");
    sleep(Duration::from_secs(1)).await;
    partition.cut(false);
    let reason = until_closed(&former).await;
    assert!(reason.contains("took your name"), "{reason}");
    assert_eq!(holders(&cluster).await, [new.peer()]);
}

#[tokio::test(start_paused = true)]
async fn who_takes_a_name_over_on_the_same_node_need_not_wait_for_a_reading() {
    let cluster = MemoryCluster::new();
    let node = node_on(&cluster, cluster.backend().bus).await;
    let former = Session::new(&node, true).await;
    former
        .join_as("r", "anna", Claim::IfFree)
        .await
        .expect("it is free");
    let new = Session::new(&node, true).await;
    let began = Instant::now();
    new.join_as("r", "anna", Claim::FromAnybody)
        .await
        .expect("the newest claim wins");
    assert!(
        began.elapsed() < Duration::from_millis(20),
        "{:?}",
        began.elapsed()
    );
    until_closed(&former).await;
    assert_eq!(holders(&cluster).await, [new.peer()]);
}

#[tokio::test(start_paused = true)]
async fn who_lost_its_name_is_taken_out_for_good_though_its_node_had_just_asserted_it() {
    let cluster = MemoryCluster::new();
    let [one, other, third] = nodes(&cluster).await;
    let (former, bob) = anna_and_bob(&one, &other).await;
    let directory = cluster.backend().directory;
    let before = directory.roster(&id("r")).await.expect("memory answers");
    let new = Session::new(&third, true).await;
    new.join_as("r", "anna", Claim::FromAnybody)
        .await
        .expect("the newest claim wins");
    until_closed(&former).await;
    // What was on its way while the name changed hands.
    let late = switchboard_cluster::directory::AssertMember {
        room: id("r"),
        member: before.member(&former.peer()).expect("it was in").clone(),
        revision: before.revision,
        ready: before.ready,
        capacity: before.capacity,
        order_max: 2,
        lift: false,
        own: false,
    };
    directory
        .assert_member(&late)
        .await
        .expect("memory answers");
    assert_eq!(holders(&cluster).await, [new.peer()]);
    sleep(Duration::from_secs(60)).await;
    assert_eq!(members(&cluster).await, [bob.peer(), new.peer()]);
    let record = directory
        .peer(&former.peer())
        .await
        .expect("memory answers");
    assert_eq!(record.map(|record| record.rooms), Some(Vec::new()));
}

#[tokio::test(start_paused = true)]
async fn a_page_that_comes_back_gets_its_name_while_nobody_else_does() {
    let cluster = MemoryCluster::new();
    let [one, other, third] = nodes(&cluster).await;
    let (former, bob) = anna_and_bob(&one, &other).await;
    former.loses_connection();
    bob.told
        .until_connection(&former.peer(), Connection::Away)
        .await;
    assert!(!is_free(&third, "anna").await);
    let page = alices(&third, true).await;
    page.join_as("r", "anna", Claim::IfFree)
        .await
        .expect("it is its own");
    let reason = bob.told.until_left(&former.peer()).await;
    assert_eq!(reason, LeaveReason::Expired);
    let resumed = former.resume_on(&other).await;
    assert!(resumed.rooms.is_empty());
    sleep(2 * WINDOW).await;
    assert_eq!(holders(&cluster).await, [page.peer()]);
}

#[tokio::test(start_paused = true)]
async fn a_name_survives_a_resume_elsewhere_and_a_directory_that_forgets_everything() {
    let cluster = MemoryCluster::new();
    let [one, other, third] = nodes(&cluster).await;
    let (former, bob) = anna_and_bob(&one, &other).await;
    let anna = former.resume_on(&third).await;
    former.until_superseded().await;
    cluster.forget();
    // Closed, and filled again by its node and by those who know it from a roster.
    let probe = Session::new(&one, true).await;
    let refused = loop {
        match probe.join_as("r", "anna", Claim::IfFree).await {
            Err(JoinError::Unavailable) => sleep(Duration::from_millis(100)).await,
            outcome => break outcome,
        }
    };
    assert_eq!(refused, TAKEN);
    assert_eq!(holders(&cluster).await, [anna.peer()]);
    anna.departs(LeaveReason::Left);
    bob.told.until_left(&anna.peer()).await;
    assert!(is_free(&one, "anna").await);
}

#[tokio::test(start_paused = true)]
async fn the_name_of_somebody_on_a_killed_node_is_kept_for_its_window_and_then_free() {
    let cluster = MemoryCluster::new();
    let [one, other, third] = nodes(&cluster).await;
    let (anna, bob) = anna_and_bob(&one, &other).await;
    one.stop(Duration::ZERO).await;
    bob.told
        .until_connection(&anna.peer(), Connection::Away)
        .await;
    assert!(!is_free(&third, "anna").await);
    // A directory that forgets is told of it by whoever keeps it.
    cluster.forget();
    sleep(WINDOW / 2).await;
    assert_eq!(holders(&cluster).await, [anna.peer()]);
    let reason = bob.told.until_left(&anna.peer()).await;
    assert_eq!(reason, LeaveReason::Expired);
    assert!(is_free(&third, "anna").await);
}

#[tokio::test(start_paused = true)]
async fn the_name_of_somebody_who_cannot_resume_is_free_once_its_dead_node_was_cleaned_up_after() {
    let cluster = MemoryCluster::new();
    let [one, other, third] = nodes(&cluster).await;
    let (anna, bob) = (alices(&one, false).await, Session::new(&other, true).await);
    anna.join_as("r", "anna", Claim::IfFree)
        .await
        .expect("it is free");
    bob.join("r").await.expect("there is room");
    one.stop(Duration::ZERO).await;
    assert!(!is_free(&third, "anna").await);
    let reason = bob.told.until_left(&anna.peer()).await;
    assert_eq!(reason, LeaveReason::NodeLost);
    assert!(is_free(&third, "anna").await);
}

#[tokio::test(start_paused = true)]
async fn a_claim_without_a_name_is_refused_before_anything_is_asked() {
    let cluster = MemoryCluster::new();
    let node = node_on(&cluster, cluster.backend().bus).await;
    let alice = Session::new(&node, true).await;
    let join = switchboard_cluster::JoinRequest {
        claim: Some(Claim::FromAnybody),
        ..node.join_request(&alice.local, id("r"), 2, Default::default())
    };
    let refused = node.join(&alice.local, 1, join).await;
    assert_eq!((refused, node.rooms()), (Err(JoinError::Nameless), 0));
}

async fn rename(
    session: &Session,
    room: &str,
    name: &str,
    claim: Claim,
) -> Result<(), RenameError> {
    let (room, name) = (id(room), name.into());
    session
        .node
        .rename(&session.local, &room, &name, claim)
        .await
}

/// What a session was told of another one since, in the order of the revisions.
fn told_of(told: &[ServerMessage], peer: PeerId, since: usize) -> Vec<(u64, Option<String>)> {
    let of_it = told[since..].iter().filter_map(|message| match message {
        ServerMessage::MemberLeft(left) if left.peer == peer => Some((left.revision, None)),
        ServerMessage::MemberJoined(joined) if joined.member.peer == peer => {
            let name = joined.member.name.as_ref().map(ToString::to_string);
            Some((joined.revision, name))
        }
        ServerMessage::MemberUpdated(update) if update.peer == peer => {
            panic!("told as an update: {update:?}")
        }
        _ => None,
    });
    of_it.collect()
}

#[tokio::test(start_paused = true)]
async fn another_name_is_one_step_and_told_as_a_leave_and_a_join_of_one_revision() {
    let [one, other, _] = nodes(&MemoryCluster::new()).await;
    let (anna, bob) = anna_and_bob(&one, &other).await;
    let (before, own_before) = (bob.told.messages().len(), anna.told.messages().len());
    let renamed = rename(&anna, "r", "eve", Claim::IfFree);
    renamed.await.expect("it is free");
    // The member itself knows its name by then.
    let eve = || Some("eve".to_owned());
    assert_eq!(
        told_of(&anna.told.messages(), anna.peer(), own_before),
        [(3, eve())]
    );
    let heard =
        |told: &[ServerMessage]| (told_of(told, anna.peer(), before).len() == 2).then_some(());
    bob.told.until("of the name", heard).await;
    assert_eq!(
        told_of(&bob.told.messages(), anna.peer(), before),
        [(3, None), (3, eve())]
    );
    assert!(is_free(&other, "anna").await && !is_free(&other, "eve").await);
    // The same name again is no step, and neither is one that somebody else has.
    let again = rename(&anna, "r", "eve", Claim::IfFree);
    again.await.expect("it has it");
    let taken = rename(&bob, "r", "eve", Claim::IfFree);
    assert_eq!(taken.await, Err(RenameError::NameTaken));
    let nowhere = rename(&bob, "s", "eve", Claim::IfFree);
    assert_eq!(nowhere.await, Err(RenameError::NotAMember));
    assert_eq!(told_of(&bob.told.messages(), anna.peer(), before).len(), 2);
    // Nobody left: a signal that was on its way arrives.
    crate::rig::reach_one_another(&anna, &bob).await;
}

#[tokio::test(start_paused = true)]
async fn whoever_loses_its_name_to_somebody_who_is_renamed_leaves() {
    let [one, other, _] = nodes(&MemoryCluster::new()).await;
    let (anna, bob) = anna_and_bob(&one, &other).await;
    let renamed = rename(&bob, "r", "anna", Claim::FromAnybody);
    renamed.await.expect("the newest claim wins");
    assert!(until_closed(&anna).await.contains("took your name"));
}

#[tokio::test(start_paused = true)]
async fn what_waits_for_a_name_goes_to_who_is_renamed_to_it_before_what_comes_next() {
    let cluster = MemoryCluster::new();
    let (one, directory) = faulty_node(&cluster).await;
    let other = plain_node(&cluster).await;
    let (alice, bob) = introduce(&one, &other).await;
    let mut look_up = directory.hold("look_up");
    let first = alice.signal_to_name("r", "eve");
    look_up.begun().await;
    rename(&bob, "r", "eve", Claim::IfFree)
        .await
        .expect("it is free");
    alice.told.until_left(&bob.peer()).await;
    let second = alice.signal_to_name("r", "eve");
    bob.until_signals(2).await;
    assert_eq!(bob.told.signals(), [first, second]);
    look_up.go_on();
}
