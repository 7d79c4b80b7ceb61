//! Redis absent, killed, frozen, or refusing: what a node sees of it.

use std::time::{Duration, Instant};

use bytes::Bytes;
use fred::clients::Client;
use fred::cmd;
use fred::interfaces::ClientLike;
use switchboard_cluster::backend::Reach;
use switchboard_cluster::redis::{self, ConfigError, RedisConfig};
use switchboard_cluster::{Backend, BusEvent, DirectoryError, Inbox};
use switchboard_protocol::PeerId;
use switchboard_testkit::RedisServer;
use tokio::time::sleep;

use crate::people::{node, room};
use crate::stage::{connect, open_buckets, raw, reached, within};

/// Waits until what is known of Redis is as wanted; that.
pub(crate) async fn reach(backend: &Backend, wanted: impl Fn(&Reach) -> bool) -> Reach {
    backend
        .reach
        .clone()
        .wait_for(|reach| wanted(reach))
        .await
        .expect("the backend lives")
        .clone()
}

pub(crate) fn is_lost(reach: &Reach) -> bool {
    matches!(reach, Reach::Lost(_))
}

/// Reads up to the next gap.
pub(crate) async fn gap(inbox: &mut dyn Inbox) {
    while inbox.next().await.expect("the bus lives") != BusEvent::Gap {}
}

/// Publishes until one arrives, as a link does.
pub(crate) async fn passes(backend: &Backend, inbox: &mut dyn Inbox) {
    let frame = Bytes::from_static(b"here I am");
    while backend.bus.publish(&node("gw-a"), frame.clone()).await != Ok(1) {
        tokio::task::yield_now().await;
    }
    while inbox.next().await.expect("the bus lives") != BusEvent::Frame(frame.clone()) {}
}

async fn fails_at_once(backend: &Backend) {
    let since = Instant::now();
    let error = backend
        .directory
        .roster(&room())
        .await
        .expect_err("Redis is not there");
    assert!(matches!(error, DirectoryError::Unavailable(_)), "{error}");
    backend.leases.read().await.expect_err("Redis is not there");
    backend
        .bus
        .publish(&node("gw-a"), Bytes::new())
        .await
        .expect_err("Redis is not there");
    assert!(
        since.elapsed() < Duration::from_secs(2),
        "{:?}",
        since.elapsed()
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn redis_killed_and_back_is_lost_and_reached_with_a_gap() {
    within(async {
        let mut server = RedisServer::start();
        let backend = reached(connect(&server)).await;
        open_buckets(&backend).await;
        let mut inbox = backend.bus.subscribe(&node("gw-a")).await.unwrap();
        passes(&backend, &mut *inbox).await;

        server.kill();
        let Reach::Lost(why) = reach(&backend, is_lost).await else {
            unreachable!("it was waited for")
        };
        assert!(
            why.contains(&format!("127.0.0.1:{}", server.port())),
            "{why}"
        );
        fails_at_once(&backend).await;

        server.restart();
        reach(&backend, Reach::is_reached).await;
        gap(&mut *inbox).await;
        passes(&backend, &mut *inbox).await;
        // It came back without its memory. A connection of its own may need a moment longer than the first.
        let roster = loop {
            match backend.directory.roster(&room()).await {
                Err(DirectoryError::Unavailable(_)) => sleep(Duration::from_millis(20)).await,
                roster => break roster,
            }
        };
        assert_eq!(roster, Err(DirectoryError::Forgotten));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn redis_absent_at_start_is_said_and_comes_up_by_itself() {
    within(async {
        let mut server = RedisServer::absent();
        let backend = connect(&server);
        let refused = |reach: &Reach| matches!(reach, Reach::Never(why) if why.ends_with("Connection refused"));
        reach(&backend, refused).await;
        fails_at_once(&backend).await;
        assert!(backend.bus.subscribe(&node("gw-a")).await.is_err());

        server.restart();
        let backend = reached(backend).await;
        let mut inbox = backend.bus.subscribe(&node("gw-a")).await.unwrap();
        passes(&backend, &mut *inbox).await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_frozen_redis_is_lost_until_it_goes_on() {
    within(async {
        let server = RedisServer::start();
        let backend = reached(connect(&server)).await;
        let mut inbox = backend.bus.subscribe(&node("gw-a")).await.unwrap();
        server.pause();
        let since = Instant::now();
        backend
            .directory
            .peer(&PeerId::random())
            .await
            .expect_err("Redis is frozen");
        assert!(
            since.elapsed() < Duration::from_secs(4),
            "{:?}",
            since.elapsed()
        );
        reach(&backend, is_lost).await;
        fails_at_once(&backend).await;
        server.resume();
        reach(&backend, Reach::is_reached).await;
        passes(&backend, &mut *inbox).await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_password_is_said_in_words_and_without_it() {
    within(async {
        let server = RedisServer::start_with(&["--requirepass", "right"]);
        let with = |password| RedisConfig::new(format!("redis://:{password}@127.0.0.1:{}", server.port()));
        let backend = redis::connect(&with("wrongword")).unwrap();
        let refused = |reach: &Reach| matches!(reach, Reach::Never(why) if why.contains("credentials are refused"));
        let reason = format!("{:?}", reach(&backend, refused).await);
        assert!(!reason.contains("wrongword"), "{reason}");

        let without = connect(&server);
        reach(&without, refused).await;
        reached(redis::connect(&with("right")).unwrap()).await;
    })
    .await;
}

#[tokio::test]
async fn a_wrong_url_is_refused_before_anything_is_tried() {
    assert_eq!(
        redis::connect(&RedisConfig::new("localhost:6379")).err(),
        Some(ConfigError::Scheme)
    );
    let error = redis::connect(&RedisConfig::new("redis://host:99999"))
        .err()
        .expect("no such port");
    assert!(error.to_string().ends_with("invalid port"), "{error}");
}

/// What `CLIENT …` answers.
async fn client_command(client: &Client, words: &[&str]) -> String {
    client
        .custom(cmd!("CLIENT"), words.to_vec())
        .await
        .expect("CLIENT")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_subscription_that_is_cut_is_opened_again_with_a_gap() {
    within(async {
        let server = RedisServer::start();
        let backend = reached(connect(&server)).await;
        let mut inbox = backend.bus.subscribe(&node("gw-a")).await.unwrap();
        let others = raw(&server.url()).await;
        for _ in 0..3 {
            assert_eq!(
                client_command(&others, &["KILL", "TYPE", "pubsub"]).await,
                "1"
            );
            gap(&mut *inbox).await;
            reach(&backend, Reach::is_reached).await;
            passes(&backend, &mut *inbox).await;
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_connections_close_with_the_backend() {
    within(async {
        let server = RedisServer::start();
        let backend = reached(connect(&server)).await;
        let mut inbox = backend.bus.subscribe(&node("gw-a")).await.unwrap();
        drop(backend);
        while inbox.next().await.is_some() {}
        let others = raw(&server.url()).await;
        while client_command(&others, &["LIST"]).await.lines().count() > 1 {
            tokio::task::yield_now().await;
        }
    })
    .await;
}
