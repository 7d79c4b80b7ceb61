//! fred's clients, as one backend wants them.

use std::time::Duration;

use fred::clients::{Client, SubscriberClient, WithOptions};
use fred::error::Error;
use fred::interfaces::ClientLike;
use fred::types::config::{
    ConnectionConfig, PerformanceConfig, ReconnectPolicy, ServerConfig, TcpConfig,
    UnresponsiveConfig,
};
use fred::types::{Builder, RespVersion};

use super::config::RedisConfig;
use super::config_error::ConfigError;
use super::signs::asking;
use super::words::{COMMAND_TIMEOUT, in_words};

/// A connection that owes an answer for so long is made again: a master that is frozen neither answers nor breaks off, and
/// only with a new connection is it known who took over from it.
const UNRESPONSIVE: UnresponsiveConfig = UnresponsiveConfig {
    max_timeout: Some(Duration::from_secs(3)),
    interval: Duration::from_millis(500),
};
/// From one server of a Cluster to another, before a command is given up.
const REDIRECTIONS_MAX: u32 = 5;
/// Commands that may wait for a connection; beyond it callers are refused at once.
const COMMANDS_WAITING_MAX: usize = 65_536;
/// Frames between fred's reader and ours. fred's default of 32 loses them in every burst.
const FRAMES_WAITING_MAX: usize = 65_536;

/// The clients of one backend, not yet connected.
pub(super) struct Fleet {
    pub(super) commands: Client,
    pub(super) publisher: Client,
    pub(super) subscriber: SubscriberClient,
    /// `host:port`, for people.
    pub(super) address: String,
}

impl Fleet {
    pub(super) fn build(config: &RedisConfig) -> Result<Self, ConfigError> {
        let mut fred = config.to_fred()?;
        fred.fail_fast = false;
        fred.version = RespVersion::RESP3;
        let address = address(&fred.server);
        let connection = connection(fred.server.is_clustered());

        let mut builder = Builder::from_config(fred);
        builder
            .set_policy(back_off())
            .set_connection_config(connection)
            .set_performance_config(performance(32));
        let setup = |error: Error| ConfigError::Setup(in_words(&error));
        let commands = builder.build().map_err(setup)?;
        let publisher = builder.build().map_err(setup)?;
        // fred allocates every event channel at this size, so only the client that needs it gets it.
        builder.set_performance_config(performance(FRAMES_WAITING_MAX));
        let subscriber = builder.build_subscriber_client().map_err(setup)?;
        Ok(Self {
            commands,
            publisher,
            subscriber,
            address,
        })
    }
}

/// fred puts the further nodes first.
fn address(server: &ServerConfig) -> String {
    let hosts = server.hosts();
    hosts
        .last()
        .map(|host| format!("{}:{}", host.host, host.port))
        .unwrap_or_default()
}

/// 50 ms doubling to 1 s, each with up to 50 ms on top, for ever.
fn back_off() -> ReconnectPolicy {
    let mut policy = ReconnectPolicy::new_exponential(0, 50, 1000, 2);
    policy.set_jitter(50);
    policy
}

fn connection(clustered: bool) -> ConnectionConfig {
    ConnectionConfig {
        connection_timeout: COMMAND_TIMEOUT,
        internal_command_timeout: COMMAND_TIMEOUT,
        // A command whose connection broke fails; whether to repeat it is the caller's to say. One that was sent to
        // another server of a Cluster counts as a further attempt.
        max_command_attempts: if clustered { 1 + REDIRECTIONS_MAX } else { 1 },
        max_redirections: REDIRECTIONS_MAX,
        // A slot's new master is not known to all of a Cluster at once.
        cluster_cache_update_delay: Duration::from_millis(50),
        unresponsive: UNRESPONSIVE,
        max_command_buffer_len: COMMANDS_WAITING_MAX,
        tcp: TcpConfig {
            nodelay: Some(true),
            ..TcpConfig::default()
        },
        ..ConnectionConfig::default()
    }
}

fn performance(events: usize) -> PerformanceConfig {
    PerformanceConfig {
        default_command_timeout: COMMAND_TIMEOUT,
        broadcast_channel_capacity: events,
        ..PerformanceConfig::default()
    }
}

/// The same client, failing at once while it is not connected.
pub(super) fn failing_fast<C: ClientLike>(client: &C) -> WithOptions<C> {
    asking(client, None)
}
