//! The servers that `SWITCHBOARD_TEST_REDIS_SERVERS` names, beside the Redis that is installed: older ones, and Valkey.

use switchboard_testkit::RedisServer;

use crate::support::{Cluster, Peer, hear, still_well};

const ROOM: &str = "study-1";

#[tokio::test]
async fn two_nodes_serve_over_each_other_server_also_after_it_was_killed() {
    for program in RedisServer::other_servers() {
        println!("{}", program.display());
        let redis = RedisServer::start_program(&program);
        let mut cluster = Cluster::around(redis, 2, &["cluster.lease_ms=2000"]);
        let mut alice = Peer::in_room(&cluster.nodes[0], ROOM).await;
        let mut bob = Peer::in_room(&cluster.nodes[1], ROOM).await;
        hear!(alice, Ready);
        alice.exchange(&mut bob, ROOM).await;
        cluster.redis.kill();
        let node = &cluster.nodes[0];
        node.wait_until("aware of it", |node| {
            node.metric("switchboard_backend_up") == 0.0
        });
        cluster.redis.restart();
        alice.exchange(&mut bob, ROOM).await;
        bob.join_at_last("another").await;
        alice.join_at_last("another").await;
        alice.exchange(&mut bob, "another").await;
        for node in &cluster.nodes {
            still_well(node).await;
        }
    }
}
