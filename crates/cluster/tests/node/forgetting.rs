//! The directory forgets everything, as a Redis does that restarts without its data: nodes write it again.

use std::collections::BTreeMap;
use std::sync::Arc;

use switchboard_cluster::bucket::Bucket;
use switchboard_cluster::directory::AssertPeerOutcome;
use switchboard_cluster::memory::MemoryCluster;
use switchboard_cluster::record::PeerRecord;
use switchboard_cluster::{JoinError, Node, Profile, ResumeError, Status};
use switchboard_protocol::server_message::LeaveReason;
use switchboard_protocol::{Connection, NodeId, PeerId};
use tokio::time::{Duration, Instant, sleep};

use crate::partition::Partition;
use crate::rig::{
    Kind, Session, WINDOW, faulty_node, id, introduce, node, node_on, plain_node, plain_nodes,
    reach_one_another, settings, until_open,
};

const LEASE: Duration = Duration::from_secs(4);

async fn members(cluster: &MemoryCluster, room: &str) -> Vec<PeerId> {
    let roster = cluster.backend().directory.roster(&id(room)).await;
    let roster = roster.expect("it is open");
    roster.members.iter().map(|member| member.peer).collect()
}

#[tokio::test(start_paused = true)]
async fn sessions_stay_and_joins_wait_until_one_lease_after_asserting_began() {
    let cluster = MemoryCluster::new();
    let [one, other, _] = plain_nodes(&cluster).await;
    let (alice, bob) = introduce(&one, &other).await;
    let before = cluster
        .backend()
        .directory
        .roster(&id("r"))
        .await
        .expect("memory answers");
    cluster.forget();
    let forgotten_at = Instant::now();
    let carol = Session::new(&other, true).await;
    while let Err(error) = carol.join("r").await {
        assert_eq!(error, JoinError::Unavailable);
        sleep(Duration::from_millis(50)).await;
    }
    let took = forgotten_at.elapsed();
    assert!((LEASE..2 * LEASE).contains(&took), "{took:?}");
    let after = cluster
        .backend()
        .directory
        .roster(&id("r"))
        .await
        .expect("it is open");
    assert!(after.revision > before.revision, "revisions never go back");
    let orders: Vec<_> = after
        .members
        .iter()
        .map(|member| (member.peer, member.order))
        .collect();
    assert_eq!(
        orders,
        [(alice.peer(), 1), (bob.peer(), 2), (carol.peer(), 3)]
    );
    for session in [&alice, &bob] {
        session.told.until_joined(&carol.peer()).await;
        assert!(!session.told.is_superseded());
    }
    reach_one_another(&alice, &bob).await;
    for (session, of) in [(&alice, &bob), (&bob, &alice)] {
        assert!(session.told.leaves(&of.peer()).is_empty());
        assert!(session.told.connections(&of.peer()).is_empty());
    }
}

#[tokio::test(start_paused = true)]
async fn signals_flow_while_everything_is_forgotten() {
    let cluster = MemoryCluster::new();
    let [one, other, _] = plain_nodes(&cluster).await;
    let (alice, bob) = introduce(&one, &other).await;
    cluster.forget();
    let forgotten_at = Instant::now();
    reach_one_another(&alice, &bob).await;
    assert!(forgotten_at.elapsed() < Duration::from_secs(1));
}

#[tokio::test(start_paused = true)]
async fn what_nobody_lists_any_more_is_written_again_more_than_once() {
    let cluster = MemoryCluster::new();
    let [one, other, third] = plain_nodes(&cluster).await;
    let (alice, bob) = introduce(&one, &other).await;
    for _ in 0..3 {
        cluster.forget();
        sleep(Duration::from_secs(1)).await;
        cluster.forget();
        until_open(&cluster).await;
        assert_eq!(members(&cluster, "r").await, [alice.peer(), bob.peer()]);
        sleep(Duration::from_secs(60)).await;
    }
    let resumed = alice.resume_on(&third).await;
    alice.until_superseded().await;
    reach_one_another(&resumed, &bob).await;
}

#[tokio::test(start_paused = true)]
async fn a_place_is_written_again_after_attempts_to_resume_that_did_not_get_into_the_room() {
    let cluster = MemoryCluster::new();
    let (one, directory) = faulty_node(&cluster).await;
    let alice = Session::new(&one, true).await;
    alice.join("r").await.expect("alice gets in");
    let secret = alice.secret();
    let attempt = async || {
        // That of the attempt, and that which would mark her as away.
        directory.fail("take_over");
        directory.fail("take_over");
        let resumed = alice.try_to_resume(&one, &secret, BTreeMap::new()).await;
        assert_eq!(resumed.err(), Some(ResumeError::Unavailable));
    };
    attempt().await;
    alice.until_superseded().await;
    attempt().await;
    cluster.forget();
    until_open(&cluster).await;
    assert_eq!(members(&cluster, "r").await, [alice.peer()]);
}

#[tokio::test(start_paused = true)]
async fn a_session_that_is_away_is_written_again_and_its_window_goes_on() {
    let cluster = MemoryCluster::new();
    let [one, other, third] = plain_nodes(&cluster).await;
    let (alice, bob) = introduce(&one, &other).await;
    alice.loses_connection();
    let lost_at = Instant::now();
    sleep(WINDOW / 4).await;
    cluster.forget();
    let early = alice
        .try_to_resume(&third, &alice.secret(), BTreeMap::new())
        .await;
    assert_eq!(
        early.err(),
        Some(ResumeError::Unavailable),
        "nothing is consumed"
    );
    until_open(&cluster).await;
    let resumed = alice.resume_on(&third).await;
    assert_eq!(resumed.rooms.len(), 1);
    reach_one_another(&resumed, &bob).await;
    bob.loses_connection();
    cluster.forget();
    let left = resumed.told.until_left(&bob.peer()).await;
    assert_eq!(left, LeaveReason::Expired);
    assert!(lost_at.elapsed() < 2 * WINDOW);
    assert_eq!(members(&cluster, "r").await, [alice.peer()]);
}

#[tokio::test(start_paused = true)]
async fn whoever_resumes_at_any_moment_of_the_filling_keeps_its_rooms() {
    for moment in (0..60).map(|tenths| Duration::from_millis(100 * tenths)) {
        let cluster = MemoryCluster::new();
        let [one, other, third] = plain_nodes(&cluster).await;
        let (alice, bob) = introduce(&one, &other).await;
        alice.loses_connection();
        sleep(Duration::from_secs(1)).await;
        cluster.forget();
        let forgotten_at = Instant::now();
        sleep(moment).await;
        let secret = alice.secret();
        let resumed = loop {
            match alice.try_to_resume(&third, &secret, BTreeMap::new()).await {
                Ok(resumed) => break resumed,
                Err(error) => assert_eq!(error, ResumeError::Unavailable, "{moment:?}"),
            }
            assert!(forgotten_at.elapsed() < WINDOW / 2, "{moment:?}: never");
            sleep(Duration::from_millis(500)).await;
        };
        assert_eq!(resumed.rooms.len(), 1, "{moment:?}");
        reach_one_another(&resumed, &bob).await;
        assert!(bob.told.leaves(&alice.peer()).is_empty(), "{moment:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn members_of_a_node_that_died_as_all_was_forgotten_are_taken_over_by_those_who_know_them() {
    let cluster = MemoryCluster::new();
    let [one, other, third] = plain_nodes(&cluster).await;
    let (alice, bob) = introduce(&one, &other).await;
    one.stop(Duration::ZERO).await;
    cluster.forget();
    bob.told
        .until_connection(&alice.peer(), Connection::Away)
        .await;
    until_open(&cluster).await;
    assert_eq!(members(&cluster, "r").await, [alice.peer(), bob.peer()]);
    let resumed = alice.resume_on(&third).await;
    assert_eq!(resumed.rooms.len(), 1);
    bob.told
        .until_connection(&alice.peer(), Connection::Live)
        .await;
    reach_one_another(&resumed, &bob).await;
}

/// It had written its session again, and not yet entered the table.
#[tokio::test(start_paused = true)]
async fn of_one_that_cannot_resume_and_died_as_all_was_forgotten_nothing_is_left() {
    let cluster = MemoryCluster::new();
    let [one, other, _] = plain_nodes(&cluster).await;
    let cannot_resume = Kind {
        resumable: false,
        ..Kind::default()
    };
    let alice = Session::of(&one, cannot_resume).await;
    let bob = Session::new(&other, true).await;
    for session in [&alice, &bob] {
        session.join("r").await.expect("there is room");
    }
    sleep(Duration::from_secs(1)).await;
    let directory = cluster.backend().directory;
    let record = async || {
        let record = directory.peer(&alice.peer()).await;
        record.expect("memory answers")
    };
    let written = record().await.expect("she is there");
    one.stop(Duration::ZERO).await;
    cluster.forget();
    let asserted = directory.assert_peer(&written).await;
    assert_eq!(
        asserted.expect("memory answers"),
        AssertPeerOutcome::Restored
    );
    bob.told.until_left(&alice.peer()).await;
    sleep(WINDOW).await;
    assert_eq!(record().await, None);
    assert_eq!(members(&cluster, "r").await, [bob.peer()]);
}

#[tokio::test(start_paused = true)]
async fn one_that_died_as_all_was_forgotten_expires_from_every_room() {
    let cluster = MemoryCluster::new();
    let [one, other, _] = plain_nodes(&cluster).await;
    let (alice, bob) = introduce(&one, &other).await;
    for session in [&alice, &bob] {
        session.join("s").await.expect("there is room");
    }
    sleep(Duration::from_secs(1)).await;
    one.stop(Duration::ZERO).await;
    cluster.forget();
    sleep(2 * WINDOW).await;
    for room in ["r", "s"] {
        assert_eq!(members(&cluster, room).await, [bob.peer()], "room {room}");
    }
    assert_eq!(bob.told.leaves(&alice.peer()).len(), 2);
}

#[tokio::test(start_paused = true)]
async fn one_that_died_as_all_was_forgotten_comes_back_to_every_room() {
    let cluster = MemoryCluster::new();
    let [one, other, third] = plain_nodes(&cluster).await;
    let (alice, bob) = introduce(&one, &other).await;
    for session in [&alice, &bob] {
        session.join("s").await.expect("there is room");
    }
    sleep(Duration::from_secs(1)).await;
    one.stop(Duration::ZERO).await;
    cluster.forget();
    until_open(&cluster).await;
    sleep(Duration::from_secs(5)).await;
    let resumed = alice.resume_on(&third).await;
    assert_eq!(resumed.rooms.len(), 2);
    sleep(2 * WINDOW).await;
    assert!(bob.told.leaves(&alice.peer()).is_empty());
}

#[tokio::test(start_paused = true)]
async fn one_that_came_back_to_a_node_which_is_not_in_the_table_yet_stays_there_if_that_comes() {
    for comes in [true, false] {
        let cluster = MemoryCluster::new();
        let [one, other] = plain_nodes(&cluster).await;
        let (alice, _bob) = introduce(&one, &other).await;
        let (directory, leases) = (cluster.backend().directory, cluster.backend().leases);
        let elsewhere = NodeId::start("elsewhere");
        one.stop(Duration::ZERO).await;
        cluster.forget();
        sleep(LEASE - Duration::from_millis(100)).await;
        let record = PeerRecord {
            peer: alice.peer(),
            node: elsewhere.clone(),
            epoch: 2,
            proven: 1,
            user: alice.local.user.clone(),
            credential: None,
            rooms: vec![id("r")],
        };
        let written = directory.assert_peer(&record).await;
        assert_eq!(written, Ok(AssertPeerOutcome::Restored));
        // Her former node counts as gone since.
        sleep(Duration::from_secs(1)).await;
        if comes {
            let entered = leases.register(&elsewhere, &settings().info).await;
            assert!(entered.expect("memory answers"));
        }
        sleep(LEASE - Duration::from_millis(300)).await;
        let found = directory.peer(&alice.peer()).await.expect("memory answers");
        let (node, keeps) = if comes {
            (&elsewhere, 0)
        } else {
            (other.id(), 1)
        };
        assert_eq!(found.map(|found| found.node).as_ref(), Some(node));
        assert_eq!(other.away_count(), keeps);
    }
}

#[tokio::test(start_paused = true)]
async fn one_that_found_its_room_closed_keeps_its_place_when_all_is_forgotten_once_more() {
    let cluster = MemoryCluster::new();
    let [one, other, third] = plain_nodes(&cluster).await;
    let (alice, bob) = introduce(&one, &other).await;
    one.stop(Duration::ZERO).await;
    cluster.forget();
    sleep(LEASE - Duration::from_secs(1)).await;
    cluster.forget();
    sleep(Duration::from_secs(2)).await;
    let early = alice
        .try_to_resume(&third, &alice.secret(), BTreeMap::new())
        .await;
    assert_eq!(early.err(), Some(ResumeError::Unavailable));
    cluster.forget();
    until_open(&cluster).await;
    assert_eq!(members(&cluster, "r").await, [alice.peer(), bob.peer()]);
    let resumed = alice.resume_on(&third).await;
    assert!(bob.told.leaves(&alice.peer()).is_empty());
    reach_one_another(&resumed, &bob).await;
}

#[tokio::test(start_paused = true)]
async fn nobody_is_refused_where_rooms_were_opened_just_as_all_was_forgotten() {
    let cluster = MemoryCluster::new();
    let [one, _other, third] = plain_nodes(&cluster).await;
    let alice = Session::new(&one, true).await;
    alice.join("r").await.expect("there is room");
    cluster.forget();
    let directory = cluster.backend().directory;
    for bucket in Bucket::all() {
        directory.open_bucket(bucket).await.expect("memory answers");
    }
    let early = alice
        .try_to_resume(&third, &alice.secret(), BTreeMap::new())
        .await;
    assert_eq!(early.err(), Some(ResumeError::Unavailable));
    sleep(LEASE).await;
    until_open(&cluster).await;
    alice.resume_on(&third).await;
    assert_eq!(members(&cluster, "r").await, [alice.peer()]);
}

#[tokio::test(start_paused = true)]
async fn whoever_waits_for_the_roster_of_one_room_is_written_again_in_another() {
    let cluster = MemoryCluster::new();
    let [one, _other, _] = plain_nodes(&cluster).await;
    let alice = Session::new(&one, true).await;
    let bob = Session::new(&one, true).await;
    alice.join("r").await.expect("there is room");
    bob.join("s").await.expect("there is room");
    // A step that nobody is told of.
    let profile = Profile {
        name: Some("Alice".into()),
        ..Profile::default()
    };
    let directory = cluster.backend().directory;
    let (room, peer) = (id("r"), alice.peer());
    let updated = directory.update(&room, &peer, 1, &profile);
    updated.await.expect("memory answers");
    let joining = async {
        let _ = bob.join("r").await;
    };
    let forgetting = async {
        sleep(Duration::from_millis(1)).await;
        cluster.forget();
        until_open(&cluster).await;
        assert_eq!(members(&cluster, "s").await, [bob.peer()]);
    };
    tokio::join!(joining, forgetting);
}

#[tokio::test(start_paused = true)]
async fn two_who_know_members_that_nobody_answers_for_agree_on_one_keeper() {
    let cluster = MemoryCluster::new();
    let nodes = plain_nodes::<3>(&cluster).await;
    let (alice, bob) = introduce(&nodes[0], &nodes[1]).await;
    let carol = Session::new(&nodes[2], true).await;
    carol.join("r").await.expect("carol gets in");
    sleep(Duration::from_secs(1)).await;
    nodes[0].stop(Duration::ZERO).await;
    cluster.forget();
    for session in [&bob, &carol] {
        session
            .told
            .until_connection(&alice.peer(), Connection::Away)
            .await;
    }
    sleep(Duration::from_secs(40)).await;
    assert_eq!(nodes[1].away_count() + nodes[2].away_count(), 1);
    for session in [&bob, &carol] {
        assert_eq!(
            session.told.until_left(&alice.peer()).await,
            LeaveReason::Expired
        );
        sleep(WINDOW).await;
        assert_eq!(session.told.leaves(&alice.peer()).len(), 1);
    }
}

#[tokio::test(start_paused = true)]
async fn a_node_that_was_cut_off_as_all_was_forgotten_reclaims_its_sessions() {
    for cut in [2, 6, 30] {
        let cluster = MemoryCluster::new();
        let partition = Partition::of(&cluster);
        let one = node(partition.backend(&cluster), settings()).await;
        let other = plain_node(&cluster).await;
        let (alice, bob) = introduce(&one, &other).await;
        partition.cut(true);
        cluster.forget();
        sleep(Duration::from_secs(cut)).await;
        partition.cut(false);
        sleep(2 * WINDOW).await;
        assert!(!alice.told.is_superseded());
        assert!(bob.told.leaves(&alice.peer()).is_empty(), "cut {cut}");
        assert!(alice.told.leaves(&bob.peer()).is_empty(), "cut {cut}");
        assert_eq!(members(&cluster, "r").await, [alice.peer(), bob.peer()]);
        reach_one_another(&alice, &bob).await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_node_that_comes_to_a_cluster_whose_directory_was_emptied_is_let_in_and_sees_all() {
    let cluster = MemoryCluster::new();
    let [one, other, _] = plain_nodes(&cluster).await;
    let (alice, bob) = introduce(&one, &other).await;
    cluster.forget();
    let began = Instant::now();
    let young = plain_node(&cluster).await;
    assert!(
        began.elapsed() >= LEASE,
        "it serves once the directory is whole"
    );
    let carol = Session::new(&young, true).await;
    carol.join("r").await.expect("carol gets in");
    let told = carol.told.messages();
    let Some(switchboard_protocol::ServerMessage::Joined(joined)) = told.first() else {
        panic!("`joined` comes first: {told:?}")
    };
    let seen: Vec<_> = joined.members.iter().map(|member| member.peer).collect();
    assert_eq!(seen, [alice.peer(), bob.peer(), carol.peer()]);
    for session in [&alice, &bob] {
        session.told.until_joined(&carol.peer()).await;
    }
    reach_one_another(&carol, &bob).await;
    let resumed = alice.resume_on(&young).await;
    reach_one_another(&resumed, &bob).await;
}

#[tokio::test(start_paused = true)]
async fn a_node_that_keeps_members_of_a_room_it_has_nobody_in_does_not_talk_to_itself_for_ever() {
    let cluster = MemoryCluster::new();
    let bus = crate::faults::FaultyBus::new(&cluster);
    let node = node_on(&cluster, bus.clone()).await;
    let alice = Session::new(&node, true).await;
    alice.join("r").await.expect("alice gets in");
    alice.loses_connection();
    sleep(Duration::from_secs(1)).await;
    // Time passes with each frame: otherwise the test would never end where they never do.
    *bus.slow.lock() = Duration::from_millis(1);
    cluster.forget();
    sleep(2 * LEASE).await;
    let published = bus.published.load(std::sync::atomic::Ordering::Relaxed);
    sleep(Duration::from_secs(5)).await;
    let later = bus.published.load(std::sync::atomic::Ordering::Relaxed);
    assert!(
        later - published < 50,
        "{} frames in 5 s",
        later - published
    );
}

#[tokio::test(start_paused = true)]
async fn a_node_that_starts_into_an_empty_directory_does_not_insist_on_its_key() {
    let cluster = MemoryCluster::new();
    let [way, way_of_newcomer] = [(); 2].map(|()| Partition::of(&cluster));
    let one = node(way.backend(&cluster), settings()).await;
    let alice = Session::new(&one, true).await;
    let secret = alice.secret();
    way.cut(true);
    cluster.forget();
    let name = NodeId::start("test");
    let backend = way_of_newcomer.backend(&cluster);
    let newcomer = Node::new(name, settings(), backend, Arc::new(()));
    newcomer.start();
    sleep(LEASE / 4).await;
    way_of_newcomer.cut(true);
    cluster.forget();
    way.cut(false);
    sleep(LEASE / 2).await;
    way_of_newcomer.cut(false);
    until_open(&cluster).await;
    let serving = |status: &Status| *status == Status::Serving;
    let mut status = newcomer.status();
    status.wait_for(serving).await.expect("it goes on");
    let resumed = alice.try_to_resume(&newcomer, &secret, BTreeMap::new());
    assert_eq!(resumed.await.err(), None);
}
