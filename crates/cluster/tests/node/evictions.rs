//! A user who has as many sessions as he may have comes with a new one.

use std::collections::BTreeMap;

use switchboard_cluster::memory::MemoryCluster;
use switchboard_cluster::{AttachError, Node, ResumeError};
use switchboard_protocol::server_message::LeaveReason;
use switchboard_protocol::{Connection, UserId};
use tokio::time::{Duration, sleep};

use crate::rig::{Kind, Session, faulty_node, node, plain_nodes, settings};

/// As the settings of these tests have it.
const SESSIONS: usize = 5;

async fn comes(node: &Node) -> Result<Session, AttachError> {
    let user: UserId = "alice".parse().expect("a user id");
    let kind = Kind {
        user: Some(user),
        ..Kind::default()
    };
    Session::try_of(node, kind).await
}

#[tokio::test(start_paused = true)]
async fn the_oldest_one_without_a_connection_makes_way_wherever_it_is_kept() {
    let cluster = MemoryCluster::new();
    let nodes: [Node; 2] = plain_nodes(&cluster).await;
    let bob = Session::new(&nodes[1], true).await;
    bob.join("r").await.expect("bob gets in");
    let mut former = Vec::new();
    // A page that is reloaded again and again, now here, now there.
    for round in 0..2 * SESSIONS {
        let page = comes(&nodes[round % 2]).await;
        let page = page.expect("there is a place, or one is made");
        page.join("r").await.expect("there is room");
        bob.told.until_joined(&page.peer()).await;
        page.loses_connection();
        let away = Connection::Away;
        bob.told.until_connection(&page.peer(), away).await;
        former.push(page);
    }
    for gone in &former[..SESSIONS] {
        let reason = bob.told.until_left(&gone.peer()).await;
        assert_eq!(reason, LeaveReason::Expired);
        let back = gone
            .try_to_resume(&nodes[1], &gone.secret(), BTreeMap::new())
            .await;
        assert_eq!(back.err(), Some(ResumeError::Refused));
    }
    // The others are kept as ever.
    for kept in &former[SESSIONS..] {
        kept.resume_on(&nodes[0]).await;
        let live = Connection::Live;
        bob.told.until_connection(&kept.peer(), live).await;
    }
    assert_eq!(
        comes(&nodes[0]).await.err(),
        Some(AttachError::TooManySessions)
    );
}

#[tokio::test(start_paused = true)]
async fn nobody_who_has_a_connection_makes_way() {
    let cluster = MemoryCluster::new();
    let nodes: [Node; 2] = plain_nodes(&cluster).await;
    let mut sessions = Vec::new();
    for round in 0..SESSIONS {
        let session = comes(&nodes[round % 2]).await;
        sessions.push(session.expect("there is a place"));
    }
    for node in &nodes {
        assert_eq!(comes(node).await.err(), Some(AttachError::TooManySessions));
    }
    // One that was away and is back has one, too.
    sessions[0].loses_connection();
    sessions[0] = sessions[0].resume_on(&nodes[1]).await;
    assert_eq!(
        comes(&nodes[0]).await.err(),
        Some(AttachError::TooManySessions)
    );
    assert!(sessions.iter().all(|session| !session.told.is_superseded()));
}

#[tokio::test(start_paused = true)]
async fn over_the_bound_of_bytes_the_youngest_expire_and_a_host_who_waits_keeps_his_room() {
    let cluster = MemoryCluster::new();
    let mut small = settings();
    small.away_bytes = 10_000;
    let one = node(cluster.backend(), small).await;
    let host = Session::new(&one, true).await;
    host.join("waiting").await.expect("there is room");
    host.loses_connection();
    let mut crowd = Vec::new();
    for round in 0..20 {
        // A clock tells them apart.
        std::thread::sleep(std::time::Duration::from_millis(2));
        let session = Session::new(&one, true).await;
        for room in 0..3 {
            let room = format!("room-{round}-{room}");
            session.join(&room).await.expect("there is room");
        }
        session.loses_connection();
        crowd.push(session);
        sleep(Duration::from_secs(1)).await;
    }
    assert!(one.away_bytes() <= 10_000, "{}", one.away_bytes());
    let mut kept = Vec::new();
    for session in &crowd {
        let back = session
            .try_to_resume(&one, &session.secret(), BTreeMap::new())
            .await;
        kept.push(back.is_ok());
    }
    // The first ones have kept their places; of the later ones, each has made way for nobody but those before it.
    assert_eq!(kept, [[true; 2].as_slice(), &[false; 18]].concat());
    let back = host.resume_on(&one).await;
    assert_eq!(back.rooms.len(), 1);
}

#[tokio::test(start_paused = true)]
async fn whoever_is_evicted_leaves_though_the_newcomer_is_not_let_in() {
    let cluster = MemoryCluster::new();
    let (one, directory) = faulty_node(&cluster).await;
    let bob = Session::new(&one, true).await;
    bob.join("r").await.expect("bob gets in");
    let page = comes(&one).await.expect("there is a place");
    page.join("r").await.expect("there is room");
    page.loses_connection();
    let away = Connection::Away;
    bob.told.until_connection(&page.peer(), away).await;
    let mut others = Vec::new();
    for _ in 1..SESSIONS {
        others.push(comes(&one).await.expect("there is a place"));
    }
    directory.fail("dismiss");
    let refused = comes(&one).await.err();
    assert!(refused.is_some_and(|why| why != AttachError::TooManySessions));
    let reason = bob.told.until_left(&page.peer()).await;
    assert_eq!(reason, LeaveReason::Expired);
    comes(&one).await.expect("the place is free");
}
