//! This node, its cluster and the Redis between them.

use std::time::Duration;

use super::{RedisUrl, Secret};

/// Keys `node.*`: this node among the others.
#[derive(Debug, Clone, Default)]
pub struct NodeConfig {
    /// The readable part of the node's id, which gets a random part at each start. Default: the host name.
    pub name: Option<String>,
    /// `host:port` at which other nodes reach this one's ops routes. Default: the listener's address; to be said when
    /// listening beyond loopback with Redis, where that address may be `0.0.0.0`.
    pub ops_address: Option<String>,
}

impl NodeConfig {
    /// The configured name, else the machine's.
    pub fn name_or_host(&self) -> String {
        let host = || {
            hostname::get()
                .ok()
                .and_then(|name| name.into_string().ok())
        };
        self.name
            .clone()
            .or_else(host)
            .unwrap_or_else(|| "node".into())
    }
}

/// Keys `redis.*`.
#[derive(Debug, Clone)]
pub struct RedisConfig {
    /// `redis://` or `rediss://`. Default unset: embedded, one node with everything in its own memory.
    pub url: Option<RedisUrl>,
    /// What every key and channel begins with, so that clusters can share a Redis. Default `sb:`.
    pub key_prefix: String,
}

impl Default for RedisConfig {
    fn default() -> Self {
        Self {
            url: None,
            key_prefix: "sb:".into(),
        }
    }
}

/// Keys `cluster.*`: what all nodes agree on.
#[derive(Debug, Clone)]
pub struct ClusterConfig {
    /// At least 16 characters, the same on every node; frames between nodes are authenticated with what is derived
    /// from it. Default unset: the first node makes one and keeps it in Redis, where whoever reads Redis can read it.
    pub key: Option<Secret>,
    /// How long a node may be silent before the others take it for dead. Default 4 s, at least 2 s: leases are renewed
    /// every second.
    pub lease: Duration,
}

impl Default for ClusterConfig {
    fn default() -> Self {
        Self {
            key: None,
            lease: Duration::from_secs(4),
        }
    }
}

/// Keys `routing.*`: how signals travel.
#[derive(Debug, Clone)]
pub struct RoutingConfig {
    /// Hand signals between two peers of this node over without the detour through Redis. Default false, so that there
    /// is one path to measure and trust.
    pub local_shortcut: bool,
    /// The longest that a link waits for company under load, on top of the publish in flight. Default 1 ms, which is
    /// also the most; 0 never waits.
    pub linger_max: Duration,
}

impl Default for RoutingConfig {
    fn default() -> Self {
        Self {
            local_shortcut: false,
            linger_max: Duration::from_millis(1),
        }
    }
}
