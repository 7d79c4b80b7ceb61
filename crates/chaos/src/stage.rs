//! The processes: gateways behind the balancer, around a Redis of one kind or another.

use std::io::{PipeReader, pipe};
use std::path::PathBuf;

use switchboard_testkit::{GatewayProcess, RedisCluster, RedisSentinel, RedisServer, SlowProxy};

use crate::balancer::Balancer;
use crate::fault::Fault;

/// Clients hear soon of a connection over which nothing comes (within 7 s), a drain is over within a test's patience, and
/// who does not come back is not waited for long.
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

/// That a gateway may open, where that is the fault: enough for its clients, and for few beside.
pub(crate) const FILES: u32 = 128;

/// What the gateways share.
pub(crate) enum Redis {
    Server(RedisServer),
    /// Behind a network that can be slow.
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
    /// Where their logs go, if not into files.
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
    /// Starts what this fault is about, and waits until it is ready. Blocks; to be called within a runtime.
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

    /// Starts a gateway more, and waits until it is ready. Blocks.
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

    /// Puts a new gateway in the place of one that then ends as `end` says.
    pub(crate) fn replace(&mut self, index: usize, end: impl FnOnce(&mut GatewayProcess)) {
        let new = self.new_gateway();
        let mut old = std::mem::replace(&mut self.gateways[index], new);
        end(&mut old);
        self.balancer.remove(old.address());
        assert_is_sane(&old);
    }

    /// Nothing in any gateway has panicked.
    pub(crate) fn assert_is_sane(&self) {
        self.gateways.iter().for_each(assert_is_sane);
    }
}

fn assert_is_sane(gateway: &GatewayProcess) {
    let log = gateway.log();
    assert!(!log.contains("panicked"), "{log}");
}
