//! Redis is not there when a gateway starts.

use switchboard_client::ConnectError;
use switchboard_protocol::PeerId;
use switchboard_testkit::RedisServer;

use crate::support::{Peer, hear, node, options, still_well};

#[tokio::test]
async fn a_node_without_redis_says_so_waits_and_comes_up_by_itself() {
    let mut redis = RedisServer::absent();
    let gateway = node(&redis, &[]);
    assert_eq!(gateway.get("/healthz").0, 200);
    let (status, body) = gateway.get("/readyz");
    assert_eq!(
        (status, body.contains("\"ready\":false")),
        (503, true),
        "{body}"
    );
    assert!(
        body.contains("Redis cannot be used yet") && body.contains(&redis.port().to_string()),
        "{body}"
    );
    assert!(
        gateway.metric("switchboard_ready") == 0.0
            && gateway.metric("switchboard_backend_up") == 0.0
    );
    match Peer::open(&options(&gateway)).await {
        Err(ConnectError::Closed(closed)) => assert!(
            closed.code == 4503 && closed.retry_after_ms.is_some(),
            "{closed}"
        ),
        Err(other) => panic!("{other}"),
        Ok(_) => panic!("was let in"),
    }
    gateway.wait_until("heard to complain", |gateway| {
        gateway
            .log()
            .contains("Redis does not answer: this node is not ready")
    });

    redis.restart();
    gateway.wait_until("ready", |gateway| gateway.get("/readyz").0 == 200);
    assert!(
        gateway.log().contains("this node serves"),
        "{}",
        gateway.log()
    );
    still_well(&gateway).await;
}

#[tokio::test]
async fn a_redis_that_wants_another_password_is_named_as_the_reason() {
    let redis = RedisServer::start_with(&["--requirepass", "secret"]);
    let gateway = node(&redis, &[]);
    gateway.wait_until("told why", |gateway| {
        gateway.get("/readyz").1.to_lowercase().contains("auth")
    });
    assert_eq!(gateway.get("/readyz").0, 503);
    assert_eq!(gateway.get("/healthz").0, 200);
}

#[tokio::test]
async fn two_nodes_that_waited_for_the_same_redis_find_each_other() {
    let mut redis = RedisServer::absent();
    let nodes = [node(&redis, &[]), node(&redis, &[])];
    redis.restart();
    for node in &nodes {
        node.wait_until("ready", |node| node.get("/readyz").0 == 200);
    }
    let room = format!("room-{}", PeerId::random());
    let mut alice = Peer::in_room(&nodes[0], &room).await;
    let mut bob = Peer::in_room(&nodes[1], &room).await;
    hear!(alice, MemberJoined);
    alice.exchange(&mut bob, &room).await;
}
