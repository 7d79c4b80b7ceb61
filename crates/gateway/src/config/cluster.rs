//! This node, its cluster and the Redis between them.

use std::net::SocketAddr;
use std::time::Duration;

use super::address::with_port;
use super::{RedisUrl, Secret};

/// Keys `node.*`: this node among the others.
#[derive(Debug, Clone, Default)]
pub struct NodeConfig {
    /// The readable part of the node's id, which gets a random part at each start. Default: the host name.
    pub name: Option<String>,
    /// `host:port` at which other nodes reach this one's ops routes. Default: the listener's address; to be said when
    /// listening beyond loopback with Redis, where that address may be `0.0.0.0`.
    pub ops_address: Option<String>,
    /// The host of that alone, as a pod knows its own: a name or an address, an IPv6 one with or without brackets. The port
    /// is the listener's.
    pub ops_host: Option<String>,
}

impl NodeConfig {
    /// `host:port` at which other nodes reach the ops routes that this one has at `listener`.
    pub fn ops_address_of(&self, listener: SocketAddr) -> String {
        match (&self.ops_address, &self.ops_host) {
            (Some(address), _) => address.clone(),
            (None, Some(host)) => with_port(host, listener.port()),
            (None, None) => listener.to_string(),
        }
    }

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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_ops_host_gets_the_listeners_port_and_brackets_where_it_needs_them() {
        let listener = SocketAddr::from(([0, 0, 0, 0], 9090));
        for (host, address) in [
            ("10.0.0.5", "10.0.0.5:9090"),
            ("fd00::5", "[fd00::5]:9090"),
            ("[fd00::5]", "[fd00::5]:9090"),
            ("gw-a.internal", "gw-a.internal:9090"),
        ] {
            let node = NodeConfig {
                ops_host: Some(host.into()),
                ..NodeConfig::default()
            };
            assert_eq!(node.ops_address_of(listener), address);
        }
        assert_eq!(
            NodeConfig::default().ops_address_of(listener),
            "0.0.0.0:9090"
        );
    }
}
