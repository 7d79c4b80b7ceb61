//! Gateway processes, alone or around a Redis.

use switchboard_client::Options;
use switchboard_protocol::PeerId;
use switchboard_testkit::{GatewayProcess, RedisServer};

use super::{Peer, hear, options};

pub(crate) const BINARY: &str = env!("CARGO_BIN_EXE_switchboard");
/// The shortest window in which a session may come back, for tests that wait for its end; a signal waits 15 s more at
/// most. Pings come so often that this window is allowed.
pub(crate) const SHORT_WINDOW: [&str; 3] = [
    "session.heartbeat_ms=50",
    "session.resume_window_ms=10100",
    "session.delivery_deadline_ms=25100",
];

/// Ready gateways around a Redis of their own.
pub(crate) struct Cluster {
    pub(crate) nodes: Vec<GatewayProcess>,
    pub(crate) redis: RedisServer,
}

impl Cluster {
    /// So many nodes with the same settings, each `key=value`.
    pub(crate) fn start(nodes: usize, settings: &[&str]) -> Self {
        Self::around(RedisServer::start(), nodes, settings)
    }

    /// The same around a Redis that is there already.
    pub(crate) fn around(redis: RedisServer, nodes: usize, settings: &[&str]) -> Self {
        let nodes: Vec<_> = (0..nodes).map(|_| node(&redis, settings)).collect();
        for node in &nodes {
            wait_until_ready(node);
        }
        Self { nodes, redis }
    }
}

/// A gateway that uses `redis`; it may not be ready yet.
pub(crate) fn node(redis: &RedisServer, settings: &[&str]) -> GatewayProcess {
    let url = format!("redis.url={}", redis.url());
    let settings: Vec<_> = settings.iter().copied().chain([&*url]).collect();
    GatewayProcess::start(BINARY, &settings)
}

/// A ready gateway that needs no Redis.
pub(crate) fn embedded(settings: &[&str]) -> GatewayProcess {
    GatewayProcess::start_ready(BINARY, settings)
}

/// The same with so many files, of which the shell that starts it allows it 32 at first.
pub(crate) fn with_files(files: u32, settings: &[&str]) -> GatewayProcess {
    let gateway = GatewayProcess::start_with_files(BINARY, (32, files), settings);
    wait_until_ready(&gateway);
    gateway
}

fn wait_until_ready(gateway: &GatewayProcess) {
    gateway.wait_until("ready", |gateway| gateway.ops_get("/readyz").0 == 200);
}

/// After whatever happened to it, a gateway in open mode serves others, and nothing in it has panicked.
pub(crate) async fn still_well(gateway: &GatewayProcess) {
    still_well_at(gateway, &gateway.url()).await;
}

/// The same for clients that come to it by this URL, such as that of a proxy.
pub(crate) async fn still_well_at(gateway: &GatewayProcess, url: &str) {
    let room = format!("well-{}", PeerId::random());
    let options = Options {
        url: url.into(),
        ..options(gateway)
    };
    let come = async || {
        let come = Peer::open(&options).await;
        let mut peer = come.unwrap_or_else(|error| panic!("{error}\n{}", gateway.log()));
        peer.join(&room).await;
        peer
    };
    let (mut alice, mut bob) = (come().await, come().await);
    alice.exchange(&mut bob, &room).await;
    alice.bye().await;
    hear!(bob, MemberLeft);
    bob.bye().await;
    assert!(!gateway.log().contains("panicked"), "{}", gateway.log());
}
