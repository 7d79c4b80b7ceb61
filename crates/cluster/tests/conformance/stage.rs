//! What a case runs on: a store, and as many nodes over it as it wants.

use std::time::Duration;

use fred::clients::Client;
use fred::interfaces::ClientLike;
use fred::types::Builder;
use fred::types::config::Config;
use switchboard_cluster::Backend;
use switchboard_cluster::bucket::Bucket;
use switchboard_cluster::memory::MemoryCluster;
use switchboard_cluster::redis::{self, RedisConfig};
use switchboard_testkit::RedisServer;

/// A directory, leases and a bus with nothing in them yet.
pub(crate) enum Stage {
    Memory(MemoryCluster),
    Redis {
        config: RedisConfig,
        /// Of its own, killed with it.
        _server: Option<RedisServer>,
    },
}

impl Stage {
    pub(crate) fn memory() -> Self {
        Self::Memory(MemoryCluster::new())
    }

    /// On a Redis of its own, with every bucket open.
    pub(crate) fn redis() -> Self {
        let server = RedisServer::start();
        Self::Redis {
            config: RedisConfig::new(server.url()),
            _server: Some(server),
        }
    }

    /// On that Redis, which others use too, under a prefix of its own; with every bucket open.
    pub(crate) async fn shared(url: String, case: &str) -> Self {
        let config = RedisConfig {
            url,
            key_prefix: format!("{case}:"),
        };
        let stage = Self::Redis {
            config,
            _server: None,
        };
        open_buckets(&stage.node().await).await;
        stage
    }

    /// One more node.
    pub(crate) async fn node(&self) -> Backend {
        match self {
            Self::Memory(cluster) => cluster.backend(),
            Self::Redis { config, .. } => {
                reached(redis::connect(config).expect("the URL is right")).await
            }
        }
    }

    pub(crate) async fn nodes(&self, count: usize) -> Vec<Backend> {
        let mut nodes = Vec::new();
        for _ in 0..count {
            nodes.push(self.node().await);
        }
        nodes
    }

    /// A client of this Redis that knows nothing of us.
    pub(crate) async fn raw(&self) -> Client {
        match self {
            Self::Memory(_) => unreachable!("memory has no clients"),
            Self::Redis { config, .. } => raw(&config.url).await,
        }
    }

    /// Loses everything.
    pub(crate) async fn forget(&self) {
        match self {
            Self::Memory(cluster) => cluster.forget(),
            Self::Redis { .. } => {
                let client = self.raw().await;
                let flushed = if client.is_clustered() {
                    client.flushall_cluster().await
                } else {
                    client.flushall(false).await
                };
                flushed.expect("FLUSHALL");
            }
        }
    }
}

/// A backend on that server, reached or not.
pub(crate) fn connect(server: &RedisServer) -> Backend {
    connect_to(server.url())
}

/// A backend on what is at that URL, reached or not.
pub(crate) fn connect_to(url: String) -> Backend {
    redis::connect(&RedisConfig::new(url)).expect("the URL is right")
}

/// Waits until the backend answers.
pub(crate) async fn reached(backend: Backend) -> Backend {
    backend
        .reach
        .clone()
        .wait_for(|reach| reach.is_reached())
        .await
        .expect("the backend lives");
    backend
}

pub(crate) async fn open_buckets(backend: &Backend) {
    for bucket in Bucket::all() {
        backend
            .directory
            .open_bucket(bucket)
            .await
            .expect("a bucket can be opened");
    }
}

/// A client that knows nothing of us.
pub(crate) async fn raw(url: &str) -> Client {
    let client = Builder::from_config(Config::from_url(url).expect("a URL"))
        .build()
        .expect("a client");
    client.init().await.expect("Redis is there");
    client
}

/// A case that takes longer hangs.
pub(crate) async fn within<T>(case: impl Future<Output = T>) -> T {
    tokio::time::timeout(Duration::from_secs(60), case)
        .await
        .expect("the case ends within a minute")
}
