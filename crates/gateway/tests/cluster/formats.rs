//! A node of a release that cannot work beside this one has entered itself in Redis, by hand here.

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{scope, sleep};
use std::time::Duration;

use switchboard_testkit::RedisServer;

use crate::support::{node, still_well};

const LATER: &str = "gw-later-1";

fn enter(redis: &RedisServer, fields: &[&str]) {
    let key = format!("sb:node:{LATER}");
    let told = [
        &[
            "HSET",
            &key,
            "ops_address",
            "127.0.0.1:1",
            "started_at",
            "1",
        ],
        fields,
    ]
    .concat();
    redis.call(&told);
    redis.call(&["HSET", "sb:nodes", LATER, "1"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_waits_not_ready_beside_one_of_a_later_format_and_enters_once_that_is_gone() {
    let redis = RedisServer::start();
    enter(
        &redis,
        &["version", "0.9.0", "format", "3", "oldest_format", "2"],
    );
    let gateway = node(&redis, &["cluster.lease_ms=2000"]);
    let lives = AtomicBool::new(true);
    scope(|threads| {
        threads.spawn(|| {
            while lives.load(Ordering::Relaxed) {
                redis.call(&["HINCRBY", "sb:nodes", LATER, "1"]);
                sleep(Duration::from_millis(100));
            }
        });
        // Longer than it takes to be dead.
        for _ in 0..30 {
            sleep(Duration::from_millis(100));
            assert_eq!(gateway.get("/readyz").0, 503);
        }
        let (_, body) = gateway.get("/readyz");
        lives.store(false, Ordering::Relaxed);
        let own = concat!("runs version ", env!("CARGO_PKG_VERSION"), " (format 1)");
        for words in [
            own,
            LATER,
            "version 0.9.0 (format 3)",
            "stop all nodes of one",
        ] {
            assert!(body.contains(words), "{body}");
        }
    });
    assert_eq!(gateway.get("/healthz").0, 200);
    let log = gateway.log();
    assert!(
        log.contains("this node is not ready: this node runs version"),
        "{log}"
    );
    assert!(log.contains(&format!("\"node.id\":\"{LATER}\"")), "{log}");
    gateway.wait_until("ready", |gateway| gateway.get("/readyz").0 == 200);
    still_well(&gateway).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn one_that_tells_no_format_or_a_later_one_that_can_work_beside_this_holds_nobody_up() {
    for format in [&[][..], &["format", "3", "oldest_format", "1"]] {
        let redis = RedisServer::start();
        enter(&redis, &[&["version", "0.9.0"], format].concat());
        let gateway = node(&redis, &[]);
        gateway.wait_until("ready", |gateway| gateway.get("/readyz").0 == 200);
        assert!(!gateway.log().contains("cannot work beside"));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_tells_its_format() {
    let redis = RedisServer::start();
    let gateway = node(&redis, &[]);
    gateway.wait_until("ready", |gateway| gateway.get("/readyz").0 == 200);
    let id = redis.call(&["HKEYS", "sb:nodes"]);
    let told = |field| redis.call(&["HGET", &format!("sb:node:{id}"), field]);
    assert_eq!(told("version"), env!("CARGO_PKG_VERSION"));
    assert_eq!((&*told("format"), &*told("oldest_format")), ("1", "1"));
}
