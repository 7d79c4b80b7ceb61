//! Users, tokens and sessions that are revoked: on every node, with a connection and without, also after Redis forgot.

use std::collections::BTreeMap;

use switchboard_cluster::directory::{NewRevocation, REVOCATIONS_MAX};
use switchboard_cluster::memory::MemoryCluster;
use switchboard_cluster::{AttachError, Credential, Node, ResumeError, RevokeError, RevokeRequest};
use switchboard_protocol::server_message::LeaveReason;
use switchboard_protocol::{Connection, UserId};
use tokio::time::{Duration, Instant, sleep};

use crate::bad_bus::{BadBus, Badness};
use crate::rig::{Kind, Session, faulty_node, node_on, plain_node, plain_nodes};

fn alice() -> UserId {
    "alice".parse().expect("a user id")
}

fn made(at: u64, token: &str) -> Credential {
    Credential {
        token: Some(token.into()),
        issued_at: Some(at),
        mark: None,
    }
}

async fn comes(node: &Node, credential: Credential) -> Result<Session, AttachError> {
    let kind = Kind {
        user: Some(alice()),
        credential,
        ..Kind::default()
    };
    Session::try_of(node, kind).await
}

async fn in_room(node: &Node, credential: Credential) -> Session {
    let session = comes(node, credential).await.expect("nothing is revoked");
    session.join("r").await.expect("there is room");
    session
}

fn user_before(before: u64) -> RevokeRequest {
    RevokeRequest::User {
        user: alice(),
        before: Some(before),
    }
}

async fn until(what: &str, holds: impl Fn() -> bool) {
    let began = Instant::now();
    while !holds() {
        assert!(began.elapsed() < Duration::from_secs(60), "{what}");
        sleep(Duration::from_millis(50)).await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_user_s_sessions_end_on_every_node_and_no_older_token_comes_in() {
    let cluster = MemoryCluster::new();
    let nodes: [Node; 3] = plain_nodes(&cluster).await;
    let bob = Session::new(&nodes[2], true).await;
    bob.join("r").await.expect("bob gets in");
    let mut revoked = Vec::new();
    for node in &nodes {
        revoked.push(in_room(node, made(99, "old")).await);
    }
    let away = in_room(&nodes[0], made(99, "old")).await;
    away.loses_connection();
    bob.told
        .until_connection(&away.peer(), Connection::Away)
        .await;
    let newer = in_room(&nodes[1], made(100, "new")).await;
    nodes[0].revoke(user_before(100)).await.expect("it answers");
    for session in &revoked {
        until("a session goes on", || session.told.is_revoked()).await;
        session.loses_connection();
        let reason = bob.told.until_left(&session.peer()).await;
        assert_eq!(reason, LeaveReason::Kicked);
    }
    assert_eq!(bob.told.until_left(&away.peer()).await, LeaveReason::Kicked);
    for node in &nodes {
        for credential in [made(99, "other"), Credential::default()] {
            assert_eq!(
                comes(node, credential).await.err(),
                Some(AttachError::Revoked)
            );
        }
        comes(node, made(100, "new"))
            .await
            .expect("a newer token")
            .loses_connection();
    }
    let back = away
        .try_to_resume(&nodes[1], &away.secret(), BTreeMap::new())
        .await;
    assert_eq!(back.err(), Some(ResumeError::Revoked));
    assert!(!newer.told.is_revoked() && !bob.told.is_revoked());
}

#[tokio::test(start_paused = true)]
async fn a_token_or_a_peer_is_revoked_wherever_it_is() {
    let cluster = MemoryCluster::new();
    let nodes: [Node; 2] = plain_nodes(&cluster).await;
    let [lost, kicked, stays] = [
        in_room(&nodes[1], made(99, "lost")).await,
        in_room(&nodes[1], made(99, "kicked")).await,
        in_room(&nodes[1], made(99, "stays")).await,
    ];
    let token = RevokeRequest::Token("lost".into());
    nodes[0].revoke(token).await.expect("it answers");
    let peer = RevokeRequest::Peer(kicked.peer());
    nodes[0].revoke(peer).await.expect("it answers");
    for session in [&lost, &kicked] {
        until("a session goes on", || session.told.is_revoked()).await;
    }
    kicked.loses_connection();
    let back = kicked
        .try_to_resume(&nodes[0], &kicked.secret(), BTreeMap::new())
        .await;
    assert_eq!(back.err(), Some(ResumeError::Revoked));
    // Its user may come as another session.
    comes(&nodes[0], made(99, "kicked"))
        .await
        .expect("a session of its own");
    assert!(!stays.told.is_revoked());
}

#[tokio::test(start_paused = true)]
async fn a_node_that_is_not_told_reads_it_in_the_log() {
    let cluster = MemoryCluster::new();
    let one = plain_node(&cluster).await;
    let bus = BadBus::new(cluster.backend().bus, Badness::default(), 1);
    let mute = node_on(&cluster, bus.clone()).await;
    let there = in_room(&one, made(99, "old")).await;
    bus.cut(true);
    mute.revoke(user_before(100)).await.expect("it answers");
    until("it is not read", || there.told.is_revoked()).await;
}

#[tokio::test(start_paused = true)]
async fn what_is_revoked_holds_after_the_directory_forgot_and_for_nodes_that_start_then() {
    let cluster = MemoryCluster::new();
    let nodes: [Node; 2] = plain_nodes(&cluster).await;
    nodes[0].revoke(user_before(100)).await.expect("it answers");
    let token = RevokeRequest::Token("lost".into());
    nodes[0].revoke(token).await.expect("it answers");
    until("it is not read", || nodes[1].revocation_count() == 2).await;
    cluster.forget();
    let directory = cluster.backend().directory;
    let began = Instant::now();
    loop {
        let page = directory.log_after(&Default::default()).await;
        let entries = page.expect("memory answers").entries;
        if entries.len() == 2 {
            break;
        }
        assert!(entries.len() < 2, "one node writes, once: {entries:?}");
        assert!(began.elapsed() < Duration::from_secs(60), "it stays lost");
        sleep(Duration::from_millis(100)).await;
    }
    let third = plain_node(&cluster).await;
    for node in nodes.iter().chain([&third]) {
        for credential in [made(99, "old"), made(200, "lost")] {
            let refused = comes(node, credential).await.err();
            assert_eq!(refused, Some(AttachError::Revoked));
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_session_that_is_revoked_as_it_comes_does_not_stay() {
    let cluster = MemoryCluster::new();
    let (node, directory) = faulty_node(&cluster).await;
    let mut admit = directory.hold("admit");
    let coming = comes(&node, made(99, "lost"));
    let meanwhile = async {
        admit.begun().await;
        let token = RevokeRequest::Token("lost".into());
        node.revoke(token).await.expect("it answers");
        admit.go_on();
    };
    let (came, ()) = tokio::join!(coming, meanwhile);
    assert_eq!(came.err(), Some(AttachError::Revoked));
}

#[tokio::test(start_paused = true)]
async fn another_token_of_the_same_user_saves_the_session_if_it_is_newer() {
    let cluster = MemoryCluster::new();
    let node = plain_node(&cluster).await;
    let [renewed, stale] = [
        in_room(&node, made(50, "a")).await,
        in_room(&node, made(50, "b")).await,
    ];
    assert!(node.refresh(&renewed.local, made(100, "c")).await);
    node.revoke(user_before(100)).await.expect("it answers");
    until("it goes on", || stale.told.is_revoked()).await;
    assert!(!renewed.told.is_revoked());
    assert!(
        !node.refresh(&renewed.local, made(99, "d")).await,
        "it is revoked"
    );
    assert!(!renewed.told.is_revoked(), "it goes on with what it had");
}

#[tokio::test(start_paused = true)]
async fn all_sessions_of_a_user_are_found_on_all_nodes() {
    let cluster = MemoryCluster::new();
    let nodes: [Node; 2] = plain_nodes(&cluster).await;
    let here = in_room(&nodes[0], made(1, "a")).await;
    let there = in_room(&nodes[1], made(1, "b")).await;
    there.loses_connection();
    let back = there.resume_on(&nodes[0]).await;
    let mut found = nodes[1].sessions_of(&alice()).await.expect("it answers");
    found.sort_by_key(|session| session.epoch);
    let found: Vec<_> = found
        .into_iter()
        .map(|session| (session.peer, session.node))
        .collect();
    let first = nodes[0].id().clone();
    assert_eq!(found, [(here.peer(), first.clone()), (back.peer(), first)]);
    let nobody = "nobody".parse().expect("a user id");
    assert_eq!(nodes[1].sessions_of(&nobody).await, Ok(Vec::new()));
}

#[tokio::test(start_paused = true)]
async fn a_session_whose_node_died_is_judged_by_what_its_client_had_shown() {
    let cluster = MemoryCluster::new();
    let survivor = plain_node(&cluster).await;
    let bob = Session::new(&survivor, true).await;
    bob.join("r").await.expect("bob gets in");
    let dying = plain_node(&cluster).await;
    let [old, new] = [
        in_room(&dying, made(99, "old")).await,
        in_room(&dying, made(100, "new")).await,
    ];
    // It has no time for anything, and is found dead.
    dying.stop(Duration::ZERO).await;
    for session in [&old, &new] {
        bob.told
            .until_connection(&session.peer(), Connection::Away)
            .await;
    }
    survivor.revoke(user_before(100)).await.expect("it answers");
    let reason = bob.told.until_left(&old.peer()).await;
    assert_eq!(reason, LeaveReason::Kicked);
    // Something else is revoked: the session of the newer token keeps its place.
    let other = RevokeRequest::Token("other".into());
    survivor.revoke(other).await.expect("it answers");
    sleep(Duration::from_secs(3)).await;
    let back = new.resume_on(&survivor).await;
    assert_eq!(back.rooms.len(), 1);
}

#[tokio::test(start_paused = true)]
async fn what_was_read_before_the_directory_failed_ends_sessions_all_the_same() {
    let cluster = MemoryCluster::new();
    let (node, directory) = faulty_node(&cluster).await;
    let there = in_room(&node, made(99, "lost")).await;
    let other = plain_node(&cluster).await;
    let token = RevokeRequest::Token("lost".into());
    other.revoke(token).await.expect("it answers");
    // The log is read from its start, which brings the token; then it fails to be written again.
    let known = RevokeRequest::Token("gone".into());
    node.revoke(known).await.expect("it answers");
    cluster.forget();
    directory.fail("restore_log");
    other
        .revoke(RevokeRequest::Token("lost".into()))
        .await
        .expect("it answers");
    until("it goes on", || there.told.is_revoked()).await;
}

#[tokio::test(start_paused = true)]
async fn a_long_log_is_written_again_without_gaps() {
    let cluster = MemoryCluster::new();
    let node = plain_node(&cluster).await;
    const COUNT: usize = 1200;
    for number in 0..COUNT {
        let token = RevokeRequest::Token(number.to_string().into());
        node.revoke(token).await.expect("it has room");
    }
    cluster.forget();
    let directory = cluster.backend().directory;
    let began = Instant::now();
    let mut count = 0;
    while count < COUNT {
        assert!(began.elapsed() < Duration::from_secs(60), "{count}");
        sleep(Duration::from_millis(100)).await;
        let page = directory.log_after(&Default::default()).await;
        count = page.expect("memory answers").entries.len();
    }
    assert_eq!(count, COUNT);
}

#[tokio::test(start_paused = true)]
async fn a_request_that_is_repeated_fills_no_log() {
    let cluster = MemoryCluster::new();
    let node = plain_node(&cluster).await;
    let peer = Session::new(&node, true).await.peer();
    // The log is read, and with it the clock.
    sleep(Duration::from_secs(2)).await;
    for request in [
        RevokeRequest::Token("lost".into()),
        RevokeRequest::Peer(peer),
        user_before(100),
    ] {
        let first = node.revoke(request.clone()).await.expect("it has room");
        for _ in 0..3 {
            let again = node.revoke(request.clone()).await.expect("it is known");
            assert_eq!(again.revoked, first.revoked);
        }
    }
    let directory = cluster.backend().directory;
    let log = directory.log_after(&Default::default()).await;
    assert_eq!(log.expect("memory answers").entries.len(), 3);
}

#[tokio::test(start_paused = true)]
async fn a_log_full_of_tokens_has_room_for_users() {
    let cluster = MemoryCluster::new();
    let node = plain_node(&cluster).await;
    let directory = cluster.backend().directory;
    for number in 0..REVOCATIONS_MAX / 10 * 9 {
        let new = NewRevocation {
            request: RevokeRequest::Token(number.to_string().into()),
            kept_s: 3600,
        };
        let entry = directory.revoke(&new).await.expect("memory answers");
        assert!(entry.is_some(), "{number}");
    }
    let token = RevokeRequest::Token("one more".into());
    assert_eq!(node.revoke(token).await, Err(RevokeError::Full));
    node.revoke(user_before(100)).await.expect("it has room");
}
