//! A panic costs what it was in, and is counted; only in a task that the node cannot do without, it is the node's end.

use std::sync::Arc;

use parking_lot::Mutex;
use switchboard_cluster::memory::MemoryCluster;
use switchboard_cluster::{Backend, Node, Observation, Observe, ResumeError, Task};
use switchboard_protocol::Connection;
use switchboard_protocol::server_message::{LeaveReason, Reason};
use tokio::time::{Duration, timeout};

use crate::faulty_directory::FaultyDirectory;
use crate::rig::{Session, introduce, observed, plain_node, reach_one_another, settings};

/// What panicked.
#[derive(Default)]
struct Panics(Mutex<Vec<Task>>);

impl Observe for Panics {
    fn observe(&self, observation: Observation) {
        if let Observation::Panicked(task) = observation {
            self.0.lock().push(task);
        }
    }
}

impl Panics {
    async fn until(&self, expected: &[Task]) {
        let panicked = async {
            while *self.0.lock() != expected {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        };
        let seen = timeout(Duration::from_secs(300), panicked).await;
        assert!(seen.is_ok(), "{:?}", self.0.lock());
    }
}

/// A node of `cluster` that panics where it is told to.
async fn node(cluster: &MemoryCluster) -> (Node, Arc<FaultyDirectory>, Arc<Panics>) {
    let directory = FaultyDirectory::new(cluster.backend().directory);
    let backend = Backend {
        directory: directory.clone(),
        ..cluster.backend()
    };
    let panics = Arc::new(Panics::default());
    let node = observed(backend, settings(), panics.clone()).await;
    (node, directory, panics)
}

async fn goes_on(node: &Node) {
    let raised = timeout(Duration::from_secs(10), node.alarm().raised()).await;
    assert!(raised.is_err(), "{raised:?}");
}

#[tokio::test(start_paused = true)]
async fn one_envelope_is_skipped_and_those_behind_it_are_not() {
    let cluster = MemoryCluster::new();
    let (node, _, panics) = node(&cluster).await;
    let other = plain_node(&cluster).await;
    let (alice, bob) = introduce(&other, &node).await;
    bob.told.trip();
    alice.signal("r", Some(bob.peer()));
    panics.until(&[Task::Reader]).await;
    let second = alice.signal("r", Some(bob.peer()));
    bob.until_signals(1).await;
    assert_eq!(bob.told.signals(), [second]);
    goes_on(&node).await;
}

#[tokio::test(start_paused = true)]
async fn a_room_that_panicked_is_read_again() {
    let cluster = MemoryCluster::new();
    let (node, _, panics) = node(&cluster).await;
    let other = plain_node(&cluster).await;
    let (alice, bob) = introduce(&node, &other).await;
    // Of carol's coming alice is not told, and the node has her all the same.
    alice.told.trip();
    let carol = Session::new(&other, true).await;
    carol.join("r").await.expect("carol gets in");
    panics.until(&[Task::Reader]).await;
    carol.departs(LeaveReason::Left);
    assert_eq!(
        alice.told.until_left(&carol.peer()).await,
        LeaveReason::Left
    );
    let dave = Session::new(&other, true).await;
    dave.join("r").await.expect("dave gets in");
    alice.told.until_joined(&dave.peer()).await;
    reach_one_another(&alice, &bob).await;
    goes_on(&node).await;
}

#[tokio::test(start_paused = true)]
async fn one_session_that_cannot_be_asserted_or_leave_holds_up_no_other() {
    let cluster = MemoryCluster::new();
    let (node, directory, panics) = node(&cluster).await;
    let (alice, bob) = introduce(&node, &node).await;
    directory.panic_in("assert_peer");
    cluster.forget();
    panics.until(&[Task::Assertion]).await;
    reach_one_another(&alice, &bob).await;
    // Whoever was skipped is asserted in the next cycle.
    while cluster.backend().directory.peer(&alice.peer()).await == Ok(None)
        || cluster.backend().directory.peer(&bob.peer()).await == Ok(None)
    {
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
    directory.panic_in("leave");
    bob.departs(LeaveReason::Left);
    panics.until(&[Task::Assertion, Task::Departure]).await;
    // What is left of it is a ghost, which is found.
    assert_eq!(
        alice.told.until_left(&bob.peer()).await,
        LeaveReason::Disconnected
    );
    goes_on(&node).await;
    alice.departs(LeaveReason::Left);
    assert!(node.stop(Duration::from_secs(60)).await);
}

#[tokio::test(start_paused = true)]
async fn a_session_whose_resumption_panics_is_away_and_resumes_again() {
    let cluster = MemoryCluster::new();
    let (node, directory, panics) = node(&cluster).await;
    let (alice, bob) = introduce(&node, &node).await;
    bob.loses_connection();
    alice
        .told
        .until_connection(&bob.peer(), Connection::Away)
        .await;
    directory.panic_in("take_over");
    let secret = bob.secret();
    let refused = bob.try_to_resume(&node, &secret, [].into()).await;
    assert_eq!(refused.err(), Some(ResumeError::Unavailable));
    panics.until(&[Task::Attach]).await;
    let bob = bob.try_to_resume(&node, &secret, [].into()).await;
    let bob = bob.expect("the secret is good");
    reach_one_another(&alice, &bob).await;
    goes_on(&node).await;
}

#[tokio::test(start_paused = true)]
async fn a_vital_task_that_panics_raises_the_alarm() {
    let cluster = MemoryCluster::new();
    let (node, directory, panics) = node(&cluster).await;
    // Between two sessions, in the cycle itself.
    directory.panic_in("closed_buckets");
    cluster.forget();
    let raised = timeout(Duration::from_secs(300), node.alarm().raised()).await;
    assert_eq!(raised, Ok("assertion"));
    panics.until(&[Task::Assertion]).await;
}

#[tokio::test(start_paused = true)]
async fn a_session_whose_deadlines_panicked_has_later_ones() {
    let cluster = MemoryCluster::new();
    let (node, _, panics) = node(&cluster).await;
    let (alice, bob) = introduce(&node, &node).await;
    alice.signal("r", Some(bob.peer()));
    bob.until_signals(1).await;
    alice.told.trip();
    panics.until(&[Task::Sweeper]).await;
    // Bob says of none that he has handled it.
    let second = alice.signal("r", Some(bob.peer()));
    alice.until_answered(1).await;
    let answers = alice.told.answers();
    assert_eq!(answers, [(second, Some(Reason::Unconfirmed))]);
    goes_on(&node).await;
}
