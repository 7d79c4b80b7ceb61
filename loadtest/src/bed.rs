//! The processes under test.

use std::fmt;
use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;

use anyhow::Result;
use clap::ValueEnum;
use switchboard_testkit::{GatewayProcess, RedisServer, cpu_time};

use crate::node_server::NodeServer;

/// What is measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Kind {
    /// the Node servers in peers/socketio
    Node,
    /// two gateways
    Switchboard,
}

/// Two servers and the Redis between them, which ends after them.
pub(crate) struct Bed {
    servers: Servers,
    redis: RedisServer,
}

enum Servers {
    Node([NodeServer; 2]),
    Switchboard(Box<[GatewayProcess; 2]>),
}

impl Bed {
    pub(crate) fn of_node() -> Result<Self> {
        let redis = RedisServer::start();
        let start = || NodeServer::start(&redis.url());
        let servers = Servers::Node([start()?, start()?]);
        Ok(Self { servers, redis })
    }

    /// The Node servers have no rate limit, so the gateways get one that nobody reaches.
    pub(crate) fn of_switchboard(binary: &Path) -> Self {
        let redis = RedisServer::start();
        let settings = [
            &*format!("redis.url={}", redis.url()),
            "limits.signals_per_second=1000000",
            "limits.requests_per_second=1000000",
            "limits.bytes_per_second=67108864",
            "limits.burst=1000000",
            "log.filter=warn,switchboard_gateway::serve=info",
        ];
        let start = || GatewayProcess::start_ready(binary, &settings);
        let servers = Servers::Switchboard(Box::new([start(), start()]));
        Self { servers, redis }
    }

    /// Where the two servers listen.
    pub(crate) fn addresses(&self) -> [SocketAddr; 2] {
        match &self.servers {
            Servers::Node(servers) => servers.each_ref().map(NodeServer::address),
            Servers::Switchboard(servers) => servers.each_ref().map(GatewayProcess::address),
        }
    }

    /// CPU time used so far, user and system: the first server, the second one, Redis.
    pub(crate) fn cpu(&self) -> [Duration; 3] {
        let [first, second] = match &self.servers {
            Servers::Node(servers) => servers.each_ref().map(NodeServer::pid),
            Servers::Switchboard(servers) => servers.each_ref().map(GatewayProcess::pid),
        };
        [first, second, self.redis.pid()].map(cpu_time)
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Node => "Node",
            Self::Switchboard => "Switchboard",
        })
    }
}
