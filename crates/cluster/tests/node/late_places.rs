//! A node writes a place of an away session again, and the write arrives after the session has left the room elsewhere.

use switchboard_cluster::Node;
use switchboard_cluster::memory::MemoryCluster;
use switchboard_protocol::server_message::LeaveReason;
use tokio::time::{Duration, sleep};

use crate::partition::Partition;
use crate::rig::{Session, WINDOW, faulty_node, id, introduce, node, plain_node, settings};

/// Longer than a cycle of assertions and what follows it.
const LATER: Duration = Duration::from_secs(90);

async fn members(cluster: &MemoryCluster) -> Vec<switchboard_protocol::PeerId> {
    let roster = cluster.backend().directory.roster(&id("r")).await;
    let members = roster.expect("it is open").members;
    members.iter().map(|member| member.peer).collect()
}

/// Whoever resumes alice's session takes it out of the room with `leave`, before the write of its former node arrives.
async fn a_write_crosses(on_its_own_node: bool, leave: impl AsyncFn(&Node, &Session)) {
    let cluster = MemoryCluster::new();
    let (one, directory) = faulty_node(&cluster).await;
    let other = plain_node(&cluster).await;
    let (alice, bob) = introduce(&one, &other).await;
    alice.loses_connection();
    let mut late = directory.hold("assert_member");
    late.begun().await;
    let new = if on_its_own_node { &one } else { &other };
    let resumed = alice.resume_on(new).await;
    leave(new, &resumed).await;
    bob.told.until_left(&alice.peer()).await;
    late.go_on();
    sleep(Duration::from_millis(10)).await;
    assert_eq!(members(&cluster).await.len(), 2, "it arrives");
    sleep(LATER).await;
    assert_eq!(members(&cluster).await, [bob.peer()]);
    assert_eq!(bob.told.leaves(&alice.peer()).len(), 2, "it is told");
}

#[tokio::test(start_paused = true)]
async fn of_a_session_that_has_left_the_room_it_is_taken_out_again() {
    for on_its_own_node in [false, true] {
        a_write_crosses(on_its_own_node, async |node, session| {
            let left = node.leave(&session.local, &id("r")).await;
            left.expect("memory answers");
        })
        .await;
    }
}

#[tokio::test(start_paused = true)]
async fn of_a_session_that_has_ended_it_is_taken_out_again() {
    for on_its_own_node in [false, true] {
        a_write_crosses(on_its_own_node, async |_, session| {
            session.departs(LeaveReason::Left);
        })
        .await;
    }
}

/// Its node was taken for dead, and the session leaves the room as soon as its node is back, under the same epoch.
#[tokio::test(start_paused = true)]
async fn of_a_session_that_was_connected_all_the_time_it_is_taken_out_again() {
    let cluster = MemoryCluster::new();
    let way = Partition::of(&cluster);
    let own = node(way.backend(&cluster), settings()).await;
    let (keeper, keepers) = faulty_node(&cluster).await;
    let alice = Session::new(&own, true).await;
    alice.join("r").await.expect("alice gets in");
    way.cut(true);
    keepers.hold("hand_over").begun().await;
    let mut late = keepers.hold("assert_member");
    late.begun().await;
    assert_eq!(keeper.away_count(), 1);
    way.cut(false);
    let left = own.leave(&alice.local, &id("r")).await;
    left.expect("memory answers");
    late.go_on();
    sleep(Duration::from_millis(10)).await;
    assert_eq!(members(&cluster).await, [alice.peer()], "it arrives");
    sleep(LATER).await;
    assert_eq!(members(&cluster).await, []);
    assert_eq!(keeper.away_count(), 0);
}

/// The write takes effect, and its answer is lost.
#[tokio::test(start_paused = true)]
async fn also_where_the_node_does_not_know_that_it_arrived() {
    let cluster = MemoryCluster::new();
    let (one, directory) = faulty_node(&cluster).await;
    let other = plain_node(&cluster).await;
    let (alice, bob) = introduce(&one, &other).await;
    alice.loses_connection();
    let mut late = directory.hold("assert_member");
    late.begun().await;
    let resumed = alice.resume_on(&other).await;
    let left = other.leave(&resumed.local, &id("r")).await;
    left.expect("memory answers");
    late.go_on();
    directory.cut(true);
    sleep(Duration::from_millis(10)).await;
    directory.cut(false);
    assert_eq!(members(&cluster).await.len(), 2, "it arrives");
    sleep(LATER).await;
    assert_eq!(members(&cluster).await, [bob.peer()]);
}

#[tokio::test(start_paused = true)]
async fn a_place_that_its_session_wants_is_left_alone() {
    let cluster = MemoryCluster::new();
    let (one, directory) = faulty_node(&cluster).await;
    let other = plain_node(&cluster).await;
    let (alice, bob) = introduce(&one, &other).await;
    alice.loses_connection();
    let mut late = directory.hold("assert_member");
    late.begun().await;
    let resumed = alice.resume_on(&other).await;
    let left = other.leave(&resumed.local, &id("r")).await;
    left.expect("memory answers");
    late.go_on();
    sleep(Duration::from_millis(10)).await;
    resumed.join("r").await.expect("alice gets in again");
    let leaves = bob.told.leaves(&alice.peer()).len();
    sleep(WINDOW + LATER).await;
    assert_eq!(bob.told.leaves(&alice.peer()).len(), leaves);
    assert_eq!(members(&cluster).await.len(), 2);
}
