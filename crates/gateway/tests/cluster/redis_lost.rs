//! Redis goes away under a gateway that had it.

use switchboard_client::ConnectError;
use switchboard_protocol::server_message::Reason;
use switchboard_protocol::{ErrorCode, ServerMessage};
use switchboard_testkit::{GatewayProcess, RedisServer};

use crate::support::{Cluster, Peer, SHORT_WINDOW, hear, options, still_well};

const ROOM: &str = "study-1";

#[tokio::test]
async fn without_redis_sockets_stay_and_an_empty_one_is_told_who_is_where() {
    let settings = [&["cluster.lease_ms=2000"], &SHORT_WINDOW[..]].concat();
    let mut cluster = Cluster::start(2, &settings);
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
    requests_are_answered(&mut alice, &bob).await;
    nobody_is_let_in(node, &bob).await;
    alice.ping().await;
    bob.ping().await;

    cluster.redis.restart();
    alice.join_at_last("another").await;
    alice.exchange(&mut bob, ROOM).await;
    bob.join_at_last("another").await;
    hear!(alice, MemberJoined, |joined| joined.room.as_str()
        == "another");
    alice.exchange(&mut bob, "another").await;
    assert_eq!(changes(&mut bob).await, [], "nobody was away or left");
    let mut former = bob.move_to(node).await;
    assert_eq!(former.closed().await.code, 4409);
    alice.exchange(&mut bob, ROOM).await;
    for node in &cluster.nodes {
        node.wait_until("ready", |node| {
            node.get("/readyz").0 == 200 && node.metric("switchboard_backend_up") == 1.0
        });
        still_well(node).await;
    }
}

/// A join is refused for now, and a signal is undelivered.
async fn requests_are_answered(alice: &mut Peer, bob: &Peer) {
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
}

/// Neither a newcomer nor one who wants to go on can be let in, and the latter's secret is as good as before.
async fn nobody_is_let_in(node: &GatewayProcess, bob: &Peer) {
    let ticket = bob.ticket();
    for options in [options(node), ticket.options(node)] {
        match Peer::open(&options).await {
            Err(ConnectError::Closed(closed)) => assert!(
                closed.code == 4503 && closed.retry_after_ms.is_some(),
                "{closed}"
            ),
            Err(other) => panic!("{other}"),
            Ok(_) => panic!("was let in"),
        }
    }
}

/// Who did not come, but went or changed.
async fn changes(peer: &mut Peer) -> Vec<ServerMessage> {
    let mut unasked = peer.unasked().await;
    unasked.retain(|message| {
        matches!(
            message,
            ServerMessage::MemberUpdated(_) | ServerMessage::MemberLeft(_)
        )
    });
    unasked
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
