//! Standard error is what a node logs to, and what nobody may be watching: whatever becomes of it, the node goes on.

use std::fs::File;
use std::io::{PipeWriter, Read, pipe};
use std::process::Stdio;

use switchboard_testkit::{GatewayProcess, RedisServer, small_pipe};

use crate::support::{BINARY, Peer, hear, still_well};

const ROOM: &str = "study-1";
const DROPPED: &str = "switchboard_log_lines_dropped_total";

fn around(redis: &RedisServer, stderr: impl Into<Stdio>) -> GatewayProcess {
    let url = format!("redis.url={}", redis.url());
    let gateway = GatewayProcess::start_logging_to(BINARY, &[&url], stderr);
    gateway.wait_until("ready", |gateway| gateway.get("/readyz").0 == 200);
    gateway
}

#[tokio::test]
async fn a_node_whose_log_has_lost_its_reader_goes_on_through_a_pause_of_redis() {
    let redis = RedisServer::start();
    let (reader, writer) = pipe().expect("a pipe");
    let node = around(&redis, writer);
    let mut alice = Peer::in_room(&node, ROOM).await;
    drop(reader);
    redis.pause();
    // It can say neither that the lease is not kept nor that it says so in vain.
    node.wait_until("unable to keep its lease", |node| {
        node.metric("switchboard_lease_failures_total") >= 2.0 && node.metric(DROPPED) >= 1.0
    });
    redis.resume();
    node.wait_until("keeping its lease again", |node| {
        node.metric("switchboard_lease_age_seconds") < 1.0
    });
    let mut bob = Peer::to(&node).await;
    bob.join_at_last(ROOM).await;
    hear!(alice, MemberJoined);
    alice.exchange(&mut bob, ROOM).await;
    still_well(&node).await;
}

/// Has logged more than its pipe holds.
async fn talkative(stderr: PipeWriter) -> GatewayProcess {
    let node = GatewayProcess::start_logging_to(BINARY, &["log.filter=debug"], stderr);
    let mut alice = Peer::in_room(&node, ROOM).await;
    for _ in 0..30 {
        still_well(&node).await;
    }
    alice.ping().await;
    assert_eq!(node.get("/healthz").0, 200);
    node
}

#[tokio::test]
async fn a_node_whose_log_nobody_reads_serves_and_stops() {
    let (mut reader, writer) = small_pipe();
    let mut node = talkative(writer).await;
    node.terminate();
    assert!(node.wait().success());
    let mut log = String::new();
    reader.read_to_string(&mut log).expect("text");
    assert!(!log.contains("stopped: "), "the pipe was full: {log}");
}

#[tokio::test]
async fn a_log_that_is_read_late_has_every_line() {
    let (mut reader, writer) = small_pipe();
    let mut node = talkative(writer).await;
    let reading = std::thread::spawn(move || {
        let mut log = String::new();
        reader.read_to_string(&mut log).map(|_| log)
    });
    assert!(node.metric(DROPPED) == 0.0);
    node.terminate();
    assert!(node.wait().success());
    let log = reading.join().expect("a reader").expect("text");
    assert!(log.len() > 4096, "{log}");
    assert!(log.contains("open http://"), "{log}");
    let last = log.lines().last();
    assert!(last.is_some_and(|line| line.contains("stopped: ")), "{log}");
}

#[tokio::test]
async fn a_node_whose_log_is_on_a_full_disk_starts_serves_and_stops() {
    let full = File::options().write(true).open("/dev/full");
    let mut node = GatewayProcess::start_logging_to(BINARY, &[], full.expect("Linux has one"));
    still_well(&node).await;
    assert!(node.metric(DROPPED) >= 1.0);
    node.terminate();
    assert!(node.wait().success());
}
