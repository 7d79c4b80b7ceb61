//! Who is told what about a room, and in which order.

use switchboard_cluster::memory::MemoryCluster;
use switchboard_cluster::{JoinError, Node, Profile};
use switchboard_protocol::server_message::LeaveReason;
use switchboard_protocol::{MemberState, PeerId, ServerMessage};
use tokio::task::yield_now;
use tokio::time::{Duration, Instant, sleep};

use crate::bad_bus::{BadBus, Badness};
use crate::rig::{Session, faulty_node, id, node_on, plain_node, plain_nodes};

/// Everything a session hears of others holds together: a roster kept from it equals what `joined` would say.
fn roster_of(told: &[ServerMessage]) -> Vec<PeerId> {
    let mut members: Vec<PeerId> = Vec::new();
    let mut revision = 0;
    for message in told {
        let newer = match message {
            ServerMessage::Joined(joined) => {
                members = joined.members.iter().map(|member| member.peer).collect();
                joined.revision
            }
            ServerMessage::MemberJoined(joined) => {
                assert!(!members.contains(&joined.member.peer), "told twice");
                members.push(joined.member.peer);
                joined.revision
            }
            ServerMessage::MemberLeft(left) => {
                assert!(members.contains(&left.peer), "left without having come");
                members.retain(|member| *member != left.peer);
                left.revision
            }
            ServerMessage::Signal(signal) => {
                assert!(
                    members.contains(&signal.from),
                    "a signal from somebody unheard of"
                );
                revision
            }
            _ => revision,
        };
        assert!(newer >= revision, "revisions never go back");
        revision = newer;
    }
    members.sort_unstable();
    members
}

#[tokio::test(start_paused = true)]
async fn rosters_agree_on_a_bad_bus_and_joins_come_before_signals() {
    for seed in 0..30 {
        let cluster = MemoryCluster::new();
        let badness = Badness {
            lost: 15,
            repeated: 15,
            delayed: 40,
        };
        let mut nodes = Vec::new();
        for node in 0..3 {
            nodes.push(
                node_on(
                    &cluster,
                    BadBus::new(cluster.backend().bus, badness, seed * 10 + node),
                )
                .await,
            );
        }
        let mut sessions: Vec<Session> = Vec::new();
        for index in 0..9 {
            let session = Session::new(&nodes[index % 3], true).await;
            session.join("r").await.expect("there is room");
            session.handle_signals();
            session.signal("r", None);
            if index % 4 == 3 {
                let leaver = sessions.remove(0);
                leaver.signal("r", None);
                leaver.departs(LeaveReason::Left);
            }
            sessions.push(session);
        }
        let mut expected: Vec<PeerId> = sessions.iter().map(Session::peer).collect();
        expected.sort_unstable();
        for session in &sessions {
            session
                .told
                .until("the same roster", |told| {
                    (roster_of(told) == expected).then_some(())
                })
                .await;
        }
    }
}

#[tokio::test(start_paused = true)]
async fn twenty_race_for_two_places() {
    let cluster = MemoryCluster::new();
    let [one, other] = plain_nodes(&cluster).await;
    let mut racing = tokio::task::JoinSet::new();
    for index in 0..20 {
        let session = Session::new(if index % 2 == 0 { &one } else { &other }, true).await;
        racing.spawn(async move {
            let outcome = session.join_with("r", 2).await;
            (session, outcome)
        });
    }
    let outcomes = racing.join_all().await;
    let (inside, outside): (Vec<_>, Vec<_>) = outcomes
        .into_iter()
        .partition(|(_, outcome)| outcome.is_ok());
    assert_eq!(inside.len(), 2);
    assert!(
        outside
            .iter()
            .all(|(_, outcome)| *outcome == Err(JoinError::Full { capacity: 2 }))
    );
    for (session, _) in &inside {
        let is_ready = |message: &&ServerMessage| matches!(message, ServerMessage::Ready(_));
        session
            .told
            .until("ready", |told| {
                told.iter().any(|m| is_ready(&m)).then_some(())
            })
            .await;
        tokio::time::sleep(tokio::time::Duration::from_secs(5)).await;
        assert_eq!(session.told.messages().iter().filter(is_ready).count(), 1);
    }
}

#[tokio::test(start_paused = true)]
async fn a_room_can_be_left_and_entered_again() {
    let cluster = MemoryCluster::new();
    let node = plain_node(&cluster).await;
    let alice = Session::new(&node, true).await;
    let mut last = 0;
    for _ in 0..3 {
        alice.join("r").await.expect("alice gets in");
        let told = alice.told.messages();
        let Some(ServerMessage::Joined(joined)) = told.last() else {
            panic!("`joined` is told: {told:?}")
        };
        assert!(
            joined.revision > last,
            "revisions never go back, not even when a room is made anew"
        );
        last = joined.revision;
        alice
            .node
            .leave(&alice.local, &id("r"))
            .await
            .expect("alice gets out");
    }
    assert_eq!(node.rooms(), 0);
}

/// A room whose rosters are large, with everybody on that node.
async fn large_room(node: &Node) -> Vec<Session> {
    let state = format!(r#"{{"s":"{}"}}"#, "x".repeat(4000));
    let mut sessions = Vec::new();
    for _ in 0..150 {
        let session = Session::new(node, true).await;
        let profile = Profile {
            name: Some("n".repeat(256).into()),
            avatar: Some("a".repeat(2048).into()),
            state: MemberState::from_json(&state).expect("it is small enough"),
        };
        let join = node.join_request(&session.local, id("r"), 1000, profile);
        node.join(&session.local, 1, join)
            .await
            .expect("there is room");
        sessions.push(session);
    }
    sessions
}

#[tokio::test(start_paused = true)]
async fn joins_are_weighed_by_what_they_list_and_whoever_is_over_it_may_come_later() {
    let [one, other] = plain_nodes(&MemoryCluster::new()).await;
    let _large = large_room(&one).await;
    let session = Session::new(&other, true).await;
    let mut joins = 0;
    let retry_after = loop {
        match session.join("r").await {
            Ok(()) => joins += 1,
            Err(JoinError::TooMuch { retry_after }) => break retry_after,
            Err(error) => panic!("{error}"),
        }
        let left = other.leave(&session.local, &id("r")).await;
        left.expect("memory answers");
    };
    assert!((4..8).contains(&joins), "{joins}");
    sleep(retry_after).await;
    session.join("r").await.expect("it waited long enough");
    // Nobody else has to wait for it.
    let calm = Session::new(&other, true).await;
    calm.join("r").await.expect("it has joined nothing before");
}

#[tokio::test(start_paused = true)]
async fn a_thousand_sessions_join_rooms_of_their_own_at_once() {
    let [node] = plain_nodes(&MemoryCluster::new()).await;
    let begun = Instant::now();
    let mut sessions = Vec::new();
    for number in 0..1000 {
        let session = Session::new(&node, true).await;
        let room = format!("r-{number}");
        session.join(&room).await.expect("nothing holds it up");
        sessions.push(session);
    }
    assert_eq!(begun.elapsed(), Duration::ZERO, "nobody waited");
}

#[tokio::test(start_paused = true)]
async fn of_many_that_come_into_a_room_at_once_one_reads_it() {
    let cluster = MemoryCluster::new();
    let [one] = plain_nodes(&cluster).await;
    let first = Session::new(&one, true).await;
    first.join("r").await.expect("there is room");
    let (other, directory) = faulty_node(&cluster).await;
    let mut reading = directory.hold("join");
    let mut joins = Vec::new();
    for _ in 0..20 {
        let session = Session::new(&other, true).await;
        joins.push(tokio::spawn(async move {
            session.join("r").await.expect("there is room");
            session
        }));
    }
    reading.begun().await;
    for _ in 0..1000 {
        yield_now().await;
    }
    assert_eq!(directory.calls("join"), 1, "the others wait");
    reading.go_on();
    for join in joins {
        let session = join.await.expect("it joins");
        let told = session.told.messages();
        let joined = told.iter().find_map(|message| match message {
            ServerMessage::Joined(joined) => Some(joined.members.len()),
            _ => None,
        });
        assert!(joined.is_some_and(|members| members >= 2), "{told:?}");
    }
    assert_eq!(directory.calls("roster"), 0);
}
