//! A gateway stops for longer than its lease, and wakes up.

use serde_json::json;
use switchboard_protocol::Connection;

use crate::support::{Cluster, Peer, Raw, hear, still_well};

const ROOM: &str = "study-1";

/// Alice's node is frozen until Bob, on the other one, has seen her away.
async fn freeze() -> (Cluster, Peer, Peer) {
    let cluster = Cluster::start(2, &["cluster.lease_ms=2000"]);
    let mut alice = Peer::in_room(&cluster.nodes[0], ROOM).await;
    let mut bob = Peer::in_room(&cluster.nodes[1], ROOM).await;
    hear!(alice, Ready);
    hear!(bob, Ready);
    cluster.nodes[0].pause();
    is_now(&mut bob, &alice, Connection::Away).await;
    (cluster, alice, bob)
}

async fn is_now(peer: &mut Peer, other: &Peer, connection: Connection) {
    let updated = hear!(peer, MemberUpdated);
    assert_eq!(
        (updated.peer, updated.connection),
        (other.id, Some(connection))
    );
}

#[tokio::test]
async fn a_node_that_was_frozen_has_its_sessions_again_over_the_connections_they_had() {
    let (cluster, mut alice, mut bob) = freeze().await;
    let [frozen, other] = &cluster.nodes[..] else {
        panic!("two nodes were started")
    };
    let waiting = bob.signal(ROOM, Some(alice.id), "offer", "1");
    frozen.resume();
    is_now(&mut bob, &alice, Connection::Live).await;
    assert_eq!(hear!(alice, Signal).id, waiting);
    alice
        .connection
        .flush()
        .await
        .expect("a receipt is written");
    assert_eq!(
        bob.answers(1).await,
        [(waiting, alice.id.to_string(), Ok(()))]
    );
    frozen.wait_until("ready again", |node| node.get("/readyz").0 == 200);
    assert!(frozen.metric("switchboard_leases_lost_total") >= 1.0);
    assert!(other.metric("switchboard_nodes_reaped_total") >= 1.0);
    alice.exchange(&mut bob, ROOM).await;
    alice.bye().await;
    hear!(bob, MemberLeft);
    for node in &cluster.nodes {
        still_well(node).await;
    }
}

#[tokio::test]
async fn a_node_that_was_frozen_lets_go_of_a_session_that_moved_meanwhile() {
    let (cluster, mut alice, mut bob) = freeze().await;
    let [frozen, other] = &cluster.nodes[..] else {
        panic!("two nodes were started")
    };
    let mut former = alice.move_to(other).await;
    is_now(&mut bob, &alice, Connection::Live).await;
    alice.exchange(&mut bob, ROOM).await;

    frozen.resume();
    assert_eq!(former.closed().await.code, 4409);
    frozen.wait_until("ready again", |node| node.get("/readyz").0 == 200);
    alice.exchange(&mut bob, ROOM).await;
    assert_eq!(bob.unasked().await, [], "nothing happened in the room");
    for node in &cluster.nodes {
        still_well(node).await;
    }
}

#[tokio::test]
async fn what_a_client_said_to_a_frozen_node_before_it_gave_up_moves_nothing() {
    const CLOSE: u8 = 8;
    let cluster = Cluster::start(2, &[]);
    let [own, frozen] = &cluster.nodes[..] else {
        panic!("two nodes were started")
    };
    let mut alice = Peer::in_room(own, ROOM).await;
    let ticket = alice.ticket();
    let mut attempt = Raw::open(frozen, "/v1/connect", &[]);
    frozen.pause();
    let hello = json!({
        "type": "hello",
        "receipts": true,
        "resume": { "peer": ticket.peer, "secret": ticket.secret, "seen": {} },
    });
    attempt.text(&hello.to_string());
    attempt.send(CLOSE, &1000u16.to_be_bytes());
    drop(attempt);
    frozen.resume();
    frozen.wait_until("done with the attempt", |node| {
        let [came, there] = ["switchboard_connections_total", "switchboard_connections"];
        node.metric(came) == 1.0 && node.metric(there) == 0.0
    });
    assert_eq!(
        frozen.metric("switchboard_resumes_total{outcome=\"resumed\"}"),
        0.0
    );
    assert_eq!(alice.unasked().await, [], "she was not sent away");
    alice.bye().await;
}
