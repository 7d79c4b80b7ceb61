//! A session goes on over another connection: who may, and what others notice.

use std::collections::BTreeMap;
use std::sync::Arc;

use switchboard_cluster::memory::MemoryCluster;
use switchboard_cluster::{
    Backend, Credential, NewSession, Node, OutboxFull, Reach, Recipient, ResumeError,
};
use switchboard_protocol::server_message::RoomSnapshot;
use switchboard_protocol::{Connection, PeerId, ServerMessage};
use tokio::sync::watch;
use tokio::time::{Duration, sleep, timeout};

use crate::rig::{
    Kind, Session, WINDOW, faulty_node, id, introduce, node, plain_node, plain_nodes, settings,
};

fn members(snapshot: &RoomSnapshot) -> Vec<(PeerId, u64, Connection)> {
    let members = snapshot.members.iter();
    members
        .map(|member| (member.peer, member.order, member.connection))
        .collect()
}

#[tokio::test(start_paused = true)]
async fn a_session_that_was_away_is_live_again_on_any_node_with_its_rooms_and_its_place() {
    for to_another in [true, false] {
        let cluster = MemoryCluster::new();
        let [one, other, third] = plain_nodes(&cluster).await;
        let (alice, bob) = introduce(&one, &other).await;
        alice.join("s").await.expect("alice gets in");
        alice.loses_connection();
        let told = &bob.told;
        told.until_connection(&alice.peer(), Connection::Away).await;
        assert_eq!(one.away_count(), 1);
        let resumed = alice
            .resume_on(if to_another { &third } else { &one })
            .await;
        told.until_connection(&alice.peer(), Connection::Live).await;
        let expected = [Connection::Away, Connection::Live];
        assert_eq!(told.connections(&alice.peer()), expected);
        let rooms: Vec<_> = resumed
            .rooms
            .iter()
            .map(|room| room.room.as_str())
            .collect();
        assert_eq!(rooms, ["r", "s"]);
        let both = [
            (alice.peer(), 1, Connection::Live),
            (bob.peer(), 2, Connection::Live),
        ];
        assert_eq!(members(&resumed.rooms[0]), both);
        sleep(2 * WINDOW).await;
        assert!(told.leaves(&alice.peer()).is_empty(), "the window is over");
        assert_eq!(one.away_count(), 0);
        assert_eq!(one.rooms(), if to_another { 0 } else { 2 });
        resumed.handle_signals();
        let id = bob.signal("r", Some(alice.peer()));
        bob.until_answered(1).await;
        assert_eq!(bob.told.answers(), [(id, None)]);
    }
}

#[tokio::test(start_paused = true)]
async fn a_session_that_moves_while_it_is_connected_is_never_told_as_away() {
    for to_another in [true, false] {
        let cluster = MemoryCluster::new();
        let [one, other, third] = plain_nodes(&cluster).await;
        let (alice, bob) = introduce(&one, &other).await;
        let resumed = alice
            .resume_on(if to_another { &third } else { &one })
            .await;
        alice.until_superseded().await;
        sleep(2 * WINDOW).await;
        assert!(bob.told.connections(&alice.peer()).is_empty());
        assert!(bob.told.leaves(&alice.peer()).is_empty());
        assert!(!resumed.told.is_superseded());
        alice_and_bob_reach_one_another(&resumed, &bob).await;
        let directory = cluster.backend().directory;
        let enlisted = directory.enlisted(one.id()).await.expect("memory answers");
        assert_eq!(
            enlisted.is_empty(),
            to_another,
            "it was noted for its old node"
        );
    }
}

async fn alice_and_bob_reach_one_another(alice: &Session, bob: &Session) {
    let before = (alice.told.answers().len(), bob.told.answers().len());
    alice.handle_signals();
    bob.handle_signals();
    alice.signal("r", Some(bob.peer()));
    bob.signal("r", Some(alice.peer()));
    alice.until_answered(before.0 + 1).await;
    bob.until_answered(before.1 + 1).await;
    for session in [alice, bob] {
        let answers = session.told.answers();
        assert_eq!(answers.last().and_then(|(_, why)| *why), None);
    }
}

async fn refused(session: &Session, node: &Node, secret: &str) {
    let outcome = session.try_to_resume(node, secret, BTreeMap::new()).await;
    assert_eq!(outcome.err(), Some(ResumeError::Refused));
}

#[tokio::test(start_paused = true)]
async fn a_wrong_guessed_or_foreign_secret_is_refused_and_disturbs_nobody() {
    let cluster = MemoryCluster::new();
    let [one, other, third] = plain_nodes(&cluster).await;
    let (alice, bob) = introduce(&one, &other).await;
    let mut guessed = alice.secret();
    let wrong = if &guessed[20..21] == "A" { "B" } else { "A" };
    guessed.replace_range(20..21, wrong);
    for secret in ["", "wrong", &guessed, &bob.secret()] {
        refused(&alice, &third, secret).await;
    }
    assert!(!alice.told.is_superseded());
    alice_and_bob_reach_one_another(&alice, &bob).await;
    let directory = cluster.backend().directory;
    let noted = directory
        .enlisted(third.id())
        .await
        .expect("memory answers");
    assert!(noted.is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_secret_below_the_proven_epoch_is_refused_and_disturbs_nobody() {
    let cluster = MemoryCluster::new();
    let [one, other, third] = plain_nodes(&cluster).await;
    let (alice, bob) = introduce(&one, &other).await;
    let old = alice.secret();
    let resumed = alice.resume_on(&third).await;
    third.prove(&resumed.local).await;
    for node in [&one, &other, &third] {
        refused(&alice, node, &old).await;
    }
    sleep(Duration::from_secs(60)).await;
    assert!(!resumed.told.is_superseded());
    alice_and_bob_reach_one_another(&resumed, &bob).await;
    resumed.resume_on(&one).await;
}

#[tokio::test(start_paused = true)]
async fn a_welcome_that_was_lost_on_its_way_loses_nobody() {
    let cluster = MemoryCluster::new();
    let [one, other, third] = plain_nodes(&cluster).await;
    let (alice, bob) = introduce(&one, &other).await;
    let old = alice.secret();
    let unheard = alice.resume_on(&third).await;
    unheard.loses_connection();
    let again = alice.try_to_resume(&one, &old, BTreeMap::new()).await;
    let again = again.expect("no secret after it was proven");
    assert_eq!(again.rooms.len(), 1);
    let unheard = alice
        .try_to_resume(&other, &unheard.secret(), BTreeMap::new())
        .await;
    let resumed = unheard.expect("nor this one");
    again.until_superseded().await;
    alice_and_bob_reach_one_another(&resumed, &bob).await;
}

#[tokio::test(start_paused = true)]
async fn a_session_that_has_expired_or_left_is_not_resumed() {
    let cluster = MemoryCluster::new();
    let [one, other, third] = plain_nodes(&cluster).await;
    let (alice, bob) = introduce(&one, &other).await;
    alice.loses_connection();
    bob.departs(switchboard_protocol::server_message::LeaveReason::Left);
    sleep(WINDOW + Duration::from_secs(1)).await;
    for session in [alice, bob] {
        refused(&session, &third, &session.secret()).await;
    }
    let directory = cluster.backend().directory;
    let noted = directory
        .enlisted(third.id())
        .await
        .expect("memory answers");
    assert!(noted.is_empty());
}

#[tokio::test(start_paused = true)]
async fn what_a_resumed_session_told_of_itself_is_kept_and_goes_on_to_be_merged() {
    use switchboard_protocol::{ClientMessage, Codec};
    let patch = |json: &[u8]| {
        let Ok(ClientMessage::State(state)) = Codec::Json.decode(json) else {
            panic!("a state message")
        };
        state.state
    };
    let cluster = MemoryCluster::new();
    let [one, other, third] = plain_nodes(&cluster).await;
    let (alice, bob) = introduce(&one, &other).await;
    let room = crate::rig::id("r");
    let muted = patch(br#"{"type":"state","id":1,"room":"r","state":{"muted":true}}"#);
    one.update(&alice.local, &room, &muted)
        .await
        .expect("a member");
    let resumed = alice.resume_on(&third).await;
    let named = patch(br#"{"type":"state","id":2,"room":"r","state":{"hand":1}}"#);
    third
        .update(&resumed.local, &room, &named)
        .await
        .expect("a member");
    let is_both = |message: &_| {
        matches!(message, switchboard_protocol::ServerMessage::MemberUpdated(update)
            if update.state.as_ref().is_some_and(|state| state.as_json() == r#"{"muted":true,"hand":1}"#
                || state.as_json() == r#"{"hand":1,"muted":true}"#))
    };
    bob.told.until_one("both", is_both).await;
}

#[tokio::test(start_paused = true)]
async fn a_session_resumes_again_and_again_from_node_to_node() {
    let cluster = MemoryCluster::new();
    let nodes = plain_nodes::<3>(&cluster).await;
    let (mut alice, bob) = introduce(&nodes[0], &nodes[1]).await;
    bob.handle_signals();
    for turn in 0..12 {
        let next = alice.resume_on(&nodes[turn % 3]).await;
        next.node.prove(&next.local).await;
        if turn % 2 == 0 {
            alice.until_superseded().await;
        } else {
            alice.loses_connection();
        }
        next.handle_signals();
        let id = bob.signal("r", Some(next.peer()));
        next.signal("r", Some(bob.peer()));
        bob.until_answered(turn + 1).await;
        next.until_answered(1).await;
        assert_eq!(next.told.signals(), [id]);
        alice = next;
    }
    assert!(bob.told.answers().iter().all(|(_, why)| why.is_none()));
    assert_eq!(bob.told.signals(), (1..=12).collect::<Vec<u64>>());
    assert!(bob.told.connections(&alice.peer()).is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_hidden_session_resumes_and_stays_hidden() {
    let cluster = MemoryCluster::new();
    let [one, other, third] = plain_nodes(&cluster).await;
    let hidden = Kind {
        hidden: true,
        ..Kind::default()
    };
    let observer = Session::of(&one, hidden).await;
    let bob = Session::new(&other, true).await;
    bob.join("r").await.expect("bob gets in");
    observer.join("r").await.expect("the observer gets in");
    observer.loses_connection();
    sleep(Duration::from_secs(1)).await;
    let resumed = observer.resume_on(&third).await;
    assert_eq!(members(&resumed.rooms[0]).len(), 1, "bob alone is seen");
    resumed.handle_signals();
    bob.signal("r", None);
    resumed.until_signals(1).await;
    assert!(bob.told.connections(&observer.peer()).is_empty());
}

/// A client that has given up.
struct Nobody;

impl Recipient for Nobody {
    fn push(&self, _: ServerMessage) -> Result<(), OutboxFull> {
        Ok(())
    }

    fn superseded(&self) {}

    fn revoked(&self) {}

    fn is_gone(&self) -> bool {
        true
    }
}

#[tokio::test(start_paused = true)]
async fn nobody_waits_long_for_his_turn_or_has_it_after_he_has_gone() {
    let cluster = MemoryCluster::new();
    let (node, directory) = faulty_node(&cluster).await;
    let alice = Session::new(&node, true).await;
    let secret = alice.secret();
    let mut attach = directory.hold("attach");
    let resuming = alice.try_to_resume(&node, &secret, BTreeMap::new());
    let attached = directory.calls("attach");
    let hurried = async {
        attach.begun().await;
        let late = alice.try_to_resume(&node, &secret, BTreeMap::new()).await;
        assert_eq!(late.err(), Some(ResumeError::Unavailable));
        attach.go_on();
    };
    let (resumed, ()) = tokio::join!(resuming, hurried);
    resumed.expect("it had its turn");
    let gone = NewSession {
        peer: alice.peer(),
        user: alice.local.user.clone(),
        credential: Credential::default(),
        receipts: true,
        hidden: false,
        resumable: true,
        recipient: Arc::new(Nobody),
    };
    let nothing_seen: BTreeMap<PeerId, u64> = BTreeMap::new();
    let refused = node.resume(gone, &secret, nothing_seen).await;
    assert_eq!(refused.err(), Some(ResumeError::Unavailable));
    assert_eq!(directory.calls("attach"), attached + 1);
}

#[tokio::test(start_paused = true)]
async fn a_resumed_session_enters_all_its_rooms_at_the_same_time() {
    let cluster = MemoryCluster::new();
    let one = plain_node(&cluster).await;
    let (other, directory) = faulty_node(&cluster).await;
    let alice = Session::new(&one, true).await;
    for room in ["r", "s", "t"] {
        alice.join(room).await.expect("alice gets in");
    }
    let mut waiting = [(); 3].map(|()| directory.hold("take_over"));
    let resuming = alice.resume_on(&other);
    let all_under_way = async {
        for room in &mut waiting {
            let begun = timeout(WINDOW, room.begun());
            begun.await.expect("none waits for another one");
        }
        for room in waiting {
            room.go_on();
        }
    };
    let (resumed, ()) = tokio::join!(resuming, all_under_way);
    let rooms: Vec<_> = resumed
        .rooms
        .iter()
        .map(|room| room.room.as_str())
        .collect();
    assert_eq!(rooms, ["r", "s", "t"]);
    assert_eq!(directory.calls("take_over"), 3, "one call a room");
}

#[tokio::test(start_paused = true)]
async fn a_session_that_cannot_enter_one_of_its_rooms_is_away_in_all_and_resumes_later() {
    let cluster = MemoryCluster::new();
    let one = plain_node(&cluster).await;
    let (other, directory) = faulty_node(&cluster).await;
    let (alice, bob) = introduce(&one, &one).await;
    for room in ["s", "t"] {
        alice.join(room).await.expect("alice gets in");
    }
    let secret = alice.secret();
    directory.fail("take_over");
    let resumed = alice.try_to_resume(&other, &secret, BTreeMap::new()).await;
    assert_eq!(resumed.err(), Some(ResumeError::Unavailable));
    bob.told
        .until_connection(&alice.peer(), Connection::Away)
        .await;
    assert_eq!(other.away_count(), 1);
    let resumed = alice.resume_on(&other).await;
    assert_eq!(resumed.rooms.len(), 3);
    bob.told
        .until_connection(&alice.peer(), Connection::Live)
        .await;
}

/// Her node noticed late that alice was gone, or nobody could come back for a while. Bob shared no room with her meanwhile.
#[tokio::test(start_paused = true)]
async fn whoever_comes_back_late_repeats_nothing_to_somebody_who_left_and_came_again() {
    let unnoticed = settings().heartbeat_timeout - Duration::from_secs(1);
    for (unnoticed, outage) in [(unnoticed, Duration::ZERO), (Duration::ZERO, WINDOW * 3)] {
        let cluster = MemoryCluster::new();
        let reach = watch::Sender::new(Reach::Reached);
        let backend = || Backend {
            reach: reach.subscribe(),
            ..cluster.backend()
        };
        let one = node(backend(), settings()).await;
        let other = node(backend(), settings()).await;
        let (alice, bob) = introduce(&one, &other).await;
        let said = alice.signal("r", Some(bob.peer()));
        bob.until_signals(1).await;
        bob.handles(&alice.peer(), said);
        other.leave(&bob.local, &id("r")).await.expect("bob leaves");

        sleep(unnoticed).await;
        alice.loses_connection();
        if outage > Duration::ZERO {
            reach.send_replace(Reach::Lost("a test".into()));
            sleep(outage).await;
            reach.send_replace(Reach::Reached);
        } else {
            sleep(WINDOW - Duration::from_secs(1)).await;
        }

        bob.join("r").await.expect("bob gets in");
        let resumed = alice.resume_on(&one).await;
        resumed.signal_again("r", said, Some(bob.peer()));
        resumed.until_answered(1).await;
        assert_eq!(bob.told.signals(), [said], "{unnoticed:?} {outage:?}");
        assert_eq!(resumed.told.answers(), [(said, None)]);
    }
}
