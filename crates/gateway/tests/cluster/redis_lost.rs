//! Redis goes away under a gateway that had it.

use switchboard_client::ConnectError;
use switchboard_protocol::ErrorCode;
use switchboard_protocol::server_message::Reason;
use switchboard_testkit::RedisServer;

use crate::support::{Cluster, Peer, hear, options, still_well};

const ROOM: &str = "study-1";

#[tokio::test]
async fn without_redis_sockets_stay_and_with_an_empty_one_clients_come_again() {
    let mut cluster = Cluster::start(
        2,
        &["cluster.lease_ms=2000", "session.delivery_deadline_ms=1500"],
    );
    let mut alice = Peer::in_room(&cluster.nodes[0], ROOM).await;
    let mut bob = Peer::in_room(&cluster.nodes[1], ROOM).await;
    hear!(alice, Ready);
    cluster.redis.kill();
    let node = &cluster.nodes[0];
    node.wait_until("aware of it", |node| {
        node.metric("switchboard_backend_up") == 0.0
    });

    assert_eq!(node.get("/healthz").0, 200);
    let (status, body) = node.get("/readyz");
    assert_eq!(
        (
            status,
            body.contains("\"ready\":true"),
            body.contains("\"up\"")
        ),
        (200, true, false),
        "{body}"
    );
    let error = alice
        .try_join("another", None)
        .await
        .expect_err("nobody can say who is in");
    assert_eq!(
        (error.code, error.retry_after_ms.is_some()),
        (ErrorCode::Unavailable, true),
        "{error:?}"
    );
    let lost = alice.signal(ROOM, Some(bob.id), "offer", "1");
    let answer = alice.answers(1).await.remove(0);
    assert_eq!(
        (answer.0, answer.2),
        (lost, Err(Reason::Unavailable)),
        "it was never published"
    );
    match Peer::open(&options(node)).await {
        Err(ConnectError::Closed(closed)) => assert!(
            closed.code == 4503 && closed.retry_after_ms.is_some(),
            "{closed}"
        ),
        Err(other) => panic!("{other}"),
        Ok(_) => panic!("was let in"),
    }
    alice.ping().await;
    bob.ping().await;

    // Stage A: what Redis forgot is not told to it again, so the sessions have to come again.
    cluster.redis.restart();
    for peer in [&mut alice, &mut bob] {
        assert_eq!(peer.closed().await.code, 1001);
    }
    for node in &cluster.nodes {
        node.wait_until("ready", |node| {
            node.get("/readyz").0 == 200 && node.metric("switchboard_backend_up") == 1.0
        });
        still_well(node).await;
    }
    let mut alice = Peer::in_room(&cluster.nodes[0], ROOM).await;
    let mut bob = Peer::in_room(&cluster.nodes[1], ROOM).await;
    hear!(alice, Ready);
    alice.exchange(&mut bob, ROOM).await;
}

#[tokio::test]
async fn a_frozen_redis_that_goes_on_costs_nobody_the_connection() {
    let cluster = Cluster::start(2, &["cluster.lease_ms=2000"]);
    let mut alice = Peer::in_room(&cluster.nodes[0], ROOM).await;
    let mut bob = Peer::in_room(&cluster.nodes[1], ROOM).await;
    hear!(alice, Ready);
    cluster.redis.pause();
    let sent = alice.signal(ROOM, Some(bob.id), "offer", "1");
    alice.connection.flush().await.expect("the gateway reads");
    for node in &cluster.nodes {
        node.wait_until("aware of it", |node| {
            node.metric("switchboard_backend_up") == 0.0
        });
    }
    cluster.redis.resume();
    assert_eq!(hear!(bob, Signal).id, sent);
    bob.connection.flush().await.expect("a receipt is written");
    assert_eq!(alice.answers(1).await, [(sent, bob.id.to_string(), Ok(()))]);
    alice.exchange(&mut bob, ROOM).await;
    for node in &cluster.nodes {
        node.wait_until("well again", |node| {
            node.metric("switchboard_backend_up") == 1.0
        });
        assert!(
            node.metric("switchboard_nodes_reaped_total") == 0.0,
            "time without Redis makes nobody dead"
        );
    }
}

#[tokio::test]
async fn a_redis_that_comes_back_with_its_data_costs_nobody_the_connection() {
    let redis = RedisServer::start_with(&["--appendonly", "yes", "--appendfsync", "always"]);
    let mut cluster = Cluster::around(redis, 2, &["cluster.lease_ms=2000"]);
    let mut alice = Peer::in_room(&cluster.nodes[0], ROOM).await;
    let mut bob = Peer::in_room(&cluster.nodes[1], ROOM).await;
    hear!(alice, Ready);
    cluster.redis.kill();
    for node in &cluster.nodes {
        node.wait_until("aware of it", |node| {
            node.metric("switchboard_backend_up") == 0.0
        });
    }
    let sent = alice.signal(ROOM, Some(bob.id), "offer", "1");
    alice.ping().await;
    cluster.redis.restart();
    assert_eq!(hear!(bob, Signal).id, sent, "it waited for Redis");
    bob.connection.flush().await.expect("a receipt is written");
    assert_eq!(alice.answers(1).await, [(sent, bob.id.to_string(), Ok(()))]);
    alice.join("another").await;
    alice.exchange(&mut bob, ROOM).await;
}
