//! Masters that go, with others that take over: what a node sees of it.

use switchboard_cluster::backend::Reach;
use switchboard_cluster::{Backend, Inbox};
use switchboard_testkit::{RedisCluster, RedisSentinel};

use crate::people::{enter, node, room, roster};
use crate::redis_faults::{gap, is_lost, passes, reach};
use crate::stage::{connect_to, raw, reached, within};

/// A node that listens, after a first frame.
async fn listening(url: String) -> (Backend, Box<dyn Inbox>) {
    let backend = reached(connect_to(url)).await;
    let mut inbox = backend.bus.subscribe(&node("gw-a")).await.unwrap();
    passes(&backend, &mut *inbox).await;
    assert_eq!(*backend.doubts.borrow(), 0);
    (backend, inbox)
}

/// Waits until it goes on as before, and knows that it may not be as before.
async fn survives(backend: &Backend, inbox: &mut dyn Inbox) {
    reach(backend, Reach::is_reached).await;
    gap(inbox).await;
    passes(backend, inbox).await;
    let mut doubts = backend.doubts.clone();
    doubts.wait_for(|doubts| *doubts > 0).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_master_killed_under_sentinel_is_survived() {
    within(async {
        let mut sentinel = RedisSentinel::start();
        let (backend, mut inbox) = listening(sentinel.url()).await;
        let (_, before) = enter(&backend, "gw-a").await;
        tokio::task::block_in_place(|| sentinel.fail_over());
        survives(&backend, &mut *inbox).await;
        assert_eq!(roster(&backend).await, before);
        enter(&backend, "gw-a").await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_master_frozen_under_sentinel_is_survived_and_its_waking_too() {
    within(async {
        let mut sentinel = RedisSentinel::start();
        let (backend, mut inbox) = listening(sentinel.url()).await;
        tokio::task::block_in_place(|| sentinel.fail_over_frozen());
        reach(&backend, is_lost).await;
        survives(&backend, &mut *inbox).await;
        let (_, before) = enter(&backend, "gw-a").await;
        tokio::task::block_in_place(|| sentinel.bring_back());
        passes(&backend, &mut *inbox).await;
        assert_eq!(roster(&backend).await, before);
    })
    .await;
}

/// The slot of the channel on which these nodes listen, and the room's: each master of a Cluster has its part.
fn slot(key: &str) -> u16 {
    fred::util::redis_keyslot(key.as_bytes())
}

const CHANNEL: &str = "sb:node:gw-a";

#[tokio::test(flavor = "multi_thread")]
async fn of_a_cluster_any_master_may_be_killed() {
    for lost in 0..3 {
        within(async {
            let mut cluster = RedisCluster::start();
            let (backend, mut inbox) = listening(cluster.url()).await;
            let (_, before) = enter(&backend, "gw-a").await;
            tokio::task::block_in_place(|| cluster.kill_master(lost));
            survives(&backend, &mut *inbox).await;
            assert_eq!(roster(&backend).await, before);
            enter(&backend, "gw-a").await;
        })
        .await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_master_that_carries_the_channel_may_freeze_and_wake() {
    within(async {
        let mut cluster = RedisCluster::start();
        let (backend, mut inbox) = listening(cluster.url()).await;
        let carrier = cluster.master_of(slot(CHANNEL));
        tokio::task::block_in_place(|| cluster.freeze_master(carrier));
        survives(&backend, &mut *inbox).await;
        tokio::task::block_in_place(|| cluster.thaw(carrier));
        passes(&backend, &mut *inbox).await;
        enter(&backend, "gw-a").await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_channel_whose_slot_moves_is_heard_again() {
    within(async {
        let cluster = RedisCluster::start();
        let (backend, mut inbox) = listening(cluster.url()).await;
        let carrier = cluster.master_of(slot(CHANNEL));
        // No connection breaks: Redis only says `sunsubscribe`.
        cluster.move_empty_slot(slot(CHANNEL), (carrier + 1) % 3);
        gap(&mut *inbox).await;
        reach(&backend, Reach::is_reached).await;
        passes(&backend, &mut *inbox).await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn slots_that_move_are_a_doubt() {
    within(async {
        let cluster = RedisCluster::start();
        let (backend, _inbox) = listening(cluster.url()).await;
        let key = format!("sb:{{peer:{}}}", "x".repeat(20));
        let holder = cluster.master_of(slot(&key));
        cluster.move_empty_slot(slot(&key), (holder + 1) % 3);
        // Whoever asks there is sent on, and learns of it.
        let peer = "x".repeat(20).parse().unwrap();
        assert_eq!(backend.directory.peer(&peer).await, Ok(None));
        let mut doubts = backend.doubts.clone();
        doubts.wait_for(|doubts| *doubts > 0).await.unwrap();
        assert!(backend.directory.roster(&room()).await.is_ok());
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_whose_history_changes_under_its_connections_is_a_doubt() {
    within(async {
        let server = switchboard_testkit::RedisServer::start();
        let (backend, _inbox) = listening(server.url()).await;
        let other = switchboard_testkit::RedisServer::start();
        let port = other.port().to_string();
        server.call(&["REPLICAOF", "127.0.0.1", &port]);
        let client = raw(&server.url()).await;
        let follows = async || {
            let info: String = fred::interfaces::ClientLike::info(&client, None)
                .await
                .unwrap();
            info.contains("master_link_status:up")
        };
        while !follows().await {
            tokio::task::yield_now().await;
        }
        server.call(&["REPLICAOF", "NO", "ONE"]);
        let mut doubts = backend.doubts.clone();
        doubts.wait_for(|doubts| *doubts > 0).await.unwrap();
        reach(&backend, Reach::is_reached).await;
    })
    .await;
}
