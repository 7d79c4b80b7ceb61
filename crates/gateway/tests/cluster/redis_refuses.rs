//! Redis answers and takes no writes.

use switchboard_client::ConnectError;
use switchboard_testkit::{GatewayProcess, RedisServer};

use crate::support::{Cluster, Peer, hear, node, options, still_well};

const ROOM: &str = "study-1";
const REFUSE: [&str; 4] = ["CONFIG", "SET", "maxmemory", "1"];
const TAKE: [&str; 4] = ["CONFIG", "SET", "maxmemory", "0"];
const WHY: &str = "refuses what clients need: HSET (OOM";

async fn is_told_to_come_again(node: &GatewayProcess) {
    match Peer::open(&options(node)).await {
        Err(ConnectError::Closed(closed)) => assert!(
            closed.code == 4503 && closed.retry_after_ms.is_some(),
            "{closed}"
        ),
        Err(other) => panic!("{other}"),
        Ok(_) => panic!("was let in"),
    }
}

#[tokio::test]
async fn a_node_that_never_could_write_is_not_ready_and_says_why() {
    let redis = RedisServer::start();
    redis.call(&REFUSE);
    let gateway = node(&redis, &[]);
    gateway.wait_until("told why", |gateway| gateway.get("/readyz").1.contains(WHY));
    let (status, body) = gateway.get("/readyz");
    assert_eq!(status, 503, "{body}");
    assert!(body.contains("Redis cannot be used yet"), "{body}");
    is_told_to_come_again(&gateway).await;
    redis.call(&TAKE);
    gateway.wait_until("ready", |gateway| gateway.get("/readyz").0 == 200);
    still_well(&gateway).await;
}

#[tokio::test]
async fn where_all_are_refused_alike_all_stay_ready_name_it_and_carry_signals() {
    let cluster = Cluster::start(2, &["cluster.lease_ms=2000"]);
    let mut alice = Peer::in_room(&cluster.nodes[0], ROOM).await;
    let mut bob = Peer::in_room(&cluster.nodes[1], ROOM).await;
    hear!(alice, Ready);
    cluster.redis.call(&REFUSE);
    for node in &cluster.nodes {
        node.wait_until("aware of it", |node| {
            node.metric("switchboard_backend_up") == 0.0
        });
        is_told_to_come_again(node).await;
    }
    alice.exchange(&mut bob, ROOM).await;
    // Long enough for each to have asked the other.
    for node in &cluster.nodes {
        node.wait_until("without its lease for a while", |node| {
            node.metric("switchboard_lease_age_seconds") > 5.0
        });
        let (status, body) = node.get("/readyz");
        assert!(status == 200 && body.contains(WHY), "{status} {body}");
        assert_eq!(node.metric("switchboard_ready"), 1.0);
        let said = node.log().matches("clients are told to come again").count();
        assert_eq!(said, 1, "{}", node.log());
    }
    alice.exchange(&mut bob, ROOM).await;
    cluster.redis.call(&TAKE);
    for node in &cluster.nodes {
        node.wait_until("well again", |node| {
            node.metric("switchboard_backend_up") == 1.0
        });
        assert!(node.get("/readyz").1.contains("\"up\""));
        assert_eq!(node.metric("switchboard_nodes_reaped_total"), 0.0);
        still_well(node).await;
    }
    alice.exchange(&mut bob, ROOM).await;
}

#[tokio::test]
async fn a_node_that_alone_is_refused_is_not_ready_until_it_is_not() {
    let redis = RedisServer::start();
    redis.call(&[
        "ACL", "SETUSER", "limited", "on", ">word", "~*", "&*", "+@all",
    ]);
    let other = node(&redis, &[]);
    let url = format!("redis.url=redis://limited:word@127.0.0.1:{}", redis.port());
    let limited = GatewayProcess::start_ready(env!("CARGO_BIN_EXE_switchboard"), &[&url]);
    other.wait_until("ready", |node| node.get("/readyz").0 == 200);
    redis.call(&["ACL", "SETUSER", "limited", "-time"]);
    limited.wait_until("not ready", |node| node.get("/readyz").0 == 503);
    let (_, body) = limited.get("/readyz");
    assert!(
        body.contains("another one says that it can") && body.contains("TIME ("),
        "{body}"
    );
    assert_eq!(limited.get("/healthz").0, 200);
    assert_eq!(other.get("/readyz").0, 200);
    is_told_to_come_again(&limited).await;
    redis.call(&["ACL", "SETUSER", "limited", "+time"]);
    limited.wait_until("ready", |node| node.get("/readyz").0 == 200);
    still_well(&limited).await;
}
