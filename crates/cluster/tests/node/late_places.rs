//! A node writes a place of an away session again, and the write arrives after the session has left the room elsewhere.

use std::sync::Arc;

use switchboard_cluster::Node;
use switchboard_cluster::memory::MemoryCluster;
use switchboard_protocol::server_message::LeaveReason;
use tokio::time::{Duration, sleep};

use crate::faulty_directory::{FaultyDirectory, Waiting};
use crate::partition::Partition;
use crate::rig::{
    Session, WINDOW, faulty_node, id, introduce, members, node, plain_node, settings,
};

/// Longer than a cycle of assertions and what follows it.
const LATER: Duration = Duration::from_secs(90);

/// Alice lost her connection to `one`, which is about to write her place again.
struct Late {
    cluster: MemoryCluster,
    one: Node,
    other: Node,
    directory: Arc<FaultyDirectory>,
    alice: Session,
    bob: Session,
    write: Waiting,
}

async fn late() -> Late {
    let cluster = MemoryCluster::new();
    let (one, directory) = faulty_node(&cluster).await;
    let other = plain_node(&cluster).await;
    let (alice, bob) = introduce(&one, &other).await;
    alice.loses_connection();
    let mut write = directory.hold("assert_member");
    write.begun().await;
    Late {
        cluster,
        one,
        other,
        directory,
        alice,
        bob,
        write,
    }
}

impl Late {
    /// She resumes on the other node, and leaves the room there.
    async fn leaves_elsewhere(&self) -> Session {
        let resumed = self.alice.resume_on(&self.other).await;
        let left = self.other.leave(&resumed.local, &id("r")).await;
        left.expect("memory answers");
        resumed
    }
}

/// Alice resumes, and is taken out of the room with `leave`, before the write of her former node arrives.
async fn a_write_crosses(on_its_own_node: bool, leave: impl AsyncFn(&Node, &Session)) {
    let late = late().await;
    let new = if on_its_own_node {
        &late.one
    } else {
        &late.other
    };
    let resumed = late.alice.resume_on(new).await;
    leave(new, &resumed).await;
    late.bob.told.until_left(&late.alice.peer()).await;
    late.write.go_on();
    sleep(Duration::from_millis(10)).await;
    assert_eq!(members(&late.cluster).await.len(), 2, "it arrives");
    sleep(LATER).await;
    assert_eq!(members(&late.cluster).await, [late.bob.peer()]);
    assert_eq!(
        late.bob.told.leaves(&late.alice.peer()).len(),
        2,
        "it is told"
    );
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
    let late = late().await;
    late.leaves_elsewhere().await;
    late.write.go_on();
    late.directory.cut(true);
    sleep(Duration::from_millis(10)).await;
    late.directory.cut(false);
    assert_eq!(members(&late.cluster).await.len(), 2, "it arrives");
    sleep(LATER).await;
    assert_eq!(members(&late.cluster).await, [late.bob.peer()]);
}

#[tokio::test(start_paused = true)]
async fn a_place_that_its_session_wants_is_left_alone() {
    let late = late().await;
    let resumed = late.leaves_elsewhere().await;
    late.write.go_on();
    sleep(Duration::from_millis(10)).await;
    resumed.join("r").await.expect("alice gets in again");
    let (alice, told) = (late.alice.peer(), &late.bob.told);
    let leaves = told.leaves(&alice).len();
    sleep(WINDOW + LATER).await;
    assert_eq!(told.leaves(&alice).len(), leaves);
    assert_eq!(members(&late.cluster).await.len(), 2);
}
