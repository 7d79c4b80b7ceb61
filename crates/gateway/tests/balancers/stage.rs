//! Gateways around a Redis, and clients that come to them through a balancer.

use std::fs;
use std::net::SocketAddr;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use serde_json::Value;
use switchboard_local::{Gateway, GatewayPlan, Redis, sum_of};
use switchboard_traffic::Traffic;
use tempfile::TempDir;
use tokio::time::sleep;

use crate::newcomers::Newcomers;

pub(crate) const BINARY: &str = env!("CARGO_BIN_EXE_switchboard");
const ADMIN_TOKEN: &str = "admin-token-of-the-balancers";
const PAIRS: usize = 15;
pub(crate) const CLIENTS: u64 = 30;
const PACE: Duration = Duration::from_millis(100);
const DRAINED_WITHIN: Duration = Duration::from_secs(120);
const LOOK_EVERY: Duration = Duration::from_millis(50);
const SETTINGS: [&str; 3] = [
    "drain.window_ms=3000",
    "drain.deadline_ms=60000",
    "admin.token=admin-token-of-the-balancers",
];

pub(crate) struct Stage {
    pub(crate) gateways: Vec<Gateway>,
    /// How long a gateway that stops goes on taking clients.
    grace_ms: u64,
    redis: Redis,
    folder: TempDir,
}

impl Stage {
    pub(crate) fn start(gateways: usize, grace_ms: u64) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let redis = Redis::start(folder.path()).unwrap();
        let mut stage = Self {
            gateways: Vec::new(),
            grace_ms,
            redis,
            folder,
        };
        for _ in 0..gateways {
            stage.add();
        }
        stage
    }

    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// One more gateway, ready; the first one is `gw-1`.
    pub(crate) fn add(&mut self) -> &Gateway {
        let grace = format!("drain.grace_ms={}", self.grace_ms);
        let plan = GatewayPlan {
            binary: BINARY.into(),
            name: format!("gw-{}", self.gateways.len() + 1),
            redis_url: self.redis.url(),
            log_format: "json",
            settings: SETTINGS
                .map(Into::into)
                .into_iter()
                .chain([grace])
                .collect(),
        };
        let gateway = Gateway::start(&plan, self.folder.path()).unwrap();
        self.gateways.push(gateway);
        self.gateways.last().unwrap()
    }

    /// Sessions with a connection on each gateway; 0 on one that has ended.
    pub(crate) fn spread(&self) -> Vec<u64> {
        self.gateways.iter().map(sessions).collect()
    }

    /// The same once all clients, and nobody else, are there.
    pub(crate) async fn settled_spread(&self) -> Vec<u64> {
        let began = Instant::now();
        loop {
            let spread = self.spread();
            if spread.iter().sum::<u64>() == CLIENTS {
                return spread;
            }
            assert!(began.elapsed() < DRAINED_WITHIN, "{spread:?}");
            sleep(LOOK_EVERY).await;
        }
    }

    /// `switchboard drain --share` on these gateways at once, waited for.
    pub(crate) fn move_share(&self, gateways: &[usize], share: &str) {
        let drain = |index: &usize| {
            let url = format!("http://{}", self.gateways[*index].ops());
            let command = Command::new(BINARY)
                .env_clear()
                .args(["drain", "--url", &url, "--token", ADMIN_TOKEN])
                .args(["--share", share, "--window-ms", "5000"])
                .spawn();
            command.unwrap()
        };
        let drains: Vec<_> = gateways.iter().map(drain).collect();
        for mut drain in drains {
            assert!(drain.wait().unwrap().success());
        }
    }

    /// The line with which a gateway ends.
    fn stopped(&self, index: usize) -> Value {
        let log = self.log(index);
        serde_json::from_str(log.lines().last().unwrap()).unwrap()
    }

    fn log(&self, index: usize) -> String {
        fs::read_to_string(self.gateways[index].program().log()).unwrap()
    }
}

fn sessions(gateway: &Gateway) -> u64 {
    let metrics = Gateway::metrics(gateway.ops()).unwrap_or_default();
    sum_of(&metrics, "switchboard_sessions", "state=\"live\"") as u64
}

/// Pairs that talk through a balancer, and how often each client has connected.
pub(crate) struct Clients {
    pub(crate) traffic: Traffic,
}

impl Clients {
    pub(crate) async fn through(balancer: SocketAddr) -> Self {
        let traffic = Traffic::start(PAIRS, PACE, balancer).await.unwrap();
        traffic.settle().await.unwrap();
        Self { traffic }
    }

    /// Connections of each client, from its first on.
    pub(crate) fn connections(&self) -> Vec<u64> {
        let doors = self.traffic.doors().iter();
        doors.map(|door| door.connections()).collect()
    }

    /// Waits until every signal flows again.
    pub(crate) async fn settle(&self) {
        self.traffic.settle().await.unwrap();
    }

    /// Nothing was lost, repeated or out of order, nobody saw anybody away, and no connection was lost but by moving.
    pub(crate) async fn end_well(self) {
        let account = self.traffic.end().await.unwrap();
        println!(
            "signals: {} sent, {} delivered, {} lost, {} repeated, {} out of order; seen away {}; connections dropped {}",
            account.sent,
            account.delivered,
            account.lost,
            account.repeated,
            account.out_of_order,
            account.away_seen,
            account.dropped,
        );
        assert_eq!(account.complaints(), [""; 0]);
        assert_eq!((account.away_seen, account.dropped), (0, 0));
        assert_eq!(account.sent, account.delivered, "{:?}", account.undelivered);
    }
}

/// A line for `docs/figures.md`.
pub(crate) fn show(what: &str, spread: &[u64]) {
    let cells: Vec<_> = spread.iter().map(ToString::to_string).collect();
    println!("{what}: {}", cells.join(" / "));
}

/// `gw-1` stops, and clients come meanwhile: every session moves once, nobody else does, and whoever comes gets in. Gives how
/// many came, and how many of these still to `gw-1`.
pub(crate) async fn drain_first(
    stage: &mut Stage,
    clients: &Clients,
    balancer: SocketAddr,
) -> (usize, usize) {
    let there = stage.spread()[0];
    let mut newcomers = Newcomers::to(balancer);
    stage.gateways[0].program().terminate();
    let began = Instant::now();
    let status = loop {
        if let Some(status) = stage.gateways[0].program_mut().ended() {
            break status;
        }
        assert!(began.elapsed() < DRAINED_WITHIN, "{}", stage.log(0));
        newcomers.come().await;
    };
    assert!(status.success(), "{}", stage.log(0));
    clients.settle().await;
    let (came, welcomed) = newcomers.end_well("gw-1").await;
    let moved = clients
        .connections()
        .iter()
        .filter(|times| **times == 2)
        .count() as u64;
    let untouched = clients
        .connections()
        .iter()
        .filter(|times| **times == 1)
        .count() as u64;
    assert_eq!(
        (moved, untouched),
        (there, CLIENTS - there),
        "{:?}",
        clients.connections()
    );
    let stopped = stage.stopped(0);
    // Who is in no room may be gone before his old gateway hears that he is elsewhere.
    let in_no_room = stopped["left"].as_u64().unwrap();
    assert_eq!(stopped["closed"], 0, "{stopped}");
    assert!(in_no_room <= welcomed as u64, "{stopped}");
    assert_eq!(
        stopped["moved"],
        there + welcomed as u64 - in_no_room,
        "{stopped}"
    );
    (came, welcomed)
}
