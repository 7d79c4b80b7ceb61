//! A Redis that answers and refuses what clients need: that is not reached, with the reason, until it does it again.

use switchboard_cluster::Backend;
use switchboard_cluster::backend::Reach;
use switchboard_testkit::{RedisCluster, RedisServer};

use crate::people::node;
use crate::redis_faults::{is_lost, passes, reach};
use crate::stage::{connect, connect_to, open_buckets, reached, within};

/// Commands that bring a refusal about and take it back, and what of it the reason says.
type Refusal<'a> = (&'a [&'a str], &'a [&'a str], &'a str);

const REFUSALS: [Refusal<'static>; 7] = [
    (
        &["CONFIG", "SET", "maxmemory", "1"],
        &["CONFIG", "SET", "maxmemory", "0"],
        "HSET (OOM ",
    ),
    (
        &["CONFIG", "SET", "min-replicas-to-write", "1"],
        &["CONFIG", "SET", "min-replicas-to-write", "0"],
        "NOREPLICAS ",
    ),
    (
        &["REPLICAOF", "127.0.0.1", "1"],
        &["REPLICAOF", "NO", "ONE"],
        "READONLY ",
    ),
    (
        &["ACL", "SETUSER", "default", "-time"],
        &["ACL", "SETUSER", "default", "+time"],
        "TIME (",
    ),
    (
        &["ACL", "SETUSER", "default", "-hincrby"],
        &["ACL", "SETUSER", "default", "+hincrby"],
        "HINCRBY (",
    ),
    (
        &["ACL", "SETUSER", "default", "-evalsha"],
        &["ACL", "SETUSER", "default", "+evalsha"],
        "evalsha",
    ),
    (
        &["ACL", "SETUSER", "default", "-publish"],
        &["ACL", "SETUSER", "default", "+publish"],
        "publish",
    ),
];

fn says(reach: &Reach, word: &str) -> bool {
    match reach {
        Reach::Never(why) | Reach::Lost(why) => {
            why.contains("refuses what clients need") && why.contains(word)
        }
        Reach::Reached => false,
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_refused_is_named_and_its_end_is_noticed() {
    every_refusal_is_named(RedisServer::start).await;
    for program in RedisServer::other_servers() {
        println!("{}", program.display());
        every_refusal_is_named(|| RedisServer::start_program(&program)).await;
    }
}

async fn every_refusal_is_named(start: impl Fn() -> RedisServer) {
    for (refuse, allow, word) in REFUSALS {
        within(async {
            println!("{refuse:?}");
            let server = start();
            let backend = reached(connect(&server)).await;
            server.call(refuse);
            reach(&backend, |reach| is_lost(reach) && says(reach, word)).await;
            let new = connect(&server);
            reach(&new, |reach| {
                matches!(reach, Reach::Never(_)) && says(reach, word)
            })
            .await;
            server.call(allow);
            for backend in [backend, new] {
                reached(backend).await;
            }
        })
        .await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_disk_that_is_full_is_named() {
    within(async {
        let server = RedisServer::start();
        let backend = reached(connect(&server)).await;
        // A folder where the file should go: saving fails as it does on a full disk.
        std::fs::create_dir(server.directory().join("dump.rdb")).unwrap();
        server.call(&["CONFIG", "SET", "save", "3600 1"]);
        server.call(&["BGSAVE"]);
        reach(&backend, |reach| says(reach, "MISCONF ")).await;
        server.call(&["CONFIG", "SET", "stop-writes-on-bgsave-error", "no"]);
        reached(backend).await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_user_who_may_not_subscribe_is_never_reached() {
    within(async {
        let server = RedisServer::start();
        server.call(&["ACL", "SETUSER", "default", "resetchannels"]);
        let backend = connect(&server);
        let says_why = |reach: &Reach| matches!(reach, Reach::Never(why) if why.contains("NOPERM"));
        reach(&backend, says_why).await;
        server.call(&["ACL", "SETUSER", "default", "allchannels"]);
        let backend = reached(backend).await;
        let mut inbox = backend.bus.subscribe(&node("gw-a")).await.unwrap();
        passes(&backend, &mut *inbox).await;
    })
    .await;
}

/// As `docs/operations/redis.md` says.
#[tokio::test(flavor = "multi_thread")]
async fn a_user_with_what_the_documentation_names_is_enough() {
    within(async {
        let server = RedisServer::start();
        let rights = "~sb:* &sb:* +@read +@write +@pubsub +@scripting +@connection +time +info";
        let user = ["ACL", "SETUSER", "gateway", "on", ">word"];
        let words: Vec<_> = user.into_iter().chain(rights.split(' ')).collect();
        server.call(&words);
        let url = format!("redis://gateway:word@127.0.0.1:{}", server.port());
        let backend = reached(connect_to(url)).await;
        let mut inbox = backend.bus.subscribe(&node("gw-a")).await.unwrap();
        passes(&backend, &mut *inbox).await;
        open_buckets(&backend).await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn frames_pass_while_nothing_can_be_written() {
    within(async {
        let server = RedisServer::start();
        let backend = reached(connect(&server)).await;
        let mut inbox = backend.bus.subscribe(&node("gw-a")).await.unwrap();
        passes(&backend, &mut *inbox).await;
        server.call(&["CONFIG", "SET", "maxmemory", "1"]);
        reach(&backend, is_lost).await;
        passes(&backend, &mut *inbox).await;
        cannot_write(&backend).await;
    })
    .await;
}

async fn cannot_write(backend: &Backend) {
    let refused = backend.leases.renew(&node("gw-a"), &0).await;
    let error = refused.expect_err("nothing can be written");
    assert!(error.to_string().contains("OOM"), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_left_of_trying() {
    within(async {
        let server = RedisServer::start();
        let backend = reached(connect(&server)).await;
        open_buckets(&backend).await;
        assert_eq!(server.call(&["DBSIZE"]), "64");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn of_a_cluster_the_master_that_refuses_is_named() {
    let cluster = RedisCluster::start();
    within(async {
        let backend = reached(connect_to(cluster.url())).await;
        let mut inbox = backend.bus.subscribe(&node("gw-a")).await.unwrap();
        passes(&backend, &mut *inbox).await;
        cluster.call_master(1, &["CONFIG", "SET", "maxmemory", "1"]);
        let address = format!("127.0.0.1:{}", cluster.master_ports()[1]);
        reach(&backend, |reach| {
            says(reach, "OOM ") && says(reach, &address)
        })
        .await;
        cluster.call_master(1, &["CONFIG", "SET", "maxmemory", "0"]);
        passes(&reached(backend).await, &mut *inbox).await;
    })
    .await;
}
