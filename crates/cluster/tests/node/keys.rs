//! Nodes that came to have two keys agree on one, and what was made with the other is still good.

use std::collections::BTreeMap;

use switchboard_cluster::ResumeError;
use switchboard_cluster::memory::MemoryCluster;
use tokio::task::JoinSet;
use tokio::time::{Duration, Instant, sleep, timeout};

use crate::partition::Partition;
use crate::rig::{Session, WINDOW, id, introduce, node, plain_node, reach_one_another, settings};

/// Far less than nodes take to look at the key by themselves.
const SOON: Duration = Duration::from_secs(5);

async fn until_in_room(cluster: &MemoryCluster, members: usize) {
    let directory = cluster.backend().directory;
    let began = Instant::now();
    loop {
        let roster = directory.roster(&id("r")).await;
        if roster.is_ok_and(|roster| roster.members.len() >= members) {
            return;
        }
        assert!(began.elapsed() < WINDOW, "they are not written again");
        sleep(Duration::from_millis(100)).await;
    }
}

/// Redis restarts empty, and a new node, with a key of its own, serves before the others have found Redis again.
#[tokio::test(start_paused = true)]
async fn what_a_newcomer_made_with_its_key_is_good_after_others_have_insisted_on_theirs() {
    let cluster = MemoryCluster::new();
    let ways = [(); 2].map(|()| Partition::of(&cluster));
    let one = node(ways[0].backend(&cluster), settings()).await;
    let other = node(ways[1].backend(&cluster), settings()).await;
    let (alice, bob) = introduce(&one, &other).await;
    ways.iter().for_each(|way| way.cut(true));
    cluster.forget();
    let newcomer = plain_node(&cluster).await;
    let carol = Session::new(&newcomer, true).await;
    let secret_of_carol = carol.secret();

    ways.iter().for_each(|way| way.cut(false));
    until_in_room(&cluster, 2).await;
    // The newcomer has not looked at the key since.
    carol.join("r").await.expect("carol gets in");
    timeout(SOON, bob.told.until_joined(&carol.peer()))
        .await
        .expect("bob's node takes the newcomer's frames");
    reach_one_another(&carol, &bob).await;

    alice.loses_connection();
    let alice = alice.resume_on(&newcomer).await;
    carol.loses_connection();
    let resumed = carol.try_to_resume(&other, &secret_of_carol, BTreeMap::new());
    let carol = resumed.await.expect("an earlier key's secret is good");
    reach_one_another(&alice, &carol).await;
}

#[tokio::test(start_paused = true)]
async fn many_wrong_secrets_at_once_do_not_each_have_the_key_asked_for() {
    let cluster = MemoryCluster::new();
    let way = Partition::of(&cluster);
    let one = node(way.backend(&cluster), settings()).await;
    let alice = Session::new(&one, true).await;
    let wrong = alice.secret();
    let asked = way.keys_asked();
    way.answer_late("cluster_key", Duration::from_secs(1));
    let mut resuming = JoinSet::new();
    for _ in 0..20 {
        let other = Session::new(&one, true).await;
        let (node, wrong) = (one.clone(), wrong.clone());
        resuming.spawn(async move {
            let resumed = other.try_to_resume(&node, &wrong, BTreeMap::new());
            resumed.await.err()
        });
    }
    for refused in resuming.join_all().await {
        assert_eq!(refused, Some(ResumeError::Refused));
    }
    // One that came while it was asked for could not rely on that answer.
    assert_eq!(way.keys_asked() - asked, 2);
}
