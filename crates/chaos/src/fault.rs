//! What can be broken.

use clap::ValueEnum;

/// Something that goes wrong while signals flow.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Fault {
    /// No fault, for comparison.
    None,
    /// Connections of clients are cut, one after another.
    SocketLost,
    /// All connections of clients are cut again and again, also those that are just being opened.
    SocketFlapping,
    /// Connections of clients carry nothing any more, and neither side is told.
    SocketSilent,
    /// A gateway is killed (SIGKILL) and another one started a little later.
    GatewayKilled,
    /// All gateways are killed at the same moment, and as many are started a little later.
    EveryGatewayKilled,
    /// A gateway is killed, and Redis with it, which comes back empty; both a little later.
    GatewayAndRedisKilled,
    /// A gateway is frozen (SIGSTOP) for longer than its lease, and goes on.
    GatewayFrozen,
    /// A gateway is told to stop (SIGTERM) once its replacement is ready.
    GatewayDrained,
    /// The same for each of three gateways in turn.
    RollingRestart,
    /// Redis is killed and back at once, empty.
    RedisEmptied,
    /// Redis is frozen (SIGSTOP) for a while.
    RedisFrozen,
    /// Redis is gone for a while and comes back empty.
    RedisGone,
    /// The master that Sentinels watch is killed; its replica takes over.
    SentinelFailover,
    /// One of three masters of a Redis Cluster is killed; its replica takes over.
    ClusterMasterKilled,
    /// Redis closes the connections over which gateways listen, several times.
    SubscriptionKilled,
    /// The same every 1.5 s.
    SubscriptionFlapping,
    /// Redis takes no writes for a while, without memory and then without the replicas that it is told to have.
    RedisRefusing,
    /// What goes to Redis and back takes 1 s, more or less, for a while.
    RedisSlow,
    /// The logs of the gateways are not read any more, and Redis is frozen for a while, which causes many log lines.
    StderrBroken,
    /// Idle connections take all the files that the gateways may open, while those of clients are cut, one after
    /// another.
    FilesExhausted,
}

impl Fault {
    /// As on the command line.
    pub fn name(self) -> String {
        let value = self.to_possible_value().expect("none is hidden");
        value.get_name().to_owned()
    }

    /// The number of gateways when it happens.
    pub(crate) fn gateways(self) -> usize {
        match self {
            Self::RollingRestart => 3,
            _ => 2,
        }
    }

    /// Whether no client may be seen away, because each is told in time to move.
    pub(crate) fn is_announced(self) -> bool {
        matches!(
            self,
            Self::None | Self::GatewayDrained | Self::RollingRestart
        )
    }

    /// Whether it has nothing to do with the connections of clients.
    pub(crate) fn is_behind_the_gateways(self) -> bool {
        matches!(
            self,
            Self::None
                | Self::RedisEmptied
                | Self::RedisFrozen
                | Self::RedisGone
                | Self::SentinelFailover
                | Self::ClusterMasterKilled
                | Self::SubscriptionKilled
                | Self::SubscriptionFlapping
                | Self::RedisRefusing
                | Self::RedisSlow
                | Self::StderrBroken
        )
    }
}
