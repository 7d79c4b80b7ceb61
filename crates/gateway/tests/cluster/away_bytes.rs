//! What sessions without a connection cost in Redis, and what bounds that.
//!
//! `cargo test -p switchboard-gateway --test cluster away_bytes -- --nocapture` prints what Redis says.

use std::sync::Arc;

use switchboard_client::Options;
use switchboard_protocol::client_message::Join;
use switchboard_protocol::{ClientMessage, MemberState};
use switchboard_testkit::{GatewayProcess, RedisServer};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

use crate::support::{Cluster, Peer, SECRET_SETTING, hear, options, token};

const ROOMS: usize = 16;
/// Those who come, at the same time.
const AT_ONCE: usize = 16;
/// What Redis may hold more, whoever comes and drops.
const MOST: u64 = 20_000_000;
/// Longer than any of these tests: nobody expires by himself.
const LONG_WINDOW: [&str; 2] = [
    "session.resume_window_ms=3600000",
    "session.delivery_deadline_ms=3615000",
];

/// Memory of what Redis holds, without its buffers.
fn redis_bytes(redis: &RedisServer) -> u64 {
    let info = redis.call(&["INFO", "memory"]);
    let line = info
        .lines()
        .find_map(|line| line.strip_prefix("used_memory_dataset:"));
    line.and_then(|bytes| bytes.trim().parse().ok())
        .unwrap_or_else(|| panic!("{info}"))
}

/// Enters so many rooms of its own, telling as much of itself as it may.
async fn comes(gateway: &GatewayProcess, who: usize, rooms: usize, state: &str) -> Peer {
    let mut peer = Peer::to(gateway).await;
    for room in 0..rooms {
        peer.ask(|id| {
            ClientMessage::Join(Join {
                id,
                room: format!("room-{who}-{room}").into(),
                state: Some(MemberState::from_json(state).expect("a state")),
                capacity: None,
            })
        });
    }
    for _ in 0..rooms {
        hear!(peer, Joined);
    }
    peer
}

/// So many of them, in the order in which they came.
async fn storm(cluster: &Arc<Cluster>, sessions: usize, rooms: usize, state: &str) -> Vec<Peer> {
    let turns = Arc::new(Semaphore::new(AT_ONCE));
    let mut coming = JoinSet::new();
    for who in 0..sessions {
        let (cluster, turns, state) = (cluster.clone(), turns.clone(), state.to_owned());
        coming.spawn(async move {
            let _turn = turns.acquire().await;
            comes(&cluster.nodes[0], who, rooms, &state).await
        });
    }
    coming.join_all().await
}

fn say(redis: &RedisServer, before: u64, sessions: usize, rooms: usize) {
    let grown = redis_bytes(redis).saturating_sub(before);
    println!(
        "{sessions} sessions in {rooms} rooms each, away: Redis holds {:.1} MB more, {:.2} kB a session that came",
        grown as f64 / 1e6,
        grown as f64 / 1e3 / sessions as f64
    );
}

fn away(gateway: &GatewayProcess) -> f64 {
    gateway.metric("switchboard_sessions_away")
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_enters_many_rooms_and_drops_does_not_fill_redis() {
    let settings = [&["auth.mode=open"][..], &LONG_WINDOW].concat();
    let cluster = Arc::new(Cluster::start(1, &settings));
    let gateway = &cluster.nodes[0];
    // He waits alone in his room, and changes networks as the others come.
    let host = Peer::in_room(gateway, "waiting").await;
    let before = redis_bytes(&cluster.redis);
    let sessions = 300;
    let state = format!("{{\"s\":\"{}\"}}", "x".repeat(4000));
    let ticket = host.lose();
    drop(storm(&cluster, sessions, ROOMS, &state).await);
    let ended = "switchboard_away_ended_total{limit=\"away-bytes\"}";
    gateway.wait_until("that the youngest have expired", |gateway| {
        let gone = gateway.metric(ended);
        gone > 0.0 && away(gateway) + gone == sessions as f64 + 1.0
    });
    gateway.wait_until("that Redis holds little", |_| {
        redis_bytes(&cluster.redis).saturating_sub(before) <= MOST
    });
    say(&cluster.redis, before, sessions, ROOMS);
    let back = ticket.resume(gateway).await;
    assert!(back.welcome.resumed);
    let rooms = back.welcome.rooms.expect("his room");
    assert_eq!(rooms.len(), 1, "he keeps it");
}

#[tokio::test(flavor = "multi_thread")]
async fn those_who_lost_their_node_at_once_are_all_kept() {
    let settings = [&["auth.mode=open"][..], &LONG_WINDOW].concat();
    let cluster = Arc::new(Cluster::start(1, &settings));
    let gateway = &cluster.nodes[0];
    drop(Peer::in_room(gateway, "warm").await);
    let before = redis_bytes(&cluster.redis);
    let sessions = 200;
    drop(storm(&cluster, sessions, 1, "{}").await);
    gateway.wait_until("that all are away", |gateway| {
        away(gateway) == sessions as f64 + 1.0
    });
    say(&cluster.redis, before, sessions, 1);
    // Each alone in a room, and 10,000 of them fit; the estimate is not below what Redis needs.
    let estimated = gateway.metric("switchboard_away_bytes") / (sessions as f64 + 1.0);
    let bound = 18_874_368.0;
    assert!(estimated * 10_000.0 <= bound, "{estimated}");
    let real = redis_bytes(&cluster.redis).saturating_sub(before) as f64 / sessions as f64;
    assert!(real <= estimated * 1.1, "{real} of {estimated}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_phone_that_is_reloaded_again_and_again_is_let_in() {
    let cluster = Cluster::start(2, &[SECRET_SETTING]);
    let of_alice = |gateway: &GatewayProcess| Options {
        token: Some(token("alice", serde_json::json!({}))),
        ..options(gateway)
    };
    for round in 0..12 {
        let gateway = &cluster.nodes[round % 2];
        let page = Peer::open(&of_alice(gateway)).await;
        let mut page = page.unwrap_or_else(|error| panic!("round {round}: {error}"));
        page.join("study-1").await;
        drop(page);
        gateway.wait_until("that nobody is connected", |gateway| {
            gateway.metric("switchboard_sessions{dialect=\"native\",state=\"live\"}") == 0.0
        });
    }
    let ended = |node: &GatewayProcess| {
        node.metric("switchboard_away_ended_total{limit=\"sessions-per-user\"}")
    };
    let ended: f64 = cluster.nodes.iter().map(ended).sum();
    assert_eq!(ended, 7.0, "five are kept");
}
