//! The processes: gateways behind the balancer, and a Redis of one of several kinds.

use std::io::{PipeReader, pipe};
use std::path::PathBuf;

use switchboard_testkit::{GatewayProcess, RedisCluster, RedisSentinel, RedisServer, SlowProxy};

use crate::balancer::Balancer;
use crate::fault::Fault;

/// Clients notice within 7 s that nothing comes over a connection, a drain ends within the time that a test waits, and
/// a session that does not come back ends soon.
const SETTINGS: [&str; 8] = [
    "session.heartbeat_ms=2000",
    "session.heartbeat_timeout_ms=10000",
    "session.resume_window_ms=30000",
    "session.delivery_deadline_ms=45000",
    "drain.grace_ms=500",
    "drain.window_ms=3000",
    "drain.deadline_ms=20000",
    "limits.sessions_per_user=1000",
];

/// Files that a gateway may open while the fault is about files: enough for its clients and a few more.
pub(crate) const FILES: u32 = 128;

/// What the gateways share.
pub(crate) enum Redis {
    Server(RedisServer),
    /// Behind a network that can be slowed down.
    Slow(RedisServer, SlowProxy),
    Sentinel(RedisSentinel),
    Cluster(RedisCluster),
}

/// Everything that can be broken.
pub(crate) struct Stage {
    binary: PathBuf,
    fault: Fault,
    pub(crate) redis: Redis,
    pub(crate) gateways: Vec<GatewayProcess>,
    pub(crate) balancer: Balancer,
    /// Where the gateways log to, if not into files.
    pub(crate) log_readers: Vec<PipeReader>,
}

impl Redis {
    fn of(fault: Fault) -> Self {
        match fault {
            Fault::SentinelFailover => Self::Sentinel(RedisSentinel::start()),
            Fault::ClusterMasterKilled => Self::Cluster(RedisCluster::start()),
            Fault::RedisSlow => {
                let server = RedisServer::start();
                let proxy = SlowProxy::start(server.port());
                Self::Slow(server, proxy)
            }
            _ => Self::Server(RedisServer::start()),
        }
    }

    fn url(&self) -> String {
        match self {
            Self::Server(server) => server.url(),
            Self::Slow(_, proxy) => format!("redis://127.0.0.1:{}", proxy.port()),
            Self::Sentinel(sentinel) => sentinel.url(),
            Self::Cluster(cluster) => cluster.url(),
        }
    }

    /// One that stands alone.
    pub(crate) fn server(&mut self) -> &mut RedisServer {
        match self {
            Self::Server(server) | Self::Slow(server, _) => server,
            Self::Sentinel(_) | Self::Cluster(_) => panic!("this fault is one of a single Redis"),
        }
    }
}

impl Stage {
    /// Starts the processes that this fault needs, and waits until they are ready. Blocks; must be called within a
    /// runtime.
    pub(crate) fn start(binary: PathBuf, fault: Fault) -> Self {
        let mut stage = Self {
            binary,
            fault,
            redis: Redis::of(fault),
            gateways: Vec::new(),
            balancer: Balancer::start(),
            log_readers: Vec::new(),
        };
        for _ in 0..fault.gateways() {
            let gateway = stage.new_gateway();
            stage.gateways.push(gateway);
        }
        stage
    }

    /// Starts one more gateway, and waits until it is ready. Blocks.
    pub(crate) fn new_gateway(&mut self) -> GatewayProcess {
        let url = format!("redis.url={}", self.redis.url());
        let settings: Vec<_> = SETTINGS.into_iter().chain([&*url]).collect();
        let gateway = match self.fault {
            Fault::StderrBroken => {
                let (reader, writer) = pipe().expect("a pipe can be made");
                self.log_readers.push(reader);
                GatewayProcess::start_logging_to(&self.binary, &settings, writer)
            }
            Fault::FilesExhausted => {
                GatewayProcess::start_with_files(&self.binary, (FILES, FILES), &settings)
            }
            _ => GatewayProcess::start(&self.binary, &settings),
        };
        gateway.wait_until("ready", |gateway| gateway.get("/readyz").0 == 200);
        self.balancer.add(gateway.address());
        gateway
    }

    /// Replaces a gateway with a new one; `end` then ends the old one.
    pub(crate) fn replace(&mut self, index: usize, end: impl FnOnce(&mut GatewayProcess)) {
        let new = self.new_gateway();
        let mut old = std::mem::replace(&mut self.gateways[index], new);
        end(&mut old);
        self.balancer.remove(old.address());
        assert_is_sane(&old);
    }

    /// Asserts that nothing panicked in any gateway.
    pub(crate) fn assert_is_sane(&self) {
        self.gateways.iter().for_each(assert_is_sane);
    }
}

fn assert_is_sane(gateway: &GatewayProcess) {
    let log = gateway.log();
    assert!(!log.contains("panicked"), "{log}");
}
