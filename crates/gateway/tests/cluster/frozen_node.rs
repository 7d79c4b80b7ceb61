//! A gateway stops for longer than its lease, and wakes up.

use switchboard_protocol::server_message::LeaveReason;

use crate::support::{Cluster, Peer, hear, still_well};

const ROOM: &str = "study-1";

#[tokio::test]
async fn a_node_that_was_frozen_lets_go_of_its_sessions_and_serves_again() {
    let cluster = Cluster::start(2, &["cluster.lease_ms=2000"]);
    let [frozen, other] = &cluster.nodes[..] else {
        panic!("two nodes were started")
    };
    let mut alice = Peer::in_room(frozen, ROOM).await;
    let mut bob = Peer::in_room(other, ROOM).await;
    frozen.pause();
    let left = hear!(bob, MemberLeft);
    assert_eq!((left.peer, left.reason), (alice.id, LeaveReason::NodeLost));

    frozen.resume();
    let closed = alice.closed().await;
    assert_eq!(closed.code, 1001, "{closed}");
    frozen.wait_until("ready again", |node| node.get("/readyz").0 == 200);
    assert!(frozen.metric("switchboard_leases_lost_total") >= 1.0);

    let mut alice = Peer::in_room(frozen, ROOM).await;
    hear!(bob, MemberJoined);
    alice.exchange(&mut bob, ROOM).await;
    assert!(other.metric("switchboard_nodes_reaped_total") >= 1.0);
    still_well(frozen).await;
    still_well(other).await;
}
