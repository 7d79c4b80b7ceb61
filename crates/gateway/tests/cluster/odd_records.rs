//! Somebody else, or a later release, writes into what the nodes keep in Redis.

use switchboard_protocol::Connection;

use crate::support::{Cluster, Peer, hear, still_well};

const ROOM: &str = "study-1";

fn unreadable(cluster: &Cluster, node: usize, kind: &str) -> f64 {
    let name = format!("switchboard_unreadable_records_total{{kind=\"{kind}\"}}");
    cluster.nodes[node].metric(&name)
}

#[tokio::test]
async fn an_odd_field_in_the_table_of_nodes_does_not_end_the_detection_of_dead_ones() {
    let mut cluster = Cluster::start(2, &["cluster.lease_ms=2000"]);
    let (_, text) = cluster.nodes[0].get("/metrics");
    assert!(
        text.contains("switchboard_unreadable_records_total{kind=\"lease\"} 0"),
        "{text}"
    );
    let mut alice = Peer::in_room(&cluster.nodes[0], ROOM).await;
    let bob = Peer::in_room(&cluster.nodes[1], ROOM).await;
    hear!(alice, Ready);
    cluster
        .redis
        .call(&["HSET", "sb:nodes", "odd", "not a number"]);
    for node in &cluster.nodes {
        // Its own as well: each mends that itself.
        let id = node.get("/health").1;
        let id = id
            .split_once("\"node\":\"")
            .and_then(|(_, rest)| rest.split_once('"'));
        let (id, _) = id.expect("a node says who it is");
        cluster.redis.call(&["HSET", "sb:nodes", id, "odd"]);
        node.wait_until("on its feet", |_| {
            cluster.redis.call(&["HGET", "sb:nodes", id]) != "odd"
        });
    }
    cluster.nodes[0].wait_until("aware of it", |_| unreadable(&cluster, 0, "lease") > 2.0);
    cluster.nodes[1].kill();
    let away = hear!(alice, MemberUpdated);
    assert_eq!(
        (away.peer, away.connection),
        (bob.id, Some(Connection::Away))
    );
    let log = cluster.nodes[0].log();
    let said = log.matches("what cannot be read is skipped").count();
    assert_eq!(said, 1, "once for all of a kind:\n{log}");
    still_well(&cluster.nodes[0]).await;
}

#[tokio::test]
async fn a_member_of_a_later_release_does_not_close_its_room_to_newcomers() {
    let cluster = Cluster::start(3, &[]);
    let mut alice = Peer::in_room(&cluster.nodes[0], ROOM).await;
    let mut bob = Peer::in_room(&cluster.nodes[1], ROOM).await;
    hear!(alice, Ready);
    let roster = cluster.redis.call(&["KEYS", "sb:*:room:study-1:roster"]);
    let record = cluster.redis.call(&["HGET", &roster, bob.id.as_str()]);
    let later = record.replacen("1 ", "2 ", 1) + "and more";
    cluster
        .redis
        .call(&["HSET", &roster, bob.id.as_str(), &later]);
    cluster.redis.call(&["HSET", &roster, "odd", "odd"]);

    // Nobody else is on this node: it reads the whole room.
    let mut carol = Peer::to(&cluster.nodes[2]).await;
    let joined = carol.try_join(ROOM, None).await.expect("the room is open");
    assert_eq!(joined.members.len(), 3, "{joined:?}");
    carol.exchange(&mut bob, ROOM).await;
    bob.exchange(&mut alice, ROOM).await;
    assert_eq!(
        cluster.redis.call(&["HGET", &roster, bob.id.as_str()]),
        later
    );
    assert!(unreadable(&cluster, 2, "member") > 0.0);
    bob.bye().await;
    hear!(carol, MemberLeft);
    still_well(&cluster.nodes[0]).await;
}
